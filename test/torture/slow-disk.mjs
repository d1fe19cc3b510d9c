/** Loaded before a gateway (`node --import`): its disk takes as many milliseconds more for a sync as the file SLOW_DISK_FILE says. */
import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

const file = process.env.SLOW_DISK_FILE ?? "";
const handle = await open("/dev/null");
const { sync, datasync } = Object.getPrototypeOf(handle);
await handle.close();

function delay() {
  try {
    return Number(readFileSync(file, "utf8")) || 0;
  } catch {
    // Not written yet: the disk is as it is.
    return 0;
  }
}

Object.assign(Object.getPrototypeOf(handle), {
  async sync() {
    await pause(delay());
    return sync.call(this);
  },
  async datasync() {
    await pause(delay());
    return datasync.call(this);
  },
});
