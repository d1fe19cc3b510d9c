/** How benchmarks print what they measured. */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** Where the figures go as JSON, one file a table. */
const FOLDER = new URL("../../coverage/bench/", import.meta.url);

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** From the smallest to the largest. */
export function spread(values: readonly number[], digits = 0): string {
  return `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`;
}

/** Prints a table as Markdown, with the machine and the date, and writes it as JSON beside. */
export async function print(name: string, title: string, { head, rows }: Table): Promise<void> {
  const machine = `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown processor"}`;
  const date = new Date().toISOString().slice(0, 10);
  const lines = [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
  process.stdout.write(`\n${title}\n${date}, ${machine}\n\n${lines.join("\n")}\n\n`);
  await mkdir(FOLDER, { recursive: true });
  await writeFile(new URL(`${name}.json`, FOLDER), JSON.stringify({ title, date, machine, head, rows }, null, 2));
}
