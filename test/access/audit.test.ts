/** The audit: who decided what and when, whatever the clock and the disk do. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ALICE, BOB, chat, cli, dashboard, House, MINUTE, person, TOKEN } from "./house.js";

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

/** What the audit tells, newest first. */
async function told(query?: Parameters<House["access"]["audit"]>[0]) {
  return (await house.access.audit(query)).map(({ action, name }) => `${action} ${name ?? ""}`.trim());
}

describe("the audit", () => {
  it("is empty at first", async () => {
    expect(await told()).toEqual([]);
    expect(house.access.auditCount()).toBe(0);
  });

  it("is read by contact, by door and by page, newest first", async () => {
    const alice = await house.pending(ALICE, "Alice");
    const bob = await house.pending(BOB, "Bob");
    await house.access.approve(alice, dashboard);
    await house.access.approve(bob, chat);
    await house.access.deny(alice, chat);
    const all = ["deny Alice", "approve Bob", "approve Alice", "enter Bob", "enter Alice", "token"];
    for (const again of [false, true]) {
      if (again) await house.restart();
      expect((await told()).map((line) => line.replace(/^token.*/, "token"))).toEqual(all);
      expect(await told({ contact: alice._id })).toEqual(["deny Alice", "approve Alice", "enter Alice"]);
      expect(await told({ door: "dashboard" })).toEqual(["approve Alice"]);
      expect(await told({ door: "whatsapp", contact: bob._id })).toEqual(["approve Bob", "enter Bob"]);
      expect(await told({ door: "cli", contact: bob._id })).toEqual([]);
      expect(await told({ skip: 1, limit: 2 })).toEqual(["approve Bob", "approve Alice"]);
      expect(house.access.auditCount()).toBe(6);
      expect(house.access.auditCount({ contact: alice._id })).toBe(3);
      expect(house.access.auditCount({ contact: bob._id, door: "cli" })).toBe(0);
    }
  });

  it("has each record once, in order of time, where the clock of the machine was set back", async () => {
    const alice = await house.pending(ALICE, "Alice");
    house.now += 10 * MINUTE;
    await house.access.approve(alice, chat);
    house.now -= 5 * MINUTE;
    await house.access.deny(alice, chat);
    house.now -= 1;
    await house.access.remove(alice, chat);
    const order = ["approve Alice", "deny Alice", "remove Alice", "enter Alice"];
    expect((await told()).slice(0, 4)).toEqual(order);
    await house.restart();
    expect((await told()).slice(0, 4)).toEqual(order);
  });

  it("I6: gets what a full disk kept from it with the next decision, in order, each record once", async () => {
    const alice = await house.pending(ALICE, "Alice");
    house.full.audit = true;
    await house.access.approve(alice, chat);
    await house.access.deny(alice, chat);
    expect((await told())[0]).toBe("enter Alice");
    expect(house.warnings).toContain("The audit could not be written; it will be tried again.");
    house.full.audit = false;
    await house.access.remove(alice, chat);
    const order = ["remove Alice", "deny Alice", "approve Alice", "enter Alice"];
    expect((await told()).slice(0, 4)).toEqual(order);
    await house.restart();
    expect((await told()).slice(0, 4)).toEqual(order);
    expect(house.access.auditCount()).toBe(5);
  });

  it("I6: gets at the next start what it lacks, and nothing twice", async () => {
    const alice = await house.pending(ALICE, "Alice");
    house.full.audit = true;
    await house.access.approve(alice, cli);
    house.full.audit = false;
    await house.restart();
    expect((await told())[0]).toBe("approve Alice");
    await house.restart();
    expect(house.access.auditCount()).toBe(3);
  });

  it("tells what an order led to, also where the disk refused the record, and of no other order", async () => {
    const alice = await house.pending(ALICE, "Alice");
    const bob = await house.pending(BOB, "Bob");
    await house.access.approve(alice, { ...chat, cause: "o1" });
    house.full.audit = true;
    await house.access.approve(bob, { ...chat, cause: "o1" });
    await house.access.deny(bob, { ...chat, cause: "o2" });
    const actions = async (cause: string) =>
      (await house.access.causedBy(cause)).map(({ action, name }) => `${action} ${name}`);
    expect(await actions("o1")).toEqual(["approve Alice", "approve Bob"]);
    expect(await actions("o2")).toEqual(["deny Bob"]);
    house.full.audit = false;
    await house.restart();
    expect(await actions("o1")).toEqual(["approve Alice", "approve Bob"]);
    expect(await actions("o3")).toEqual([]);
  });

  it("takes what a sender's message brought to light for no order", async () => {
    await house.approved(ALICE, "Alice");
    await house.access.learn(person("15550002000@s.whatsapp.net", "9999@lid"), { cause: "m1" });
    expect((await told())[0]).toBe("suspend Alice");
    expect(await house.access.causedBy("m1")).toEqual([]);
  });

  it("lacks nothing where the queue is full", async () => {
    await house.close();
    house = await House.open({ maxPending: 1, keptForInvites: 0 });
    await house.pending(ALICE, "Alice");
    expect((await house.knock(BOB, TOKEN)).kind).toBe("full");
    const before = await house.access.audit();
    await house.restart();
    expect(await house.access.audit()).toEqual(before);
    expect(house.warnings).toEqual([]);
  });

  it("that can't be read at a start takes what comes, and says so", async () => {
    await house.pending(ALICE, "Alice");
    house.unreadable.audit = true;
    await house.restart();
    house.now += MINUTE;
    await house.access.approve(ALICE, chat);
    expect(await told()).toEqual(["approve Alice"]);
    expect(house.warnings).toEqual(["The audit could not be compared with the decisions; the next start tries again."]);
    house.unreadable.audit = false;
    await house.restart();
    expect((await told()).slice(0, 2)).toEqual(["approve Alice", "enter Alice"]);
  });
});
