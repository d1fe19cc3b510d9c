/**
 * Before the browser tests: makes the browser ready that comes as a package, once and in a folder of this run alone. The
 * package unpacks into one shared place, where two test files, or a run that was killed, leave the other half a browser.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

const INSTALLED = ["/usr/bin/google-chrome", "/usr/bin/chromium", "/usr/bin/chromium-browser"];

declare module "vitest" {
  interface ProvidedContext {
    /** The path of a browser: an installed Chrome or Chromium first. */
    browser: string;
  }
}

export default async function unpack(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const installed = INSTALLED.find((path) => existsSync(path));
  if (installed !== undefined) {
    project.provide("browser", installed);
    return undefined;
  }
  const { TMPDIR } = process.env;
  const folder = await mkdtemp(join(tmpdir(), "kafclaw-browser-"));
  process.env.TMPDIR = folder;
  try {
    const { default: packaged } = await import("@sparticuz/chromium");
    project.provide("browser", await packaged.executablePath());
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
  return () => rm(folder, { recursive: true, force: true });
}
