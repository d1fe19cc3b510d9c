import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Endpoint, failing, KEY, streamed } from "./endpoint.js";
import { World } from "./world.js";

const SETTING = { setup: "own-number", addressing: "lid" } as const;
/** One pixel. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const OGG = Buffer.concat([
  Buffer.from("OggS\0\x02"),
  Buffer.alloc(22),
  Buffer.from("\x01\x13OpusHead"),
  Buffer.alloc(64),
]);
const PDF = Buffer.from("%PDF-1.4\n1 0 obj\n<<>>\nendobj\n");

async function talking(env: Record<string, string>): Promise<World> {
  const world = await World.linked(SETTING, { KAFCLAW_TEXTS_GREETING: "", ...env });
  await world.aliceApproved();
  await world.order("/silent off");
  await world.told(/Silent mode is off/);
  return world;
}

it("files of buddies are kept and shown to the model; those of others are not even fetched", async () => {
  const endpoint = await Endpoint.start();
  endpoint.hears = "bring some milk";
  const world = await talking({ ...endpoint.env, KAFCLAW_RESPONDER_MEDIA_LIMIT: "1" });
  const { alice, bot, mallory, home } = world;
  endpoint.asked.splice(0);
  const folder = join(home.path, "workspace/media");
  const answer = () => alice.next();

  await mallory.sendMedia(bot, { kind: "image", bytes: PNG });
  await world.wa.waitUntilTaken();
  await world.settled();
  expect(world.wa.downloads).toEqual([]);
  expect(await readdir(folder)).toEqual([]);

  await alice.sendMedia(bot, { kind: "image", caption: "what is this?", bytes: PNG, fileName: "../../x.sh" });
  await answer();
  expect(endpoint.asked[0]?.raw).toContain(`data:image/png;base64,${PNG.toString("base64")}`);
  expect(endpoint.asked[0]?.raw).toContain("[image: what is this?]");
  const [kept = ""] = await readdir(folder);
  expect(kept).toMatch(/^\d{4}-\d\d-\d\d-\w{4}-[0-9a-f]{8}\.png$/);
  expect(await readFile(join(folder, kept))).toEqual(PNG);
  expect((await stat(join(folder, kept))).mode & 0o777).toBe(0o600);

  await alice.sendMedia(bot, { kind: "voice", seconds: 12, bytes: OGG });
  await answer();
  expect(endpoint.asked[1]?.messages.at(-1)?.content).toBe('[voice note, 0:12, which says: "bring some milk"]');

  await alice.sendMedia(bot, { kind: "image", bytes: PDF, mimetype: "image/jpeg" });
  await answer();
  expect(endpoint.asked[2]?.messages.at(-1)?.content).toBe("[image (in truth application/pdf)]");

  await alice.sendMedia(bot, { kind: "document", bytes: Buffer.alloc(1_500_000), statedLength: 10 });
  await world.told(/A file from Alice \(\w{4}\) was not kept: it is larger than 1 MB/);
  await answer();
  expect(endpoint.asked[3]?.messages.at(-1)?.content).toBe('[document "document.pdf" (not kept: it is too large)]');

  await alice.sendMedia(bot, { kind: "image", bytes: PNG, fault: "damaged" });
  await world.told(/was not kept: it can't be decrypted/);
  await answer();
  await alice.sendMedia(bot, { kind: "image", bytes: PNG, fault: "gone" });
  await world.told(/was not kept: WhatsApp has it no more/);
  await answer();

  endpoint.answering = ({ raw }, response) =>
    raw.includes("image_url") ? failing(response, 400) : streamed(response, "I see nothing.");
  for (const caption of ["and this?", "and now?"]) {
    await alice.sendMedia(bot, { kind: "image", caption, bytes: PNG });
    expect((await answer()).text).toBe("I see nothing.");
  }
  expect(endpoint.asked.slice(6).map(({ raw }) => raw.includes("image_url"))).toEqual([true, false, true, false]);
  expect(await readdir(folder)).toHaveLength(5);
  expect(home.printed).not.toContain(KEY);
});

it("I3, I10: a relay takes files both ways, once, and nothing in silent mode", async () => {
  const world = await talking({});
  const { alice, bot, owner, home } = world;
  await alice.sendMedia(bot, { kind: "image", caption: "look", bytes: PNG });
  expect((await world.told(/\*Alice\*.*image: look/s)).text).toContain("Alice");
  const picture = await owner.next(({ message }) => message.imageMessage != null);
  expect(await owner.download(picture)).toEqual(PNG);

  const reply = { kind: "document", bytes: PDF, caption: "read this", fileName: "a.pdf", quote: picture } as const;
  await owner.sendMedia(bot, { ...reply });
  const received = await alice.next(({ message }) => message.documentMessage != null);
  expect(received.text).toBe("read this");
  expect(await alice.download(received)).toEqual(PDF);
  await owner.next(({ reaction }) => reaction?.emoji === "✅");

  await home.stop("SIGKILL");
  await home.startLinked();
  await owner.sendMedia(bot, { ...reply });
  await world.told(/Silent mode is on, so nothing was sent to Alice/);
  await world.settled();
  expect(alice.inbox.filter(({ message }) => message.documentMessage)).toHaveLength(1);
  expect(owner.inbox.filter(({ message }) => message.imageMessage)).toHaveLength(1);
  expect(world.leaks(world.mallory)).toEqual([]);
});
