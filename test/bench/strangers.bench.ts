/** A burst of strangers, while one buddy talks (DESIGN 13: 100,000; memory grows by less than 50 MB, answers 2 × slower at most). */
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "vitest";
import { Endpoint } from "../e2e/endpoint.js";
import { World } from "../e2e/world.js";
import { median, print, spread, times } from "./table.js";

const STRANGERS = Number(process.env.STRANGERS ?? 100_000);
/** So many messages are on their way at a time: WhatsApp hands out no more before it has receipts. */
const IN_FLIGHT = 20;
const QUIET_ANSWERS = 20;
const REST_MS = 10_000;
/** The buddy takes a moment between an answer and the next question. */
const THINKS_MS = 500;
const MB = 1 << 20;
const PATIENT = { timeoutMs: 60_000 };

test("strangers", async () => {
  const endpoint = await Endpoint.start();
  const world = await World.linked(
    { setup: "own-number", addressing: "lid" },
    {
      KAFCLAW_LOG_LEVEL: "info",
      KAFCLAW_TEXTS_GREETING: "",
      KAFCLAW_RESPONDER_DAILY_LIMIT: "100000",
      // How long an answer takes, not how long it has to wait.
      KAFCLAW_OUTBOX_PER_MINUTE: "600",
      ...endpoint.env,
    },
  );
  await world.aliceApproved();
  await world.order("/silent off");
  await world.told(/Silent mode is off/);

  const quiet: number[] = [];
  for (let index = 0; index < QUIET_ANSWERS; index += 1) quiet.push(await answerTime(world));
  await pause(REST_MS);
  const before = await memory(world);

  let isOver = false;
  const meanwhile: number[] = [];
  const talk = (async () => {
    while (!isOver) meanwhile.push(await answerTime(world));
  })();
  const begun = performance.now();
  let highest = 0;
  for (let index = 0; index < STRANGERS; index += 1) {
    const stranger = world.wa.phone({ pn: `1666${String(1_000_000 + index)}`, name: `Stranger ${index}` });
    await world.say(stranger, `hello, I am number ${index}`);
    while (world.wa.companions.some(({ waiting }) => waiting > IN_FLIGHT)) await new Promise(setImmediate);
    if (index % 1_000 === 0) {
      world.wa.clearRecord();
      highest = Math.max(highest, await memory(world));
    }
  }
  await world.wa.waitUntilTaken(PATIENT);
  const seconds = (performance.now() - begun) / 1000;
  isOver = true;
  await talk;
  await pause(REST_MS);
  const after = await memory(world);
  await print(
    "strangers",
    `${STRANGERS.toLocaleString("en")} strangers in ${seconds.toFixed(0)} s (goal: 50 MB more, answers at most 2 × slower)`,
    {
      head: ["", "before", "meanwhile", "after", "difference"],
      rows: [
        ["memory, MB", mb(before), mb(highest), mb(after), `+${mb(after - before)}`],
        [
          "a buddy's answer, ms",
          `${median(quiet).toFixed(0)} (${spread(quiet)})`,
          `${median(meanwhile).toFixed(0)} (${spread(meanwhile)})`,
          "",
          times(median(meanwhile), median(quiet)),
        ],
      ],
    },
    [
      {
        what: `${STRANGERS.toLocaleString("en")} different strangers in one burst`,
        measured: `${mb(after - before)} MB more, ${mb(highest - before)} at the highest; a buddy's answer takes ${times(median(meanwhile), median(quiet))} as long`,
        goal: "under 50 MB; at most 2 ×",
        isMet: after - before < 50 * MB && median(meanwhile) <= 2 * median(quiet),
      },
    ],
  );
});

async function answerTime(world: World): Promise<number> {
  await pause(THINKS_MS);
  const begun = performance.now();
  await world.say(world.alice, "How are you?");
  await world.alice.next(undefined, PATIENT);
  return performance.now() - begun;
}

async function memory(world: World): Promise<number> {
  const { pid } = await world.home.api();
  return Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

function mb(bytes: number): string {
  return (bytes / MB).toFixed(0);
}
