/** The owner's `/approve` until its confirmation is on the wire, with the decision on disk (DESIGN 13: 50 ms at the median). */
import { setTimeout as pause } from "node:timers/promises";
import { test } from "vitest";
import { TOKEN, World } from "../e2e/world.js";
import { median, print, spread } from "./table.js";

const STRANGERS = 50;
/** The first ones find everything cold. */
const WARM_UP = 10;
const THINKS_MS = 1_500;

test("approve", async () => {
  const world = await World.linked({ setup: "own-number", addressing: "lid" }, { KAFCLAW_LOG_LEVEL: "info" });
  for (let index = 0; index < STRANGERS; index += 1) {
    await world.say(world.wa.phone({ pn: `1555300${String(index).padStart(4, "0")}` }), TOKEN);
  }
  let codes: string[] = [];
  await world.home.until(async () => {
    const { contacts } = (await world.home.get("/api/v1/contacts?state=pending")) as Contacts;
    codes = contacts.map(({ code }) => code);
    return codes.length >= STRANGERS;
  }, "they all wait");
  await world.settled();
  const times: number[] = [];
  for (const code of codes) {
    // The outbox paces what it sends; an owner does not decide twice a second either.
    await pause(THINKS_MS);
    const begun = performance.now();
    await world.order(`/approve ${code}`);
    await world.told(new RegExp(`Approved.*${code}`));
    times.push(performance.now() - begun);
  }
  const measured = times.slice(WARM_UP);
  await print(
    "approve",
    `/approve until the confirmation is on the owner's phone, ${measured.length} times (goal: 50 ms)`,
    {
      head: ["median ms", "spread"],
      rows: [[median(measured).toFixed(1), spread(measured)]],
    },
    [
      {
        what: "`/approve` until its confirmation is on the wire, the decision on disk",
        measured: `${median(measured).toFixed(0)} ms (${spread(measured)})`,
        goal: "under 50 ms at the median",
        isMet: median(measured) < 50,
      },
    ],
  );
});

interface Contacts {
  readonly contacts: readonly { readonly code: string }[];
}
