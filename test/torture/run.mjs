/** Runs the fault campaign: `node run.mjs [--seed N] [--only kill,network] [--scale 0.1]`. The whole takes hours. */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const USAGE = `Usage: make torture ARGS="--seed 7 --only kill,network --scale 0.1"
  --seed N      the same faults again; by itself each run has others
  --only TOPICS some of kill, disk, network, flood, clock, abuse, soak; by itself all of them, which takes hours
  --scale X     a part of the whole length, 0.01 for a first look
`;

/** Prints the usage, and ends. */
function usage(stream, code) {
  stream.write(USAGE);
  process.exit(code);
}

function optionsGiven() {
  const text = { type: "string" };
  try {
    const { values } = parseArgs({ options: { help: { type: "boolean" }, seed: text, only: text, scale: text } });
    return values;
  } catch {
    return usage(process.stderr, 2);
  }
}

const { help, seed, only = "", scale = "1" } = optionsGiven();
if (help) usage(process.stdout, 0);
const chance = seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(seed);
if (!Number.isInteger(chance) || !(Number(scale) > 0)) usage(process.stderr, 2);
process.stdout.write(`Seed ${chance}; the same again: make torture ARGS="--seed ${chance}"\n`);
const env = { ...process.env, SEED: String(chance), ONLY: only, SCALE: scale };
const { status } = spawnSync("npx", ["vitest", "run", "--project", "torture"], { stdio: "inherit", env });
process.exit(status ?? 1);
