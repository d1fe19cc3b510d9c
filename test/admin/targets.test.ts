/** Whom a command means: codes, names, numbers, several at once, or nobody. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HOUR, House, person } from "./house.js";

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

const ALICE = "+1 555 000 2000";
const BOB = "+1 555 000 3000";

describe("several at once", () => {
  it("are decided one after the other, each once, and data tells of each", async () => {
    const alice = await house.knocks("Alice", ALICE);
    const bob = await house.knocks("Bob", BOB);
    const result = await house.cli("approve", alice.code, bob.code, alice.code);
    expect(result).toMatchObject({ ok: true, data: [{ code: alice.code }, { code: bob.code }] });
    expect(result.error).toBeUndefined();
    expect(result.text.match(/Approved/g)).toHaveLength(2);
  });

  it("one that is nobody keeps none of the others from it, and the whole is no success", async () => {
    const alice = await house.knocks("Alice", ALICE);
    const result = await house.cli("approve", "ZZZ9", alice.code);
    expect(result).toMatchObject({
      ok: false,
      data: [{ code: alice.code }],
      error: { code: "unknown-reference", kind: "refused" },
    });
    expect(result.text).toMatch(/ZZZ9[\s\S]*Approved Alice/);
    expect(house.state(alice)).toBe("approved");
    const nobody = await house.cli("approve", "ZZZ9");
    expect(nobody).toMatchObject({ ok: false, data: [] });
  });

  it("names are one name where that is somebody, else each a name, and nobody where one is unknown", async () => {
    const ann = await house.knocks("Ann Bo", ALICE);
    const bo = await house.knocks("Bo", BOB);
    const cy = await house.knocks("Cy", "+1 555 000 4000");
    await house.cli("approve", "Ann", "Bo");
    expect([ann, bo, cy].map((who) => house.state(who))).toEqual(["approved", "pending", "pending"]);
    const half = await house.cli("approve", "Cy", "Bert");
    expect(half).toMatchObject({ ok: false, error: { code: "unknown-reference" } });
    expect(half.text).toContain("Cy Bert");
    expect(house.state(cy)).toBe("pending");
    await house.cli("approve", "Cy", "Bo");
    expect([bo, cy].map((who) => house.state(who))).toEqual(["approved", "approved"]);
  });

  it("may be written like a list or a sentence", async () => {
    const [ann, bo, cy] = [
      await house.knocks("Ann", ALICE),
      await house.knocks("Bo", BOB),
      await house.knocks("Cy :)", "+1 555 000 4000"),
    ];
    const states = () => [ann, bo, cy].map((who) => house.state(who));
    await house.says(`/approve ${ann.code}, (${bo.code}).`);
    expect(states()).toEqual(["approved", "approved", "pending"]);
    await house.says("/remove ＋１ 555 000 2000, +1 (555) 000-3000.");
    expect(states()).toEqual(["stranger", "stranger", "pending"]);
    await house.says("/approve cy :)");
    expect(states()).toEqual(["stranger", "stranger", "approved"]);
    await house.says("/approve +١ ٥٥٥ ٠٠٠ ٢٠٠٠ १५५५०००३०००");
    expect(states()).toEqual(["approved", "approved", "approved"]);
  });

  it("the same stranger named twice is approved once", async () => {
    const result = await house.cli("approve", "+15550006000", "+15550007000", "+1 555 000 6000");
    expect(result.data).toHaveLength(2);
    expect(house.access.list("approved")).toHaveLength(2);
  });

  it("a full disk stops all of it", async () => {
    const alice = await house.knocks("Alice", ALICE);
    Object.assign(house.access, { approve: () => Promise.reject(new Error("no room")) });
    await expect(house.cli("approve", alice.code)).rejects.toThrow("no room");
  });
});

describe("one", () => {
  it("is asked for where several are named", async () => {
    const alice = await house.knocks("Alice", ALICE);
    const bob = await house.knocks("Bob", BOB);
    for (const words of [
      [alice.code, bob.code],
      ["Alice", "Bob"],
    ]) {
      const result = await house.cli("whois", ...words);
      expect(result.error).toEqual({ code: "one-only", kind: "usage" });
      expect(result.text).toBe("Name one sender at a time, by code, number or name.");
    }
    expect((await house.cli("whois", "Alice")).text).toContain(alice.code);
  });

  it("who is on no list of that command is looked for on the others", async () => {
    const alice = await house.knocks("Alice", ALICE);
    await house.cli("approve", alice.code);
    expect((await house.cli("deny", "Alice")).ok).toBe(true);
    expect(house.state(alice)).toBe("denied");
    const unknown = await house.cli("deny", "Zora");
    expect(unknown).toMatchObject({ ok: false, error: { code: "unknown-reference" } });
  });

  it("is nobody where nobody waits, and needs a name where several do", async () => {
    expect(await house.says("/approve")).toBe(
      "Nobody is pending. /missed shows strangers who wrote without the token.",
    );
    expect((await house.cli("approve")).error).toEqual({ code: "nobody-pending", kind: "refused" });
    const alice = await house.knocks("Alice", ALICE);
    const bob = await house.knocks("Bob", BOB);
    const both = await house.cli("deny");
    expect(both.error).toEqual({ code: "ambiguous", kind: "refused" });
    expect(both.text).toMatch(/^Deny whom\? .* are pending: \/deny and a code, say \/deny /);
    for (const { code } of [alice, bob]) expect(both.text).toContain(code);
    expect([alice, bob].map((who) => house.state(who))).toEqual(["pending", "pending"]);
  });
});

describe("a name of several words", () => {
  it("that fits nobody whole is tried word by word, and a word that fits two stops it", async () => {
    await house.knocks("Alice A", ALICE);
    await house.knocks("Alice B", BOB);
    const cy = await house.knocks("Cy", "+1 555 000 4000");
    const result = await house.cli("approve", "cy", "alice");
    expect(result).toMatchObject({ ok: false, error: { code: "ambiguous" } });
    expect(result.text).toContain("Alice A");
    expect(house.state(cy)).toBe("pending");
  });

  it("is obeyed late where it makes things stricter", async () => {
    const anna = await house.knocks("Anna Maria", ALICE);
    const at = house.time.now;
    await house.wait(HOUR);
    expect(await house.says("/deny anna maria", { at })).toMatch(/^⛔ Denied Anna Maria/);
    expect(house.state(anna)).toBe("denied");
    const two = [await house.knocks("Cy", BOB), await house.knocks("Dee", "+1 555 000 4000")];
    const later = house.time.now;
    await house.wait(HOUR);
    expect(await house.says("/deny cy dee", { at: later })).toMatch(/^⛔ Denied Cy.*\n⛔ Denied Dee/);
    expect(two.map((who) => house.state(who))).toEqual(["denied", "denied"]);
  });
});

describe("a LID", () => {
  it("is nothing to ask WhatsApp about", async () => {
    house.onWhatsApp = () => null;
    expect((await house.cli("approve", "77@lid")).ok).toBe(true);
    expect(house.access.find(person(undefined, "77@lid"))?.state).toBe("approved");
  });
});

describe("a command that comes again after a crash", () => {
  it("means whom it decided about, and nobody whom another message decided about", async () => {
    const alice = await house.knocks("Alice", ALICE);
    await house.says(`/remove ${alice.code}`);
    await house.knocks("Alice", ALICE);
    const bob = await house.knocks("Bob", BOB);
    await house.says(`/deny ${bob.code}`);
    const deny = house.message({ kind: "text", text: "/deny" });
    await house.access.deny(alice, { door: "whatsapp", who: "owner", cause: deny.journalId });
    await house.restart();
    expect(await house.handle(deny)).toMatch(/^⛔ Denied Alice/);
  });
});

describe("a number that nobody here has", () => {
  it("is asked of WhatsApp: not there, there under another number, or not known", async () => {
    house.onWhatsApp = () => null;
    const missing = await house.cli("approve", "+15550006000");
    expect(missing).toMatchObject({ ok: false, error: { code: "not-on-whatsapp" } });
    expect(missing.text).toBe("+1 555 000 6000 is not on WhatsApp: check the number.");
    const known = person("+55 11 98765 4321");
    house.onWhatsApp = () => known.pn;
    await house.cli("approve", "+55 11 8765 4321");
    expect(house.access.find(known)?.state).toBe("approved");
    const asked: string[] = [];
    house.onWhatsApp = (pn) => void asked.push(pn);
    await house.cli("approve", "+55 11 98765 4321");
    expect(asked).toEqual([]);
    await house.cli("approve", "+15550008000");
    expect(asked).toEqual(["15550008000@s.whatsapp.net"]);
    expect(house.access.find(person("+1 555 000 8000"))?.state).toBe("approved");
  });

  it("is kept with the LID that WhatsApp tells, under which its owner will write (I2)", async () => {
    const frank = person("+1 555 000 6000", "100000000007@lid");
    house.onWhatsApp = () => frank;
    await house.cli("deny", "+1 555 000 6000");
    expect(house.access.find(person(undefined, frank.lid))).toMatchObject({ state: "denied", ...frank });
  });
});
