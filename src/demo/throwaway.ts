import { mkdtempSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KafclawError } from "../errors.js";
import { systemCode } from "../files.js";
import { type Home, homePaths } from "../home.js";

/** A home in the temporary folder that is gone when the demo is. */
export interface Throwaway {
  readonly home: Home;
  remove(): Promise<void>;
  /** The same at once, for the very end of the process. */
  removeNow(): void;
}

/**
 * Makes a home of the demo's own, in one go: a Ctrl-C finds none of which nobody knows.
 * @param keep leaves it there at the end
 * @param folder the temporary folder
 * @throws KafclawError `no-temporary-folder`
 */
export function createThrowaway(keep: boolean, folder = tmpdir()): Throwaway {
  const path = makeFolder(folder);
  return {
    home: homePaths(path),
    async remove() {
      if (!keep) await rm(path, { recursive: true, force: true, maxRetries: 3 });
    },
    removeNow() {
      if (!keep) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

function makeFolder(folder: string): string {
  try {
    return mkdtempSync(join(folder, "kafclaw-demo-"));
  } catch (error) {
    throw new KafclawError(
      "no-temporary-folder",
      `The demo can't make a folder in ${folder} (${systemCode(error) ?? String(error)}); make it writable, or name another one: TMPDIR=/somewhere kafclaw demo.`,
      "failed",
    );
  }
}
