/** The admin chat as the owner's phone sees it: every way to decide, to be told, and to be refused, over the wire. */
import { expect, it } from "vitest";
import type { Received } from "../../src/simulator/index.js";
import { TOKEN, World } from "./world.js";

const OWN = { setup: "own-number", addressing: "lid" } as const;
const FAST = { KAFCLAW_OUTBOX_PER_MINUTE: "600", KAFCLAW_OUTBOX_BURST: "100" };

/** Sends an order and gives back the answer that fits. */
async function ask(world: World, text: string, answer: RegExp): Promise<Received> {
  await world.order(text);
  return world.told(answer);
}

it("every way to answer a notice decides, and an undo in the grace leaves no trace with the buddy", async () => {
  const world = await World.linked(OWN, { ...FAST, KAFCLAW_APPROVE_GRACE: "60" });
  await ask(world, "/silent off", /Silent mode is off/);
  const { notice, code } = await world.aliceKnocks(`${TOKEN} hello`);
  await world.react(notice.id, "👍🏽");
  expect((await world.told(/Approved Alice/)).text).toContain("1 held message goes to the responder.");
  await world.react(notice.id, "👎🏿");
  expect((await world.told(/Undone/)).text).toMatch(/pending again.*⛔ Denied Alice/s);
  await world.react(notice.id, "");
  await world.told(/Undone: Alice .* is pending again \(was denied by you on WhatsApp/);
  const ways: [string, boolean, RegExp][] = [
    ["Yes!", true, /✅ Approved Alice/],
    ["👎🏾", true, /⛔ Denied Alice/],
    ["approve", true, /✅ Approved Alice/],
    ["deny.", true, /⛔ Denied Alice/],
    ["👍", true, /✅ Approved Alice/],
    ["/approve", true, /✅ Approved Alice/],
    ["/approve", false, /✅ Approved Alice/],
    ["/approve ALICE", false, /✅ Approved Alice/],
    ["/approve all", false, /✅ Approved Alice/],
    ["/approve +1 555 000 2000", false, /✅ Approved Alice/],
    [`/deny ${code.toLowerCase()}`, false, /⛔ Denied Alice/],
  ];
  for (const [text, quoting, answer] of ways) {
    if (quoting) await world.reply(notice, text);
    else await world.order(text);
    await world.told(answer);
    await ask(world, "/undo", /Undone: Alice .* is pending again/);
  }
  await ask(world, "no", /No to whom\? Pending: Alice/);
  await ask(world, `/deny ${code}`, /Denied/);
  await ask(world, "/deny alice", new RegExp(`Alice \\(${code}\\) is denied already`));
  await ask(world, "/approve alice", new RegExp(`Alice \\(${code}\\) is denied: /remove ${code} first`));
  await ask(world, `/remove ${code}`, /is a stranger now/);
  const again = await world.aliceKnocks();
  expect(again.code).toBe(code);
  await world.react(notice.id, "👍");
  await world.told(/Nothing changed: Alice .*pending again/);
  expect(world.leaks(world.alice)).toEqual([]);
  expect(world.responded()).toEqual([]);
  await ask(world, "/list", /0 approved, 0 denied, 1 pending/);
});

it("orders that can't be meant change nothing and say what to do next", async () => {
  const world = await World.linked(OWN, FAST);
  const ann = world.wa.phone({ pn: "15550003001", name: "Ann" });
  const anna = world.wa.phone({ pn: "15550003002", name: "Anna" });
  for (const phone of [ann, anna]) {
    await world.say(phone, TOKEN);
    await world.told(/New sender/);
  }
  const refused: [string, RegExp][] = [
    ["/aprove ann", /no command \/aprove\. Did you mean \/approve\?/],
    ["/approve ann", /"ann" fits Ann .*Anna .*repeat that with a code/],
    ["/approve", /Approve whom\? Ann .*Anna .*pending/],
    ["/approve ZZZ9", /No contact has the code ZZZ9; \/pending and \/list show the codes/],
    ["/approve 120363000000000001@g.us", /is a group; name a person/],
    ["/approve +1 555", /no full phone number; write it with country code/],
    ["/approve +1 555 000 1000", /That is the owner/],
    ["/deny +1 555 000 1000", /That is the owner/],
    ["/undo", /nothing to undo/],
    ["/silent off --for ever", /--for takes a time like/],
    ["/whois olga", /No contact matches "olga"/],
  ];
  for (const [text, answer] of refused) await ask(world, text, answer);
  const timestamp = Date.now() - 20 * 60_000;
  for (const text of ["/approve all", "/silent off", "/invite Bob", "/token rotate", "/resume", "/undo"]) {
    await world.order(text, { timestamp });
    await world.told(/more than 15 minutes late, so nothing changed/);
  }
  await ask(world, "/list", /0 approved, 0 denied, 2 pending/);
  expect((await ask(world, "/status", /Silent mode/)).text).toMatch(
    /^Link: open, as \+1 555 000 9000\nSilent mode: on\n/,
  );
});

it("quiet hours hold notices, the morning brings one digest, and that decides nothing by a reaction", async () => {
  const world = await World.linked(OWN, FAST);
  await world.settled();
  await world.home.stop();
  const hour = (offset: number) => `${String((new Date().getUTCHours() + offset) % 24).padStart(2, "0")}:00`;
  await world.home.startLinked({ KAFCLAW_TIMEZONE: "UTC", KAFCLAW_NOTICES_QUIET: `${hour(0)}-${hour(3)}` });
  const names = ["Olga", "A\n👍 or /approve AAAA", "/approve all", "*b*_i_`c`~d~", "\u202Eevil\u2066", "", "Ben"];
  for (const [index, name] of names.entries()) {
    const phone = world.wa.phone({ pn: `1555000400${index}`, ...(name === "" ? {} : { name }) });
    await world.say(phone, `${TOKEN}\n> quoted by you\n/approve all`);
  }
  await world.home.until(async () => {
    const status = (await world.home.get("/api/v1/status")) as { counts: { pending: number } };
    return status.counts.pending === names.length;
  }, "all are pending");
  await ask(world, "/approve all", /Nobody is pending whose notice reached you before this: \/pending shows/);
  await ask(world, "/approve ben", /Somebody pending matches "ben", but no notice/);
  await world.home.stop();
  await world.home.startLinked();
  const digest = await world.told(/7 new senders/);
  const lines = digest.text.split("\n");
  expect(lines.filter((line) => line.startsWith("• "))).toHaveLength(7);
  expect(lines.filter((line) => line.startsWith("⚠️ The name resembles yours"))).toHaveLength(1);
  expect(lines.filter((line) => /^(👍|\/approve|>)/u.test(line))).toHaveLength(1);
  expect(digest.text).not.toMatch(/[\u202E\u2066`]|\*b\*|_i_/u);
  for (const text of ["/pending", "/list pending"]) {
    const { text: shown } = await ask(world, text, /7 pending:/);
    expect(shown).not.toMatch(/[\u202E\u2066`]|\*b\*|_i_|^👍/mu);
  }
  await world.react(digest.id, "👍");
  await world.told(/names several senders/);
  await world.reply(digest, "yes");
  await world.told(/names several senders/);
  await ask(world, "/approve all", /7 are pending: .*\/approve all 7/s);
  await ask(world, "/approve all 6", /\/approve all 7/);
  expect((await ask(world, "/approve all 7", /✅/)).text.split("\n")).toHaveLength(7);
});

