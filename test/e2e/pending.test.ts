/** What pending senders send, take back and turn out to be, over the wire. */
import { expect, it } from "vitest";
import type { Received } from "../../src/simulator/index.js";
import { TOKEN, World } from "./world.js";

const OWN = { setup: "own-number", addressing: "lid" } as const;
const FAST = { KAFCLAW_TEXTS_GREETING: "", KAFCLAW_OUTBOX_PER_MINUTE: "600", KAFCLAW_OUTBOX_BURST: "100" };
const inbox = (world: World) => world.owner.inbox.map(({ text }) => text);

async function approve(world: World, notice: Received): Promise<void> {
  await world.reply(notice, "yes");
  await world.told(/Approved/);
}

it.each([false, true])(
  "what a pending sender deletes is gone, and what they edit is only as they left it (sealed: %s)",
  async (sealed) => {
    const world = await World.linked(OWN, FAST);
    const { alice, bot, mallory } = world;
    const { notice } = await world.aliceKnocks(`${TOKEN} I am Alice`);
    const pin = await world.say(alice, "my PIN is 4711");
    const first = await world.say(alice, "come at 5", { secret: true });
    await alice.revoke(bot, pin.id);
    await alice.edit(bot, first.id, "come at 55", { sealed });
    await alice.edit(bot, first.id, "come at 6", { sealed });
    await world.say(alice, "thanks");
    // Nobody takes back or edits another's.
    await world.say(mallory, TOKEN);
    await world.told(/New sender/);
    await mallory.revoke(bot, first.id);
    await mallory.edit(bot, first.id, "come at 7", { sealed });
    await world.wa.waitUntilTaken();
    await world.held("thanks");
    await approve(world, notice);
    const { text } = await world.told(/💬.*Alice/);
    expect(text).toContain("> ••• I am Alice\n> come at 6\n> thanks");
    expect(inbox(world).join("\n")).not.toMatch(/4711|come at 5|come at 7/);
  },
);

it("a file with the token for its caption is held, and given to whoever the owner asks", async () => {
  const world = await World.linked(OWN, FAST);
  await world.alice.sendMedia(world.bot, { kind: "image", caption: TOKEN });
  const notice = await world.told(/New sender/);
  expect(notice.text).toContain("\n> image\n");
  await approve(world, notice);
  await world.told(/💬.*Alice/);
});

it("a file with an --auto invite for its caption is given on at once", async () => {
  const world = await World.linked(OWN, FAST);
  await world.order("/invite Alice --auto");
  const caption = /KAF-\w{4}-\w{4}/.exec((await world.told(/Invite for Alice/)).text)?.[0] ?? "";
  await world.alice.sendMedia(world.bot, { kind: "image", caption });
  await world.told(/Approved by invite/);
  await world.told(/💬.*Alice/);
});

it("where pairing is open, a first message without words is named in the notice, and held", async () => {
  const world = await World.create(OWN, { ...FAST, KAFCLAW_PAIRING_OPEN: "true" });
  await world.home.run(["whatsapp-setup", "--enable", "--owner", "+15550001000"]);
  await world.home.start();
  await world.scanQr();
  await world.alice.sendMedia(world.bot, { kind: "voice", seconds: 12 });
  const voice = await world.told(/New sender/);
  expect(voice.text).toContain("\n> voice note, 0:12\n");
  await approve(world, voice);
  await world.told(/💬.*Alice/);
  await world.mallory.sendRaw(world.bot, { locationMessage: { degreesLatitude: 1, degreesLongitude: 2 } });
  const location = await world.told(/New sender/);
  expect(location.text).toContain("\n> location\n");
  await approve(world, location);
  const relayed = await world.told(/💬.*Mallory/);
  expect(relayed.text).toContain("[location: 1, 2]");
});

it("I2: an approval that turns out to be of somebody denied is void, and the owner is told", async () => {
  const world = await World.linked(OWN, FAST);
  world.wa.answerQueries((query) => {
    const asked = JSON.stringify(query);
    const isForLid =
      query.attrs.xmlns === "usync" && asked.includes('"tag":"lid"') && !asked.includes('"tag":"devices"');
    return isForLid ? "nothing" : undefined;
  });
  await world.order("/deny +1 555 000 6660");
  await world.told(/Denied/);
  await world.say(world.mallory, TOKEN, { withAlt: false });
  await approve(world, await world.told(/New sender/));
  await world.say(world.mallory, "thanks!");
  await world.told(/Mallory.*denied.*approval.*void/);
  await world.order("/list");
  await world.told(/0 approved, 1 denied, 0 pending/);
});

it.each(["lid", "pn"] as const)("what a stranger sends in one go counts in that order (%s)", async (addressing) => {
  const world = await World.linked({ setup: "own-number", addressing }, FAST);
  const senders = [1, 2, 3, 4, 5].map((index) => world.wa.phone({ pn: `1555000300${index}`, name: `Sender ${index}` }));
  for (const sender of senders) {
    await world.say(sender, TOKEN);
    await world.say(sender, "it's me");
  }
  await world.wa.waitUntilTaken();
  await world.settled();
  const { messages } = (await world.home.get("/api/v1/messages?verdict=strangers")) as { messages: object[] };
  expect(messages).toEqual([]);
});
