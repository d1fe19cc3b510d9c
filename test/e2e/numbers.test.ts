/** Whoever is named by number alone, while that can't be asked of WhatsApp, is recognised once it can (DESIGN 3). */
import type { BinaryNode } from "@whiskeysockets/baileys";
import { describe, expect, it } from "vitest";
import type { Phone } from "../../src/simulator/index.js";
import { TOKEN, World } from "./world.js";

const OWN = { setup: "own-number", addressing: "lid" } as const;
/** Nobody is greeted, so that what anybody hears is an answer. */
const UNGREETED = { KAFCLAW_TEXTS_GREETING: "" };
const HIDDEN = { withAlt: false } as const;

/** Each question for LIDs takes so long. */
function delayLids(world: World, milliseconds: number): void {
  const asksForLids = (query: BinaryNode): boolean => {
    const asked = JSON.stringify(query);
    return query.attrs.xmlns === "usync" && asked.includes('"tag":"lid"') && !asked.includes('"tag":"devices"');
  };
  world.wa.delayQueries((query) => (asksForLids(query) ? milliseconds : 0));
}

async function linkDown(world: World): Promise<void> {
  world.wa.hold();
  await world.home.until(
    async () => ((await world.home.get("/healthz")) as { link: string }).link !== "open",
    "the link is down",
  );
}

async function linkUp(world: World): Promise<void> {
  world.wa.resume();
  await world.home.linkOpen();
}

const command = (world: World, name: string, ...args: string[]) => world.home.post("/api/v1/commands", { name, args });
const inboxOf = ({ inbox }: Phone): string[] => inbox.map(({ text }) => text);

describe("a buddy who was allowed by number and writes by LID alone", () => {
  it("is heard, however long the list is that the first link finds", async () => {
    const world = await World.create(OWN, UNGREETED);
    const numbers = Array.from({ length: 61 }, (_, index) => String(15550200000 + index));
    const phones = numbers.map((pn) => world.wa.phone({ pn }));
    const allowed = numbers.flatMap((pn) => ["--allow", `+${pn}`]);
    const setUp = ["whatsapp-setup", "--enable", "--owner", "+15550001000", "--token", TOKEN];
    expect(await world.home.run([...setUp, ...allowed])).toMatchObject({ code: 0 });
    delayLids(world, 250);
    await world.home.start();
    await world.scanQr();
    // The list is asked for in its order; whoever is in the middle of it is neither first nor last either way.
    const sent = [phones[0], phones[30], phones[60]].map((phone) => phone && world.say(phone, "hello", HIDDEN));
    await world.given((await Promise.all(sent)).flatMap((message) => message?.id ?? []));
  });

  it("is heard where both happened while the link was down", async () => {
    const world = await World.linked(OWN, UNGREETED);
    await linkDown(world);
    await command(world, "approve", "+15550002000");
    const { id } = await world.say(world.alice, "hello I am Alice", HIDDEN);
    delayLids(world, 400);
    await linkUp(world);
    await world.given([id]);
  });
});

it("I2: whoever was denied by number while the link was down uses up no --auto invite by LID alone", async () => {
  const world = await World.linked(OWN);
  await world.order("/invite Carol --auto");
  const token = /Carol: (\S+)/.exec((await world.told(/Invite for Carol/)).text)?.[1] ?? "";
  await linkDown(world);
  await command(world, "deny", "+15550006660");
  await world.say(world.mallory, token, HIDDEN);
  delayLids(world, 400);
  await linkUp(world);
  await world.wa.waitUntilTaken();
  await world.say(world.alice, token);
  expect((await world.told(/Approved by invite/)).text).toContain("Alice");
  expect(inboxOf(world.owner).filter((text) => text.includes("Approved by invite"))).toHaveLength(1);
});

describe("numbers that are typed otherwise than WhatsApp writes them", () => {
  /** A Brazilian whose number people dial with the ninth digit that WhatsApp leaves out. */
  function brazilian(world: World, name: string, number: string): { phone: Phone; typed: string } {
    const typed = `55119${number}`;
    return { phone: world.wa.phone({ pn: `5511${number}`, name, alsoDialled: [typed] }), typed: `+${typed}` };
  }

  it("before the first link, are the owner, the buddies and the denied whom they mean", async () => {
    const world = await World.create(OWN, UNGREETED);
    const rui = brazilian(world, "Rui", "87650000");
    const ana = brazilian(world, "Ana", "87654321");
    const leo = brazilian(world, "Leo", "87652222");
    const who = ["--owner", rui.typed, "--allow", ana.typed, "--deny", leo.typed];
    expect(await world.home.run(["whatsapp-setup", "--enable", "--token", TOKEN, ...who])).toMatchObject({ code: 0 });
    await world.home.start();
    await world.scanQr();
    const { id } = await ana.phone.send(world.bot, "oi, sou a Ana");
    await leo.phone.send(world.bot, `${TOKEN} oi`);
    await rui.phone.send(world.bot, "/status");
    await rui.phone.next(({ text }) => text.includes("approved"));
    await world.given([id]);
    await world.wa.waitUntilTaken();
    await rui.phone.send(world.bot, "/list");
    const { text } = await rui.phone.next(({ text }) => text.includes("approved"));
    expect(text).toMatch(/1 approved, 1 denied, 0 pending/);
    expect(inboxOf(rui.phone).join()).not.toContain("New sender");
  });

  it("while the link is down, let in whom an --auto invite is for, and tell of a number that is not on WhatsApp", async () => {
    const world = await World.linked(OWN, UNGREETED);
    const ana = brazilian(world, "Ana", "87654321");
    await linkDown(world);
    await command(world, "approve", "+5511912345678");
    const made = await world.home.run(["invite", "Ana", "--auto", "--for", ana.typed, "--json"]);
    await ana.phone.send(world.bot, JSON.parse(made.out).token);
    await linkUp(world);
    await world.told(/Approved by invite/);
    await world.told(/\+55 11 91234 5678 is not on WhatsApp/);
  });
});
