/** Messages per second from one buddy: the gateway beside bare Baileys, same load, in turn (DESIGN 13). */
import { test } from "vitest";
import { bare, type Contestant, gateway } from "./contestants.js";
import { median, print, spread, times } from "./table.js";

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const WARM_UP = 500;
const MESSAGES = 2_000;

const CONTESTANTS: readonly [string, () => Promise<Contestant>][] = [
  ["KafClaw: link, journal and gate", gateway],
  ["bare Baileys, its own file store", () => bare("file")],
  ["bare Baileys, keys in memory", () => bare("memory")],
];

test("throughput", async () => {
  const rates = new Map<string, number[]>(CONTESTANTS.map(([name]) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, make] of CONTESTANTS) {
      const contestant = await make();
      try {
        await write(contestant, WARM_UP);
        await contestant.through(WARM_UP);
        const begun = performance.now();
        await write(contestant, MESSAGES);
        await contestant.through(WARM_UP + MESSAGES);
        rates.get(name)?.push((MESSAGES * 1000) / (performance.now() - begun));
      } finally {
        await contestant.remove();
      }
    }
  }
  const [ours = Number.NaN, ownStore = Number.NaN, inMemory = Number.NaN] = [...rates.values()].map(median);
  const what = "messages a second from one buddy, beside bare Baileys";
  const rows = [...rates].map(([name, all]) => {
    const ratio = (ours / median(all)).toFixed(2);
    return [name, median(all).toFixed(0), spread(all), ratio];
  });
  await print(
    "throughput",
    `Messages per second from one buddy, ${MESSAGES} messages, ${ROUNDS} rounds (goal: 1.5 × its file store, 0.8 × in memory)`,
    {
      head: ["", "median", "spread", "KafClaw is so many times as fast"],
      rows,
    },
    [
      {
        what: `${what} with its own file store`,
        measured: `${ours.toFixed(0)} (${spread([...rates.values()][0] ?? [])}), ${times(ours, ownStore)}`,
        goal: "at least 1.5 ×",
        isMet: ours >= 1.5 * ownStore,
      },
      {
        what: `${what} with keys in memory alone`,
        measured: times(ours, inMemory),
        goal: "at least 0.8 ×",
        isMet: ours >= 0.8 * inMemory,
      },
    ],
  );
});

async function write({ buddy, bot }: Contestant, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 1) await buddy.send(bot, `message ${sent}`);
}
