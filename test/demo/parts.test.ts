import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { byNumber } from "../../src/demo/cast.js";
import { Closing } from "../../src/demo/closing.js";
import { formatted } from "../../src/demo/screen.js";
import { scripted } from "../../src/demo/script-model.js";
import { createThrowaway } from "../../src/demo/throwaway.js";
import { Transcript } from "../../src/demo/transcript.js";
import { messagesFor } from "../../src/responder/frame.js";

describe("a bubble", () => {
  it("shows WhatsApp's bold and quotes, and takes a lone asterisk for one", () => {
    expect(formatted("🔔 *New sender* K7QF\n> 2 * 3 * 4\n**")).toEqual([
      {
        isQuote: false,
        pieces: [
          { text: "🔔 ", bold: false },
          { text: "New sender", bold: true },
          { text: " K7QF", bold: false },
        ],
      },
      { isQuote: true, pieces: [{ text: "2 * 3 * 4", bold: false }] },
      { isQuote: false, pieces: [{ text: "**", bold: false }] },
    ]);
  });
});

describe("the scripted model", () => {
  const asked = (said: string, turns: { said: string; answer: string }[] = []) =>
    scripted([
      ...messagesFor({
        soul: "# Soul\n\nYou are Kaf, a friendly assistant.",
        name: "Alice",
        isOwner: false,
        turns,
        room: 1000,
        said,
        mask: (text) => text,
      }),
    ]);

  it("answers the gateway's own questions by name and soul, and says each time that it is a script", () => {
    const answers = [asked("hi"), asked("really?", [{ said: "hi", answer: "hello" }]), asked("[image: a tulip]")];
    expect(answers[0]).toMatch(/^Hello Alice, I'm Kaf/);
    expect(answers[2]).toMatch(/^A picture/);
    for (const answer of answers) expect(answer).toContain("no real model");
  });

  it("sees a picture that is shown to it", () => {
    const content = [{ type: "text", text: "look" }, { type: "image_url" }];
    expect(
      scripted([
        { role: "system", content: "You are Kaf." },
        { role: "user", content },
      ]),
    ).toMatch(/^A picture/);
  });

  it("answers the set-up's trial, which brings no soul", () => {
    expect(scripted([{ role: "user", content: "Say hello, in one word." }])).toBe("Hello!");
  });
});

describe("the cast", () => {
  it("is known by number in any spelling, and nobody else is", () => {
    expect(byNumber("+1 555 000 4000")?.key).toBe("sam");
    expect(byNumber("15550001000@s.whatsapp.net")?.key).toBe("olga");
    expect([byNumber(null), byNumber("number hidden"), byNumber("+1 555 000 9000")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("the transcript", () => {
  it("I9: shows no control character of a message, whoever wrote it", () => {
    const lines: string[] = [];
    const sam = byNumber("15550004000");
    if (!sam) throw new Error("Sam is in the cast");
    const transcript = new Transcript({ out: (line) => lines.push(line), json: false });
    transcript.did(sam, { kind: "text", text: "\u001b[31mred\u0007\u202e" });
    transcript.reached(sam, "one\n\u001b]0;title\u0007two");
    expect(lines.join("\n")).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
    expect(lines[1]?.split("\n")).toHaveLength(2);
  });
});

describe("a home for one demo", () => {
  it("is private, and gone when it is removed, unless it is kept", async () => {
    const [gone, kept] = [createThrowaway(false), createThrowaway(true)];
    expect(gone.home.root).not.toBe(kept.home.root);
    for (const { home, remove } of [gone, kept]) {
      await writeFile(join(home.root, "file"), "");
      await remove();
    }
    expect([gone, kept].map(({ home }) => existsSync(home.root))).toEqual([false, true]);
    await rm(kept.home.root, { recursive: true });
  });

  it("that can't be made is told in one sentence with the next step", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kafclaw-test-"));
    expect(() => createThrowaway(false, join(folder, "missing"))).toThrow(/can't make a folder in .*ENOENT.*TMPDIR=/);
    await rm(folder, { recursive: true });
  });
});

describe("what has to be taken down", () => {
  it("is, in reverse order, also when one thing fails or comes too late", async () => {
    const closing = new Closing();
    const done: number[] = [];
    closing.defer(() => done.push(1));
    closing.defer(() => {
      throw new Error("two");
    });
    closing.defer(() => done.push(3));
    await expect(closing.close()).rejects.toThrow("two");
    closing.defer(() => done.push(4));
    expect(done).toEqual([3, 1, 4]);
  });
});
