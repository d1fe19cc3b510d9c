/** Whether a message costs more the longer the history and the larger the contact book are. */
import { test } from "vitest";
import { gateway } from "./contestants.js";
import { fillHome } from "./home.js";
import { median, print, spread } from "./table.js";

const ROUNDS = 3;
const WARM_UP = 500;
const MESSAGES = 2_000;
/** The journal keeps no more than twice as many of contacts, so a longer history is this long. */
const HISTORY = 10_000;

test("history", async () => {
  const rows: (string | number)[][] = [];
  for (const records of [0, 1_000, 10_000, 100_000]) {
    const rates: number[] = [];
    const sizes: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { rate, megabytes } = await measure(records);
      rates.push(rate);
      sizes.push(megabytes);
    }
    rows.push([records.toLocaleString("en"), median(rates).toFixed(0), spread(rates), median(sizes).toFixed(0)]);
  }
  await print(
    "history",
    `Messages per second with so many contacts, and as many messages up to ${HISTORY.toLocaleString("en")}; ${ROUNDS} rounds`,
    { head: ["contacts", "messages a second", "spread", "MB"], rows },
  );
});

async function measure(records: number): Promise<{ rate: number; megabytes: number }> {
  const messages = Math.min(records, HISTORY);
  const contestant = await gateway({ fill: (home) => fillHome(home, records, messages) });
  const { buddy, bot, through, memory } = contestant;
  try {
    // As many as the activity of the last day has are there already.
    for (let sent = 0; sent < WARM_UP; sent += 1) await buddy.send(bot, `message ${sent}`);
    await through(messages + WARM_UP);
    const begun = performance.now();
    for (let sent = 0; sent < MESSAGES; sent += 1) await buddy.send(bot, `message ${sent}`);
    await through(messages + WARM_UP + MESSAGES);
    const rate = (MESSAGES * 1000) / (performance.now() - begun);
    return { rate, megabytes: (await memory()) / (1 << 20) };
  } finally {
    await contestant.remove();
  }
}
