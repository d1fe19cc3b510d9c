/** What the gate needs to decide (DESIGN 13: under 5 µs with 100,000 contacts). */

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { expect, test } from "vitest";
import { type AccessDoc, type AuditRecord, createAccess, personFrom } from "../../src/access/index.js";
import { openStore } from "../../src/store/index.js";
import { fillHome } from "./home.js";
import { median, print, spread } from "./table.js";

const DECISIONS = 200_000;
const RUNS = 9;

test("gate", async () => {
  const rows: (string | number)[][] = [];
  let slowest = 0;
  const log = pino({ level: "silent" });
  for (const contacts of [1_000, 10_000, 100_000]) {
    const home = await mkdtemp(join(tmpdir(), "kafclaw-gate-"));
    await fillHome(home, contacts);
    const store = await openStore(home, { clock: Date.now, log });
    const access = await createAccess({
      access: await store.open<AccessDoc>("access", { durable: true }),
      audit: await store.open<AuditRecord>("audit", { durable: true }),
      clock: Date.now,
      random: randomBytes,
      log,
    });
    const senders = Array.from({ length: contacts }, (_, index) => {
      // Every second one is somebody whom nobody knows.
      const person = personFrom(`1555${1_000_000 + index * 2}@s.whatsapp.net`);
      if (!person) throw new Error("not a person");
      return person;
    });
    const times: number[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      let letIn = 0;
      const begun = performance.now();
      for (let index = 0; index < DECISIONS; index += 1) {
        const sender = senders[index % contacts];
        if (sender && access.judge({ place: "person", sender, fromMe: false }).kind === "buddy") letIn += 1;
      }
      times.push(((performance.now() - begun) * 1000) / DECISIONS);
      expect(letIn).toBeGreaterThan(0);
    }
    slowest = median(times);
    rows.push([contacts.toLocaleString("en"), median(times).toFixed(2), spread(times, 2)]);
    await access.close();
    await store.close();
    await rm(home, { recursive: true });
  }
  await print(
    "gate",
    `The gate's decision about a sender, ${RUNS} × ${DECISIONS.toLocaleString("en")} (goal: 5 µs)`,
    { head: ["contacts", "median µs", "spread"], rows },
    [
      {
        what: "gate decision with 100,000 contacts",
        measured: `${slowest.toFixed(2)} µs`,
        goal: "under 5 µs",
        isMet: slowest < 5,
      },
    ],
  );
});
