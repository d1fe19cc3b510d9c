/** Orders that a crash or a full disk kept from their answer, and notices that it kept from their record (I10). */
import { afterEach, describe, expect, it } from "vitest";
import type { Inbound } from "../../src/whatsapp/types.js";
import { House, MINUTE, person } from "./house.js";

const ALICE = "+1 555 000 2000";
const BOB = "+1 555 000 3000";
const houses: House[] = [];

async function open(): Promise<House> {
  const house = await House.open();
  houses.push(house);
  return house;
}

afterEach(async () => {
  for (const house of houses.splice(0)) await house.close();
});

/** Handles a message, kills the gateway right before the answer is on disk, and handles it again. @returns the answer then */
async function twice(house: House, message: Inbound, later = 0): Promise<string> {
  await house.handle(message);
  await house.forgetAnswer(message.journalId);
  await house.restart();
  await house.wait(later);
  return house.handle(message);
}

const text = (house: House, words: string) => house.message({ kind: "text", text: words });

describe("an order that was carried out before a crash", () => {
  it("I11: is told of however late it comes again, and nothing more is done", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const bob = await house.knocks("Bob", BOB);
    const order = text(house, `/approve ${alice.code} ${bob.code}`);
    await house.access.approve(alice, { door: "whatsapp", who: "owner", cause: order.journalId });
    await house.wait(16 * MINUTE);
    expect(await house.handle(order)).toMatch(
      new RegExp(`^That was done before .*\\nAlice \\(${alice.code}\\) was approved$`),
    );
    expect(house.state(bob)).toBe("pending");
    const before = house.access.revealToken();
    expect(await twice(house, text(house, "/token rotate"), 16 * MINUTE)).toMatch(
      /^That was done before .*\npairing token replaced: token /,
    );
    const after = house.access.revealToken();
    expect(after).not.toBe(before);
    expect(await twice(house, text(house, "/invite Bob --auto"), 16 * MINUTE)).toMatch(/for Bob, lets in at once$/);
    expect(house.access.invites()).toHaveLength(1);
    const { id } = house.notice(bob.code);
    expect(await twice(house, house.message({ kind: "reaction", emoji: "👍", target: id }), 16 * MINUTE)).toMatch(
      /^✅ Approved Bob/,
    );
  });

  it("is finished at once: what was done now is told, with what was refused", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const bob = await house.knocks("Bob", BOB);
    const order = text(house, `/approve ${alice.code} ${bob.code} +1 555`);
    await house.access.approve(alice, { door: "whatsapp", who: "owner", cause: order.journalId });
    expect(await house.handle(order)).toMatch(/Approved Alice.*\n.*Approved Bob.*\n.*no full phone number/);
  });

  it("I11: is still refused where nothing came of it", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const late = house.message({ kind: "text", text: `/approve ${alice.code}` }, { at: house.time.now - 16 * MINUTE });
    expect(await twice(house, late)).toMatch(/more than 15 minutes late, so nothing changed/);
    expect(house.state(alice)).toBe("pending");
  });

  it("says so where there is nothing left to do", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    expect(await twice(house, text(house, "/remove alice"))).toMatch(
      new RegExp(`^That was done before .*\\nAlice \\(${alice.code}\\) was removed$`),
    );
    await house.says("/invite Bob");
    expect(await twice(house, text(house, "/invite revoke Bob"))).toMatch(/^That was done before .*\n.* for Bob$/);
    await house.knocks("Carl", "+1 555 000 4000");
    await house.says("/token rotate");
    expect(await twice(house, text(house, "/remove old-token"))).toMatch(/^That was done before .*\nCarl \(/);
  });
});

describe("a reaction that decided before a crash is confirmed", () => {
  it("when it was given, swapped and taken away", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    const reaction = (emoji: string) => house.message({ kind: "reaction", emoji, target: id });
    expect(await twice(house, reaction("👍"))).toMatch(/^✅ Approved Alice/);
    expect(await twice(house, reaction("👎"))).toMatch(/^⛔ Denied Alice/);
    expect(await twice(house, reaction(""))).toMatch(/^↩️ Undone: Alice/);
    expect(house.state(alice)).toBe("pending");
    expect(await house.reacts("👍", id)).toMatch(/^✅ Approved Alice/);
  });
});

describe("the notice of an approval by invite", () => {
  const letIn = async (house: House) => {
    await house.says("/invite Bob --auto");
    const [invite] = house.access.invites();
    const knock = { person: person(BOB), name: "Bob", text: invite?.token ?? "", at: house.time.now, cause: "k" };
    const entry = await house.access.knock(knock);
    if (entry.kind !== "auto-approved") throw new Error(entry.kind);
    await house.admin.tell.autoApproved(entry.outcome, entry.invite);
    return entry.contact;
  };

  it("👎 takes back, and its removal or a 👍 in its place lets in again, for ten minutes", async () => {
    const house = await open();
    const bob = await letIn(house);
    const { id } = house.notice("Approved by invite");
    expect(await twice(house, house.message({ kind: "reaction", emoji: "👎", target: id }))).toMatch(/^↩️ Undone: Bob/);
    expect(house.state(bob)).toBe("stranger");
    expect(await house.reacts("😡", id)).toBe("");
    expect(await twice(house, house.message({ kind: "reaction", emoji: "", target: id }))).toMatch(/^✅ Approved Bob/);
    expect(house.state(bob)).toBe("approved");
    expect(await house.reacts("👎", id)).toMatch(/^Nothing changed: Bob/);
    await house.says(`/remove ${bob.code}`);
    expect(await house.reacts("👍", id)).toMatch(/^Nothing changed: Bob/);
  });

  it("no longer promises an undo when it had to wait", async () => {
    const house = await open();
    house.link = "connecting";
    await letIn(house);
    await house.wait(11 * MINUTE);
    house.link = "open";
    await house.admin.linkOpened();
    expect(house.notice("Approved by invite").text).toMatch(/The 10 minutes are over\.$/);
  });
});

