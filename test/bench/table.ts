/** How benchmarks print what they measured. */
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { cpus } from "node:os";

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** A goal of DESIGN 13 beside what was measured. */
export interface Goal {
  readonly what: string;
  readonly measured: string;
  readonly goal: string;
  readonly isMet: boolean;
}

/** Where the figures go as JSON, one file a table; report.mjs makes one table of their goals. */
const FOLDER = new URL("../../coverage/bench/", import.meta.url);

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** From the smallest to the largest. */
export function spread(values: readonly number[], digits = 0): string {
  return `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`;
}

/** So many times as much. */
export function times(ours: number, theirs: number): string {
  return `${(ours / theirs).toFixed(2)} ×`;
}

/** Prints a table as Markdown, with the machine and the date, and writes it as JSON beside, with the goals that it is about. */
export async function print(
  name: string,
  title: string,
  { head, rows }: Table,
  goals: readonly Goal[] = [],
): Promise<void> {
  const { version } = createRequire(import.meta.url)("@whiskeysockets/baileys/package.json") as { version: string };
  const processor = `${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown processor"}`;
  const machine = `Node ${process.version}, Baileys ${version}, ${processor}`;
  const date = new Date().toISOString().slice(0, 10);
  const lines = [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
  process.stdout.write(`\n${title}\n${date}, ${machine}\n\n${lines.join("\n")}\n\n`);
  await mkdir(FOLDER, { recursive: true });
  await writeFile(
    new URL(`${name}.json`, FOLDER),
    JSON.stringify({ title, date, machine, head, rows, goals }, null, 2),
  );
}
