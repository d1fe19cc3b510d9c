/** From the start of the process until it is linked and ready, and what it needs at rest, beside bare Baileys (DESIGN 13). */
import { setTimeout as pause } from "node:timers/promises";
import { test } from "vitest";
import { bare, type Contestant, gateway, PATIENCE_MS } from "./contestants.js";
import { fillHome } from "./home.js";
import { median, print, spread, times } from "./table.js";

const STARTS = 7;
/** Memory is measured after the last starts. */
const RESTS = 3;
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
  const measured: { name: string; starts: readonly number[]; rests: readonly number[] }[] = [];
  for (const [name, make] of CONTESTANTS) {
    const contestant = await make();
    try {
      const starts: number[] = [];
      const rests: number[] = [];
      for (let run = 0; run < STARTS; run += 1) {
        starts.push(await startOf(contestant));
        if (run < STARTS - RESTS) continue;
        await pause(REST_MS);
        rests.push((await contestant.memory()) / MB);
      }
      measured.push({ name, starts, rests });
    } finally {
      await contestant.remove();
    }
  }
  const [bare, ours, many] = measured;
  if (!bare || !ours || !many) throw new Error("nothing was measured");
  const start = (of: typeof ours): string => times(median(of.starts), median(bare.starts));
  const rest = (of: typeof ours): string => times(median(of.rests), median(bare.rests));
  await print(
    "start",
    `Start until linked and ready, ${STARTS} starts (goal: 1.15 × bare Baileys, 1.5 × with 10,000 contacts), and memory at rest, ${RESTS} times (goal: 1.25 ×)`,
    {
      head: ["", "median ms", "spread", "beside bare", "MB at rest", "spread", "beside bare"],
      rows: measured.map((one) => {
        const [ms, mb] = [median(one.starts).toFixed(0), median(one.rests).toFixed(0)];
        return [one.name, ms, spread(one.starts), start(one), mb, spread(one.rests), rest(one)];
      }),
    },
    [
      {
        what: "start until linked and ready",
        measured: `${median(ours.starts).toFixed(0)} ms (${spread(ours.starts)}), ${start(ours)} bare Baileys`,
        goal: "at most 1.15 ×",
        isMet: median(ours.starts) <= 1.15 * median(bare.starts),
      },
      {
        what: "start with 10,000 contacts",
        measured: `${median(many.starts).toFixed(0)} ms (${spread(many.starts)}), ${start(many)} bare Baileys`,
        goal: "at most 1.5 ×",
        isMet: median(many.starts) <= 1.5 * median(bare.starts),
      },
      {
        what: "resident memory, idle",
        measured: `${median(ours.rests).toFixed(0)} MB (${spread(ours.rests)}), ${rest(ours)} bare Baileys`,
        goal: "at most 1.25 ×",
        isMet: median(ours.rests) <= 1.25 * median(bare.rests),
      },
    ],
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