describe("a notice", () => {
  it("counts as shown once WhatsApp has taken it", async () => {
    const house = await open();
    await house.knocks("Alice", ALICE);
    house.outbox.isRefused = true;
    const mallory = await house.knocks("Mallory", "+1 555 000 6660");
    expect(await house.says("/approve all")).toMatch(/^✅ Approved Alice/);
    expect(house.state(mallory)).toBe("pending");
    expect(await house.says("/approve mallory")).toMatch(/^Somebody pending matches "mallory", but no notice/);
    expect(await house.says(`/approve ${mallory.code}`)).toMatch(/^✅ Approved Mallory/);
  });

  it("that a crash kept from its record is answered all the same, also before the link opens", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    await house.forgetSent();
    house.link = "connecting";
    const order = text(house, "/deny alice");
    await house.wait(MINUTE);
    await house.restart();
    // Also an order of before the restart, by the name that the notice showed.
    expect(await house.handle(order)).toMatch(/^⛔ Denied Alice/);
    expect(await house.reacts("👍", id)).toMatch(/^Nothing changed: Alice .* was denied/);
  });

  it("to the former owner is none to the next: they get one of their own", async () => {
    const house = await open();
    await house.knocks("Alice", ALICE);
    await house.forgetSent();
    await house.restart();
    const other = { setup: "own-number", person: person("+1 555 000 7000", "7000@lid"), confirmed: true } as const;
    await house.access.setOwner(other, { door: "cli", who: "you" });
    await house.admin.notices.ownerChanged();
    expect(house.toOthers()).toEqual([expect.stringMatching(/^🔔 \*New sender\*/)]);
  });
});

describe("two records that turn out to be one person", () => {
  const [PN, LID] = [ALICE, "2000@lid"];
  const merged = async (house: House) => house.access.learn(person(PN, LID));

  it("leave the notice of the present episode in force, and no other", async () => {
    const house = await open();
    const old = await house.knocks("Alice", PN);
    const first = house.notice(old.code).id;
    await house.cli("remove", old.code);
    const now = await house.knocks("Alice", person(undefined, LID));
    const present = house.notice(now.code).id;
    await merged(house);
    expect(await house.reacts("👍", first)).toMatch(/^Nothing changed/);
    expect(await house.reacts("👍", present)).toMatch(/^✅ Approved Alice/);
  });

  it("are told of, where the notice still waits", async () => {
    const house = await open();
    const old = await house.knocks("Alice", PN);
    for (let time = 0; time < 2; time++) {
      await house.cli("remove", old.code);
      if (time === 0) await house.knocks("Alice", PN);
    }
    house.link = "connecting";
    const now = await house.knocks("Alice", person(undefined, LID));
    await merged(house);
    house.link = "open";
    await house.admin.linkOpened();
    expect(house.notice(now.code).text).toContain("New sender");
  });

  it("by an earlier version: the notice is in force that had the higher number", async () => {
    const house = await open();
    const one = await house.knocks("Alice", PN);
    await house.cli("remove", one.code);
    await house.knocks("Alice", PN);
    const ids = house.notice(one.code).id;
    await house.knocks("Alice", person(undefined, LID));
    await merged(house);
    await house.asMergedBefore(2);
    expect(await house.reacts("👍", ids)).toMatch(/^✅ Approved Alice/);
  });

  it("are told of once in a digest", async () => {
    const house = await open();
    house.link = "connecting";
    for (let count = 0; count < 6; count++) await house.knocks(`Guest ${count}`, `+1 555 010 000${count}`);
    await house.knocks("Alice", PN);
    await house.knocks("Alice", person(undefined, LID));
    await merged(house);
    house.link = "open";
    await house.admin.linkOpened();
    expect(house.notice("new senders").text).toContain("7 new senders");
  });

  it("both pending: either notice decides, once", async () => {
    const house = await open();
    const one = await house.knocks("Alice", PN);
    const other = await house.knocks("Alice", person(undefined, LID));
    const ids = [house.notice(one.code).id, house.notice(other.code).id];
    await merged(house);
    expect(await house.reacts("👍", ids[1] ?? "")).toMatch(/^✅ Approved Alice/);
    expect(await house.reacts("👍", ids[0] ?? "")).toMatch(/^Nothing changed/);
  });
});
