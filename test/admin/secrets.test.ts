/** Messages with a secret are deleted for everyone: when it is void or over, across restarts, and each once. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AdminRecord } from "../../src/admin/index.js";
import { allOf, type Records } from "../../src/admin/records.js";
import { Secrets } from "../../src/admin/secrets.js";
import { openStore, type Store } from "../../src/store/index.js";
import type { Parcel } from "../../src/whatsapp/types.js";
import { OWNER } from "./house.js";

let home: string;
let store: Store;
let records: Records;
let posted: Parcel[];
let logged: string[];
let timers: Map<() => void, number>;
let isFull: boolean;

function open({ withOutbox = true } = {}): Secrets {
  const outbox = {
    post: async (parcel: Parcel) => {
      if (isFull) throw new Error("disk full");
      posted.push(parcel);
      return [];
    },
    cancel: async () => 0,
    withKey: () => undefined,
    hadLeft: () => true,
  };
  const scheduler = {
    at(time: number, work: () => void) {
      timers.set(work, time);
      return () => timers.delete(work);
    },
  };
  const log = { error: (_: object, message: string) => void logged.push(message) };
  return new Secrets({ records, outbox: withOutbox ? outbox : undefined, clock: () => 0, scheduler, log });
}

/** Lets the timers go off, and waits for what they do. */
async function ring(): Promise<void> {
  for (const work of [...timers.keys()]) {
    timers.delete(work);
    work();
  }
  for (let turn = 0; turn < 20; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    await records.count();
  }
}
const left = async () => (await allOf(records, "secret")).map(({ _id }) => _id).sort();

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "kafclaw-secrets-"));
  store = await openStore(home, { clock: () => 0, log: { info() {}, warn() {} } });
  records = await store.open<AdminRecord>("settings");
  [posted, logged, timers, isFull] = [[], [], new Map(), false];
});
afterEach(async () => {
  await store.close();
  await rm(home, { recursive: true, force: true });
});

describe("a message with a secret", () => {
  it("goes when it is over, in the chat where it stands, with every message it was sent as", async () => {
    const secrets = open();
    await secrets.keep({ ids: ["A", "B"], to: OWNER, address: "1000@lid" as never, until: 7, secretId: "token" });
    expect([...timers.values()]).toEqual([7]);
    expect(posted).toEqual([]);
    await ring();
    expect(posted).toEqual([
      { kind: "delete", to: OWNER, target: "A", key: "delete:A", address: "1000@lid" },
      { kind: "delete", to: OWNER, target: "B", key: "delete:B", address: "1000@lid" },
    ]);
    expect(await left()).toEqual([]);
  });

  it("that never went out is nothing to remember", async () => {
    await open().keep({ ids: [], to: OWNER, until: 7 });
    expect([await left(), timers.size]).toEqual([[], 0]);
  });

  it("goes at once when its secret is void, and no other does", async () => {
    const secrets = open();
    await secrets.keep({ ids: ["A"], to: OWNER, until: 7, secretId: "token" });
    await secrets.keep({ ids: ["B"], to: OWNER, until: 8, secretId: "login" });
    await secrets.keep({ ids: ["C"], to: OWNER, until: 9 });
    await secrets.void("token");
    expect(posted).toEqual([{ kind: "delete", to: OWNER, target: "A", key: "delete:A" }]);
    expect(await left()).toEqual(["secret:B", "secret:C"]);
    expect([...timers.values()]).toEqual([8, 9]);
  });

  it("kept twice has one timer, and none after a stop; the next start takes it up", async () => {
    const secrets = open();
    await secrets.keep({ ids: ["A"], to: OWNER, until: 7 });
    await secrets.keep({ ids: ["A"], to: OWNER, until: 8 });
    expect([...timers.values()]).toEqual([8]);
    secrets.stop();
    expect(timers.size).toBe(0);
    await open().start();
    expect([...timers.values()]).toEqual([8]);
    await ring();
    expect(posted).toHaveLength(1);
  });

  it("that can't be deleted on a full disk is deleted when there is room, and the log says so", async () => {
    const secrets = open();
    await secrets.keep({ ids: ["A"], to: OWNER, until: 7 });
    isFull = true;
    await ring();
    expect(logged).toEqual(["a message with a secret could not be deleted; tried again in a minute"]);
    expect(await left()).toEqual(["secret:A"]);
    expect([...timers.values()]).toEqual([60_000]);
    isFull = false;
    await ring();
    expect(posted).toHaveLength(1);
    expect([await left(), timers.size]).toEqual([[], 0]);
  });

  it("stays on record where no gateway runs that could delete it", async () => {
    await open().keep({ ids: ["A"], to: OWNER, until: 7, secretId: "token" });
    await open({ withOutbox: false }).void("token");
    expect([posted, await left()]).toEqual([[], ["secret:A"]]);
  });
});
