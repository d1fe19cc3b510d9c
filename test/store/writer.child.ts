/** Writes without end, telling each document that the store has acknowledged, until it is killed. Argument: the home. */
import { openStore } from "../../src/store/index.js";

const log = { info() {}, warn() {} };
const store = await openStore(process.argv[2] ?? "", { clock: Date.now, log });
const notes = await store.open<{ _id: string; text: string }>("access", { durable: true });
for (let n = 0; ; n++) {
  await notes.put({ _id: `${n}`, text: "x".repeat(500) });
  console.log(n);
}
