import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openStore, type Store } from "../../src/store/index.js";

/** A real store in a folder of its own, closed and removed when the test ends. */
export async function tempStore(): Promise<Store> {
  const home = await mkdtemp(join(tmpdir(), "kafclaw-"));
  const store = await openStore(home, { clock: Date.now, log: { info() {}, warn() {} } });
  onTestFinished(async () => {
    await store.close();
    await rm(home, { recursive: true, force: true });
  });
  return store;
}