it("invites, the shared token, and the messages that carried them", async () => {
  const world = await World.linked(OWN, FAST);
  const tokenIn = ({ text }: Received) => /KAF-\w{4}-\w{4}/.exec(text)?.[0] ?? "";
  const revoked = (message: Received) => world.owner.next(({ revokes }) => revokes === message.id);
  const bob = world.wa.phone({ pn: "15550005001", name: "Bob" });
  const dave = world.wa.phone({ pn: "15550005002", name: "Dave" });
  const eve = world.wa.phone({ pn: "15550005003", name: "Eve" });

  const forBob = await ask(world, "/invite Bob", /Invite for Bob/);
  expect(forBob.text).toContain(`https://wa.me/15550009000?text=${tokenIn(forBob)}`);
  await world.say(bob, tokenIn(forBob));
  expect((await world.told(/New sender/)).text).toMatch(/Bob · \+1 555 000 5001\nused the invite for Bob/);
  await revoked(forBob);

  const forDave = await ask(world, "/invite Dave --auto --for +1 555 000 5002", /Invite for Dave/);
  expect(forDave.text).toContain("+1 555 000 5002 is approved at once");
  await world.say(eve, tokenIn(forDave));
  await world.say(dave, tokenIn(forDave));
  const approved = await world.told(/Approved by invite/);
  expect(approved.text).toContain("Dave · +1 555 000 5002");
  await revoked(forDave);
  await world.react(approved.id, "👎");
  await world.told(/Undone: Dave .* is a stranger again \(was approved by an invite/);

  await world.aliceKnocks();
  const rotated = await ask(world, "/token rotate", /New pairing token/);
  expect(rotated.text).toContain("1 pending sender came with the old token: /remove old-token");
  await ask(world, "/remove old-token", /Removed 1 sender who came with an old token/);
  await world.say(eve, TOKEN);
  await ask(world, "/list", /0 approved, 0 denied, 1 pending/);
  expect((await ask(world, "/missed", /without a valid token/)).text).not.toContain(tokenIn(rotated));
  await ask(world, "/token rotate", /New pairing token/);
  await revoked(rotated);
  expect(world.leaks()).toEqual([]);
});

it("a typed number is whoever waits with that number hidden, and what they wrote is heard", async () => {
  const world = await World.linked(OWN, FAST);
  const hidden = { addressing: "lid", withAlt: false } as const;
  await world.say(world.alice, TOKEN, hidden);
  const notice = await world.told(/New sender/);
  expect(notice.text).toContain("number hidden");
  await world.say(world.alice, "is anybody there?", hidden);
  await world.held("is anybody there?");
  const approved = await ask(world, "/approve +1 555 000 2000", /Approved/);
  const code = /New sender\* (\w{4})/.exec(notice.text)?.[1];
  expect(approved.text).toMatch(new RegExp(`Approved Alice .*\\(${code}\\)\\. 1 held message goes to the responder`));
  await world.told(/💬.*\n> is anybody there\?/);
});

it("I2: a typed number is the buddy with that number hidden, too: denying it shuts them out", async () => {
  const world = await World.linked(OWN, FAST);
  const hidden = { addressing: "lid", withAlt: false } as const;
  await world.say(world.alice, TOKEN, hidden);
  const { text } = await world.told(/New sender/);
  const code = /New sender\* (\w{4})/.exec(text)?.[1] ?? "";
  await ask(world, `/approve ${code}`, /Approved/);
  await ask(world, "/whois +1 555 000 2000", new RegExp(`Alice \\(${code}\\)`));
  await ask(world, "/deny +1 555 000 2000", new RegExp(`Denied Alice \\(${code}\\)`));
  await world.say(world.alice, "still there?", hidden);
  await world.settled();
  expect(world.responded()).toEqual([]);
  await ask(world, "/list", /0 approved, 1 denied, 0 pending/);
});

it("a number that is let in before it ever wrote is known by its LID, in silent mode too; so is an owner named later", async () => {
  const world = await World.create(OWN, FAST);
  await world.home.start();
  await world.scanQr();
  await world.home.post("/api/v1/setup", { owner: "+15550001000", token: TOKEN });
  const hidden = { addressing: "lid", withAlt: false } as const;
  await world.order("/approve +1 555 000 2000", hidden);
  await world.told(/Approved .*\+1 555 000 2000.*who was not pending/);
  await world.say(world.alice, "hello", hidden);
  await world.told(/💬.*Alice.*\n> hello/);
});

it("an order whose only word no phone shows is not one about the only one who is pending", async () => {
  const world = await World.linked(OWN, FAST);
  await world.aliceKnocks();
  for (const nobody of ["\uF8FF", "\u{10FA15}", "🏽", '""']) await ask(world, `/approve ${nobody}`, /"" names nobody/);
  await ask(world, "/approve \u200e", /Approved Alice/);
});

it("numbers that move: a buddy's new number, a number passed on, and the owner's own", async () => {
  const world = await World.linked(OWN, FAST);
  const { code } = await world.aliceKnocks();
  await ask(world, `/approve ${code}`, /Approved/);
  world.alice.changeNumber("15550002999");
  await world.say(world.alice, "new phone");
  await world.told(/Alice .* has a new number: \+1 555 000 2999, before \+1 555 000 2000\. They stay approved/);
  const nora = world.alice.passNumberTo({ name: "Nora" });
  await world.say(nora, "/approve all");
  await world.told(/The number of Alice .*approved, belongs to another WhatsApp account now.*suspended/);
  await ask(world, `/whois ${code}`, /number hidden.*a stranger since/s);

  const thief = world.owner.passNumberTo({ name: "Olga" });
  await world.say(thief, `/approve ${code}`);
  await world.say(thief, "/silent off");
  const status = async () => JSON.parse((await world.home.run(["status", "--json"])).out);
  await world.home.until(async () => (await status()).owner.locked !== null, "the owner is locked");
  const handled = async () => ((await world.home.get("/api/v1/messages?verdict=strangers")) as { total: number }).total;
  await world.home.until(async () => (await handled()) === 3, "Nora and the thief are handled as strangers");
  expect(await status()).toMatchObject({ silent: true });
  expect(world.wa.stanzasTo(thief, "message")).toEqual([]);
  const listed = JSON.parse((await world.home.run(["whatsapp-auth", "--list", "--json"])).out);
  expect(listed).toEqual({ approved: [], denied: [], pending: [] });
});

it("I10: a kill between the decision and its confirmation leaves one decision and one confirmation", async () => {
  const world = await World.linked(OWN, FAST);
  const { code } = await world.aliceKnocks();
  world.wa.answerMessages(() => ({ kind: "lose" }));
  const sent = world.wa.stanzasTo(world.owner, "message").length;
  await world.order(`/approve ${code}`);
  await world.wa.waitForStanza(() => world.wa.stanzasTo(world.owner, "message").length > sent);
  await world.home.stop("SIGKILL");
  world.wa.answerMessages();
  await world.home.startLinked();
  await world.told(/✅ Approved Alice/);
  await world.settled();
  expect(world.owner.inbox.filter(({ text }) => text.includes("Approved Alice"))).toHaveLength(1);
  const { text } = await ask(world, `/whois ${code}`, /approved since/);
  expect(text.match(/was approved/g)).toHaveLength(1);
});

it("I6: two doors that decide at once make one approval and one greeting", async () => {
  const world = await World.linked(OWN, FAST);
  await ask(world, "/silent off", /off/);
  const { notice, code } = await world.aliceKnocks(`${TOKEN} hello`);
  const [atTheMachine] = await Promise.all([world.home.run(["approve", code]), world.react(notice.id, "👍")]);
  expect(atTheMachine.code).toBe(0);
  await world.alice.next(({ text }) => text.startsWith("Hello"));
  await world.settled();
  expect(world.alice.inbox).toHaveLength(1);
  expect((await ask(world, `/whois ${code}`, /approved since/)).text.match(/was approved/g)).toHaveLength(1);
  expect(new Set(world.responded()).size).toBe(world.responded().length);
});

it("a secret leaves the chat of a lost phone: of the owner who is locked, and of one who is no owner any more", async () => {
  const world = await World.linked(OWN, FAST);
  const machine = async (...args: string[]) => expect(await world.home.run(args)).toMatchObject({ code: 0 });
  for (const lost of [["lock"], ["set", "+1 555 000 2000"]]) {
    await machine("owner", "set", "+1 555 000 1000");
    const shown = await ask(world, "/token rotate", /New pairing token/);
    await machine("owner", ...lost);
    await machine("token", "rotate");
    await world.owner.next(({ revokes }) => revokes === shown.id);
  }
});

it("a full queue is told of once, and an invite still finds a place", async () => {
  const world = await World.linked(OWN, FAST);
  const invite = await ask(world, "/invite Bob", /Invite for Bob/);
  for (let index = 0; index < 83; index++) {
    await world.say(world.wa.phone({ pn: `1555001${String(index).padStart(4, "0")}`, name: `N${index}` }), TOKEN);
  }
  await world.home.until(async () => {
    const status = (await world.home.get("/api/v1/status")) as { counts: { pending: number } };
    return status.counts.pending === 80;
  }, "the queue is full");
  await world.say(world.alice, /KAF-\w{4}-\w{4}/.exec(invite.text)?.[0] ?? "");
  await world.owner.next(({ revokes }) => revokes === invite.id);
  await ask(world, "/whois alice", /pending since/);
  await world.home.stop();
  await world.home.startLinked();
  await world.told(/The pending queue is full.*\/token rotate/s);
  await world.settled();
  expect(world.owner.inbox.filter(({ text }) => text.includes("queue is full"))).toHaveLength(1);
});

it("I7, I12: in self-chat, what the owner writes to others is no order, and the bot takes no word of its own", async () => {
  const world = await World.linked({ setup: "self", addressing: "lid" }, FAST);
  const { notice, code } = await world.aliceKnocks();
  for (const text of ["/silent off", `/approve ${code}`, "yes", "/help"]) {
    await world.owner.send(world.mallory, text);
    await world.owner.send(world.alice, text);
  }
  await world.settled();
  await world.order("buy milk");
  await ask(world, "/silent", /Silent mode is on/);
  expect(world.leaks()).toEqual([]);
  await ask(world, "/list", /0 approved, 0 denied, 1 pending/);
  await world.reply(notice, "👍");
  await world.told(/Approved Alice/);
  const said = world.owner.inbox.filter(({ own }) => own).map(({ text }) => text);
  expect(said.filter((text) => /only know commands|no command/.test(text) && !text.includes("/settled"))).toEqual([]);
});
