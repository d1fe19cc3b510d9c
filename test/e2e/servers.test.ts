import type { BinaryNode } from "@whiskeysockets/baileys";
import { describe, expect, it } from "vitest";
import { withDevice } from "./device-lists.js";
import { World } from "./world.js";

const OWN = { setup: "own-number", addressing: "lid" } as const;
const SELF = { setup: "self", addressing: "lid" } as const;

/** What a server may say instead of a list of devices. */
const NO_LIST: readonly [string, Pick<BinaryNode, "content"> & { readonly type: string }][] = [
  ["an empty answer", { type: "result" }],
  ["an error", { type: "error", content: [{ tag: "error", attrs: { code: "429", text: "rate-overlimit" } }] }],
];

function asksForDevices(query: BinaryNode): boolean {
  return query.attrs.xmlns === "usync" && JSON.stringify(query).includes('"devices"');
}

describe("a server that says less than ours", () => {
  it.each(NO_LIST)("%s on somebody's devices keeps no answer from their phone", async (_, { type, content }) => {
    const world = await World.linked(OWN);
    // Until then the list was there, with a device of a business that Meta hosts, which is addressed in its own way.
    world.wa.answerQueries((query) => withDevice(query, { id: "99", is_hosted: "true" }));
    const { code } = await world.aliceGreeted();
    await world.home.stop();
    const said = content === undefined ? {} : { content };
    world.wa.answerQueries((query) =>
      asksForDevices(query) ? { tag: "iq", attrs: { id: query.attrs.id ?? "", type }, ...said } : undefined,
    );
    await world.home.startLinked();
    await world.order("/silent off");
    await world.told(/Silent mode is off/);
    await world.say(world.alice, "anybody there?");
    await world.reply(await world.told(new RegExp(`${code}[^]*anybody there`)), "here I am");
    expect((await world.alice.next()).text).toBe("here I am");
    expect(world.leaks(world.mallory)).toEqual([]);
    const asked = world.wa.record.filter(({ node }) => node.attrs.xmlns === "encrypt").map(({ node }) => node);
    expect(JSON.stringify(asked)).not.toContain(":99@lid");
  });

  it.each<[what: string, wait: (world: World, sent: string) => void, isUnanswered: (query: BinaryNode) => boolean]>([
    ["changed settings", ({ bot }) => bot.changeSetting(), ({ attrs }) => attrs.xmlns === "w:sync:app:state"],
    [
      "somebody's keys",
      ({ owner, bot }, id) => owner.forgeRetryReceipt({ id, to: bot }),
      ({ attrs, content }) => attrs.xmlns === "encrypt" && JSON.stringify(content).includes('"key"'),
    ],
  ])("no answer about %s holds up no message that waited behind", async (_, wait, isUnanswered) => {
    const world = await World.linked(OWN);
    await world.settled();
    const [{ node } = { node: undefined }] = world.wa.stanzasTo(world.owner, "message");
    world.wa.hold();
    wait(world, node?.attrs.id ?? "");
    await world.order("/silent");
    world.wa.answerQueries((query) => (isUnanswered(query) ? "nothing" : undefined));
    world.wa.resume();
    await world.told(/Silent mode is on/);
  });

  it("an error in place of a new device's keys keeps no answer from the others", async () => {
    const world = await World.linked(OWN);
    await world.aliceGreeted();
    const error = { tag: "error", attrs: { code: "429", text: "rate-overlimit" } };
    world.wa.answerQueries((query) => {
      const isForKeys = query.attrs.xmlns === "encrypt" && JSON.stringify(query.content).includes('"key"');
      const refusal = { tag: "iq", attrs: { id: query.attrs.id ?? "", type: "error" }, content: [error] };
      return isForKeys ? refusal : withDevice(query, { id: "41" });
    });
    // A new connection asks for the lists anew.
    world.wa.disconnect(503);
    await world.say(world.alice, "anybody there?");
    await world.reply(await world.told(/anybody there/), "here I am");
    expect((await world.alice.next()).text).toBe("here I am");
  });

  it("a login that does not name our LID takes nothing from the chat with oneself", async () => {
    const world = await World.linked(SELF);
    await world.home.stop();
    world.wa.answerLogins(({ lid: _, ...attrs }) => attrs);
    await world.home.startLinked();
    await world.order("/silent");
    await world.told(/Silent mode is on/);
    const status = (await world.home.get("/api/v1/status")) as { me: { lid: string } };
    expect(status.me.lid).toBe(world.bot.lidJid);
  });

  it("a LID that only an answer of WhatsApp's tells is known to be the owner's, for what waited as well", async () => {
    const world = await World.create(OWN);
    await world.home.start();
    await world.scanQr();
    await world.home.stop();
    await world.setUp();
    await world.order("/silent", { withAlt: false });
    await world.home.startLinked();
    await world.told(/Silent mode is on/);
  });
});

describe("an invite for a number", () => {
  it("made while nothing runs lets in who writes by a LID alone", async () => {
    const world = await World.linked(OWN);
    await world.settled();
    await world.home.stop();
    const made = await world.home.run(["invite", "Alice", "--auto", "--for", "+15550002000", "--json"]);
    await world.home.startLinked();
    await world.say(world.alice, JSON.parse(made.out).token, { withAlt: false });
    await world.told(/Approved by invite/);
  });
});

describe("a server that sends a message again", () => {
  it("I10: under the sender's other address, and without naming the first one, has no effect", async () => {
    const world = await World.linked(OWN);
    await world.home.stop();
    await world.home.startLinked();
    const { id } = await world.order("/silent off");
    await world.told(/Silent mode is off/);
    await world.order("/silent on");
    await world.told(/Silent mode is on/);
    for (const addressing of ["pn", "lid"] as const) {
      await world.order("/silent off", { id, addressing, withAlt: false });
      await world.order("/silent off", { id, addressing });
    }
    await world.settled();
    expect(await world.home.get("/healthz")).toMatchObject({ silent: true });
  });
});
