import { mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { expect, it, onTestFinished } from "vitest";
import type { Contact } from "../../src/access/types.js";
import { type MediaContent, MediaStore } from "../../src/responder/media.js";
import { MediaProblem } from "../../src/whatsapp/media.js";
import type { Inbound } from "../../src/whatsapp/types.js";

const MB = 1_000_000;
const NEVER = new AbortController().signal;
// All that a file's name is made of.
const ALICE = { code: "K7QF" } as Contact;
const file = { directPath: "/x", mediaKey: "", sha256: "", encryptedSha256: "", length: 10, mimetype: "image/png" };
const IMAGE: MediaContent = { kind: "media", media: "image", caption: "", file };

/** A store whose files are so many bytes long, whatever they say. */
async function store({
  bytes,
  quota = 100,
  breaksOff = false,
}: {
  bytes: number;
  quota?: number;
  breaksOff?: boolean;
}) {
  const folder = await mkdtemp(join(tmpdir(), "kafclaw-media-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const media = new MediaStore(folder, { mediaLimit: 2, mediaQuota: quota }, async () =>
    Readable.from(
      (function* () {
        for (let left = bytes; left > 0; left -= MB / 10) yield Buffer.alloc(Math.min(left, MB / 10));
        if (breaksOff) throw new MediaProblem("unreachable");
      })(),
    ),
  );
  await media.open();
  const keep = (id: string) =>
    media.keep({ at: Date.UTC(2026, 10, 23), journalId: id } as Inbound, IMAGE, ALICE, NEVER);
  return { folder, keep };
}

it("the oldest files make room for new ones", async () => {
  const { folder, keep } = await store({ bytes: MB, quota: 3 });
  const paths = [];
  for (const [index, id] of ["a", "b", "c", "d", "e"].entries()) {
    const kept = await keep(id);
    if (typeof kept === "string") throw new Error(kept);
    paths.push(kept.path);
    await utimes(kept.path, index, index).catch(() => {});
  }
  expect((await readdir(folder)).map((name) => join(folder, name)).sort()).toEqual(paths.slice(2).sort());
});

it("the file just kept is never what makes room, though the clock was put back", async () => {
  const { keep } = await store({ bytes: MB, quota: 1.5 });
  const earlier = await keep("a");
  if (typeof earlier === "string") throw new Error(earlier);
  await utimes(earlier.path, new Date("2040-01-01"), new Date("2040-01-01"));
  const kept = await keep("b");
  if (typeof kept === "string") throw new Error(kept);
  expect((await stat(kept.path)).size).toBe(MB);
});

it("a file that is larger than it says is given up in the middle, and leaves nothing", async () => {
  const { folder, keep } = await store({ bytes: 30 * MB });
  expect(await keep("a")).toBe("too-large");
  expect(await readdir(folder)).toEqual([]);
});

it("a full disk leaves nothing, and the next file is kept", async () => {
  const { folder, keep } = await store({ bytes: MB });
  const kept = await keep("a");
  if (typeof kept === "string") throw new Error(kept);
  await rm(kept.path);
  // Where everything that is written meets a full disk.
  await symlink("/dev/full", kept.path.replace(/[.]bin$/, ".part"));
  expect(await keep("a")).toBe("no-room");
  expect(await readdir(folder)).toEqual([]);
  expect(await keep("a")).toMatchObject({ bytes: MB, type: "" });
});

it.each([
  ["that fails", (part: string) => symlink("/proc/version", part)],
  ["without its folder", (part: string) => rm(dirname(part), { recursive: true })],
  [
    "with a file in the place of its folder",
    (part: string) => rm(dirname(part), { recursive: true }).then(() => writeFile(dirname(part), "")),
  ],
])("a disk %s is no fault of WhatsApp's", async (_, harm) => {
  const { keep } = await store({ bytes: MB });
  const kept = await keep("a");
  if (typeof kept === "string") throw new Error(kept);
  await harm(kept.path.replace(/[.]bin$/, ".part"));
  expect(await keep("a")).toBe("unwritable");
});

it("a download that breaks off is no fault of the disk's", async () => {
  const { keep } = await store({ bytes: MB, breaksOff: true });
  expect(await keep("a")).toBe("unreachable");
});
