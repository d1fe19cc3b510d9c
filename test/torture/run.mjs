/** Runs the fault campaign: `node run.mjs [--seed N] [--only kill,network] [--scale 0.1]`. The whole takes hours. */
import { spawnSync } from "node:child_process";
import parse from "yargs-parser";

const {
  seed,
  only = "",
  scale = 1,
  _: rest,
} = parse(process.argv.slice(2), { string: ["only"], number: ["seed", "scale"] });
if (rest.length > 0) {
  process.stderr.write("Usage: make torture ARGS='--seed 7 --only kill,network --scale 0.1'\n");
  process.exit(2);
}
const chance = seed ?? Math.floor(Math.random() * 2 ** 31);
process.stdout.write(`Seed ${chance}; the same again: make torture ARGS="--seed ${chance}"\n`);
const env = { ...process.env, SEED: String(chance), ONLY: only, SCALE: String(scale) };
const { status } = spawnSync("npx", ["vitest", "run", "--project", "torture"], { stdio: "inherit", env });
process.exit(status ?? 1);
