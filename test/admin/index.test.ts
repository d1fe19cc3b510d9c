/** The face of the owner's side: what it looks after by itself, and what every door gets for an answer. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commands, commandTable } from "../../src/admin/index.js";
import { findCommand, nearestCommand } from "../../src/admin/registry.js";
import { KafclawError } from "../../src/errors.js";
import { DAY, HOUR, House, MINUTE, OWNER } from "./house.js";

const ALICE = "+1 555 000 2000";
const BY = { door: "cli", who: "admin" } as const;
let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

describe("entries that are due", () => {
  it("are looked through every ten minutes, and not once it is stopped", async () => {
    const alice = await house.knocks("Alice", ALICE);
    await house.wait(7 * DAY - 1000);
    expect(house.state(alice)).toBe("pending");
    await house.wait(10 * MINUTE);
    expect(house.state(alice)).toBe("stranger");
    const { tick } = house.access;
    let ticks = 0;
    Object.assign(house.access, {
      tick: () => {
        ticks++;
        return tick.call(house.access);
      },
    });
    await house.wait(HOUR);
    expect(ticks).toBe(6);
    await house.admin.stop();
    await house.wait(HOUR);
    expect(ticks).toBe(6);
  });

  it("that could not be looked through are looked through again, and the log says so", async () => {
    const { tick } = house.access;
    Object.assign(house.access, { tick: () => Promise.reject(new Error("disk full")) });
    await house.wait(10 * MINUTE);
    expect(house.logged).toEqual(["due entries could not be looked through; tried again in 10 minutes"]);
    Object.assign(house.access, { tick });
    const alice = await house.knocks("Alice", ALICE);
    await house.wait(7 * DAY + 10 * MINUTE);
    expect(house.state(alice)).toBe("stranger");
  });
});

describe("what is to be told of them", () => {
  it.each([
    ["expiring", 6, "⏳"],
    ["expired", 7, "⌛"],
  ] as const)("%s entries are told though the disk failed in between, and once", async (which, days, sign) => {
    await house.knocks("Alice", ALICE);
    await house.knocks("Bob", "+1 555 000 3000");
    await house.wait(days * DAY - 1000);
    const before = house.texts().length;
    const { notices } = house.admin;
    Object.assign(notices, { [which]: () => Promise.reject(new Error("disk full")) });
    await house.wait(10 * MINUTE);
    expect(house.texts()).toHaveLength(before);
    Reflect.deleteProperty(notices, which);
    await house.wait(20 * MINUTE);
    expect(house.texts().slice(before)).toEqual([expect.stringMatching(new RegExp(`^${sign} Alice .*, Bob`))]);
  });
});

describe("a command from outside the chat", () => {
  it("that fails is an answer, too; what nobody foresaw is not", async () => {
    const { approve } = house.access;
    const failing = (error: Error) => Object.assign(house.access, { approve: () => Promise.reject(error) });
    const alice = await house.knocks("Alice", ALICE);
    failing(new KafclawError("disk-full", "The disk is full; make room.", "failed"));
    const answer = { ok: false, error: { code: "disk-full", kind: "failed" } };
    expect(await house.cli("approve", alice.code)).toMatchObject({ ...answer, text: "The disk is full; make room." });
    expect(await house.admin.decide({ kind: "approve", contact: alice }, BY)).toMatchObject(answer);
    failing(new Error("a bug"));
    await expect(house.cli("approve", alice.code)).rejects.toThrow("a bug");
    Object.assign(house.access, { approve });
    expect(await house.cli("approve", alice.code)).toMatchObject({ ok: true });
  });

  it("voids the secrets that it replaces", async () => {
    await house.says("/token rotate");
    const { id } = house.notice("New pairing token");
    await house.cli("status");
    expect(house.deleted()).toEqual([]);
    await house.cli("token", "rotate");
    expect(house.deleted()).toEqual([id]);
  });

  it("is in README's table, with its usage where it has one", () => {
    const rows = commandTable().split("\n");
    expect(rows.slice(0, 4)).toEqual([
      "| command | does |",
      "| --- | --- |",
      "| `/help [command]` | lists the commands, or explains one |",
      "| `/status` | link, silent mode, counts, uptime, responder, version |",
    ]);
    expect(rows).toContain("| `/silent [on\\|off [--for 2h]]` | silent mode: nothing goes out but to the admin chat |");
    expect(rows.at(-1)).toBe("");
  });

  it("knows names in any case, and the nearest", async () => {
    expect(await house.cli("STATUS")).toMatchObject({ ok: true });
    expect([findCommand("List")?.name, findCommand("lists")]).toEqual(["list", undefined]);
    expect(commands.every(({ name }) => nearestCommand(`${name}x`) !== undefined)).toBe(true);
  });
});

describe("what senders do", () => {
  it("an invite that was used is a secret no more, and the shared token still is one", async () => {
    await house.says("/token rotate");
    await house.says("/invite Bob");
    const [{ id: ofToken }, { id: ofInvite }] = [house.notice("New pairing token"), house.notice("Invite for Bob")];
    await house.knocks("Alice", ALICE, house.access.revealToken() ?? "");
    expect(house.deleted()).toEqual([]);
    await house.knocks("Bob", "+1 555 000 3000", house.access.invites()[0]?.token ?? "");
    expect(house.deleted()).toEqual([ofInvite]);
    expect(house.deleted()).not.toContain(ofToken);
  });

  it("an --auto invite that was used goes, too", async () => {
    await house.says("/invite Bob --auto");
    const { id } = house.notice("Invite for Bob");
    const [invite] = house.access.invites();
    const who = { pn: "15550002000@s.whatsapp.net" } as never;
    const knock = { person: who, name: "Bob", text: invite?.token ?? "", at: house.time.now, cause: "k" };
    const entry = await house.access.knock(knock);
    if (entry.kind !== "auto-approved") throw new Error(entry.kind);
    await house.admin.tell.autoApproved(entry.outcome, entry.invite);
    expect(house.deleted()).toEqual([id]);
    await house.wait(5000);
    expect(house.toOthers()).toEqual(["Hello, you are in."]);
  });

  it("what could not be handled is told once", async () => {
    await house.admin.tell.stuck("m1", "no room");
    expect(house.texts()).toEqual(["🚨 A message could not be handled and was put aside: no room"]);
  });
});

describe("the record of notices", () => {
  it("keeps five hundred, the oldest go; across a restart in the order in which they went out", async () => {
    const { notices } = house.admin;
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    for (let count = 0; count < 300; count++) {
      house.time.now++;
      await notices.stuck(`m${count}`, "x");
    }
    await house.restart();
    for (let count = 300; count < 499; count++) {
      house.time.now++;
      await house.admin.notices.stuck(`m${count}`, "x");
    }
    expect(await house.records("sent")).toHaveLength(500);
    expect(await house.reacts("👍", id)).toMatch(/^✅/);
    expect(await house.reacts("", id)).toMatch(/^↩️/);
    house.time.now++;
    await house.admin.notices.stuck("m499", "x");
    expect(await house.records("sent")).toHaveLength(500);
    expect(await house.reacts("👍", id)).toBe("");
    expect(house.state(alice)).toBe("pending");
    await house.restart();
    expect(await house.reacts("👍", id)).toBe("");
  });

  it("a notice that was told in the same second as the order was written counts as told before", async () => {
    const alice = await house.knocks("Alice", ALICE);
    expect(await house.says("/approve", { at: house.time.now - 1000 })).toMatch(/^Nobody is pending whose notice/);
    expect(await house.says("/approve", { at: house.time.now - 999 })).toMatch(/^✅/);
    expect(house.state(alice)).toBe("approved");
  });

  it("counts for the episode that it told of, and not for the next", async () => {
    const alice = await house.knocks("Alice", ALICE);
    await house.cli("remove", alice.code);
    house.link = "connecting";
    await house.knocks("Alice", ALICE);
    house.link = "open";
    expect(await house.says("/approve")).toMatch(/^Nobody is pending whose notice/);
    expect(await house.says("/approve alice")).toMatch(/^Somebody pending matches "alice", but no notice/);
    await house.admin.linkOpened();
    expect(await house.says("/approve alice")).toMatch(/^✅/);
  });

  it("another owner is not answered for it", async () => {
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    const other = { setup: "own-number", person: { lid: "77@lid" as never }, confirmed: true } as const;
    await house.access.setOwner(other, BY);
    await house.says("/approve");
    expect(house.toOthers()).toEqual([expect.stringMatching(/^Nobody is pending whose notice/)]);
    await house.access.setOwner({ ...other, person: OWNER }, BY);
    expect(await house.reacts("👍", id)).toMatch(/^✅/);
  });
});
