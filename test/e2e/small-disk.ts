/** A disk of a few megabytes, which a test can fill. */
import { execFileSync } from "node:child_process";
import { mkdirSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/**
 * Mounts one until the test is over.
 * @param megabytes how much there is room for
 * @returns false where the machine does not let a test mount anything, which needs root
 */
export function mountSmallDisk(at: string, megabytes: number): boolean {
  try {
    mkdirSync(at, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0700`, "tmpfs", at], { stdio: "ignore" });
  } catch {
    return false;
  }
  onTestFinished(() => void execFileSync("umount", ["-l", at]));
  return true;
}

/** Takes the room that is left on a disk. @param spared how many of its blocks stay free. @returns the file to remove */
export function takeRoom(disk: string, spared = 0): string {
  const { bavail, bsize } = statfsSync(disk);
  const ballast = join(disk, "ballast");
  try {
    writeFileSync(ballast, Buffer.alloc(Math.max(0, (bavail - spared) * bsize)));
  } catch {
    // The gateway was quicker with some of it: then it is full as well.
  }
  return ballast;
}
