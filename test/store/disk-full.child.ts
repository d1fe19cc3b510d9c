/**
 * Runs in a process of its own, where the disk has little room (see disk.test.ts), and prints what a user of the store saw.
 * Arguments: the home, and how room is made: `limit` raises the process's file size limit, anything else is a file to delete.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "../../src/store/index.js";

const [home = "", room = ""] = process.argv.slice(2);
const said: string[] = [];
const log = {
  info: (_: object, text: string) => void said.push(text),
  warn: (_: object, text: string) => void said.push(text),
};
const open = () => openStore(home, { clock: () => 0, log });
const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : String(error));
const attempt = (task: Promise<unknown>) => task.then(() => "done", codeOf);
const file = join(home, "data", "settings.db");

// As the bin does: the signal of a limit that is reached is not to end the process.
process.on("SIGXFSZ", () => {});
mkdirSync(home, { recursive: true });
if (room !== "limit") writeFileSync(room, Buffer.alloc(2_500_000));
let store = await open();
let notes = await store.open<{ _id: string; text: string; n: number }>("settings", { durable: true });
const text = "x".repeat(20_000);
let written = 0;
let first = "done";
// Forty documents that change again and again: too much for the room that there is, live or not.
for (let n = 0; first === "done"; n++) {
  first = await attempt(notes.put({ _id: `${n % 40}`, text, n }));
  if (first === "done") written = n + 1;
}
const before = readFileSync(file);
const failed = written % 40;
const facts = {
  first,
  enough: written > 40,
  again: await Promise.all([
    attempt(notes.put({ _id: "new", text, n: 0 })),
    attempt(
      notes.putAll([
        { _id: "1", text: "", n: -1 },
        { _id: "2", text, n: -1 },
      ]),
    ),
  ]),
  memoryIsDisk: (await notes.get(`${failed}`))?.n === written - 40 && (await notes.get("new")) === undefined,
  count: await notes.count(),
  fileIsUntouched: readFileSync(file).equals(before),
  noRest: readdirSync(join(home, "data")).filter((name) => name.includes("~") || name.includes("cut")),
  couldNotCompact: said.includes("could not compact"),
  openedFull: "",
  afterwards: "",
  kept: false,
};
await store.close();
facts.openedFull = await attempt(open().then((full) => full.close()));
facts.fileIsUntouched &&= readFileSync(file).equals(before);
store = await open().catch(async () => {
  makeRoom();
  return open();
});
notes = await store.open("settings", { durable: true });
const stillFull = await attempt(notes.put({ _id: "new", text, n: 7 }));
makeRoom();
facts.afterwards = `${stillFull}, ${await attempt(notes.put({ _id: "new", text, n: 7 }))}`;
await store.close();
store = await open();
notes = await store.open("settings");
const all = new Map((await notes.find()).map(({ _id, n }) => [_id, n]));
facts.kept = all.get("new") === 7 && [...Array(40).keys()].every((id) => all.get(`${id}`) === lastOf(id));
await store.close();
console.log(JSON.stringify(facts));

function lastOf(id: number): number {
  return Math.floor((written - 1 - id) / 40) * 40 + id;
}

function makeRoom(): void {
  if (room === "limit") execFileSync("prlimit", ["--pid", `${process.pid}`, "--fsize=unlimited:unlimited"]);
  else rmSync(room, { force: true });
}
