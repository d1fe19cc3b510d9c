/** From the start of the process until it is linked and ready, and what it needs at rest, beside bare Baileys (DESIGN 13). */
import { setTimeout as pause } from "node:timers/promises";
import { test } from "vitest";
import { bare, type Contestant, gateway, PATIENCE_MS } from "./contestants.js";
import { fillHome } from "./home.js";
import { median, print, spread } from "./table.js";

const STARTS = 7;
/** After so long without anything to do, memory is at rest. */
const REST_MS = 10_000;
const MB = 1 << 20;

const CONTESTANTS: readonly [string, () => Promise<Contestant>][] = [
  ["bare Baileys, its own file store", () => bare("file")],
  ["KafClaw", gateway],
  ["KafClaw, 10,000 contacts", () => gateway({ fill: (home) => fillHome(home, 10_000, 0) })],
  ...[1_000, 10_000, 100_000].map((contacts): [string, () => Promise<Contestant>] => [
    `KafClaw, ${contacts.toLocaleString("en")} contacts and as many messages a day`,
    () => gateway({ fill: (home) => fillHome(home, contacts) }),
  ]),
];

test("start and rest", async () => {
  const rows: (string | number)[][] = [];
  let bareStart = Number.NaN;
  let bareRest = Number.NaN;
  for (const [name, make] of CONTESTANTS) {
    const contestant = await make();
    try {
      const starts: number[] = [];
      for (let run = 0; run < STARTS; run += 1) starts.push(await startOf(contestant));
      await pause(REST_MS);
      const rest = (await contestant.memory()) / MB;
      if (rows.length === 0) [bareStart, bareRest] = [median(starts), rest];
      const ratios = [(median(starts) / bareStart).toFixed(2), (rest / bareRest).toFixed(2)];
      rows.push([name, median(starts).toFixed(0), spread(starts), ratios[0] ?? "", rest.toFixed(0), ratios[1] ?? ""]);
    } finally {
      await contestant.remove();
    }
  }
  await print(
    "start",
    `Start until linked and ready, ${STARTS} starts (goal: 1.15 × bare Baileys, 1.5 × with 10,000 contacts), and memory at rest (goal: 1.25 ×)`,
    { head: ["", "median ms", "spread", "× bare", "MB at rest", "× bare"], rows },
  );
});

/** Ready is who takes a message that waited for it. @returns milliseconds */
async function startOf({ wa, bot, buddy, launch, stop }: Contestant): Promise<number> {
  await stop();
  await wa.waitForCompanion("closed", { timeoutMs: PATIENCE_MS });
  await buddy.send(bot, "are you there?");
  const begun = performance.now();
  launch();
  await wa.waitUntilTaken({ timeoutMs: PATIENCE_MS });
  return performance.now() - begun;
}
