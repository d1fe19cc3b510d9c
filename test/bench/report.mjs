/** Prints the goals of DESIGN 13 beside what the benchmarks have measured, as the table of README: `node report.mjs`. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const folder = new URL("../../coverage/bench/", import.meta.url);
/** As DESIGN 13 has them. */
const ORDER = ["start", "throughput", "gate", "approve", "strangers", "dashboard"];
const names = new Set(readdirSync(folder));
const tables = ORDER.filter((name) => names.has(`${name}.json`)).map((name) =>
  JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8")),
);
const goals = tables.flatMap((table) => table.goals);
const [{ date, machine }] = tables;
const rows = goals.map(({ what, measured, goal, isMet }) => [what, measured, goal, isMet ? "met" : "**not met**"]);
const lines = [["what", "measured", "goal", ""], Array(4).fill("---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
process.stdout.write(`\nSpeed and size, ${date}, ${machine}\n\n${lines.join("\n")}\n\n`);
writeFileSync(new URL("goals.json", folder), JSON.stringify({ date, machine, goals }, null, 2));
