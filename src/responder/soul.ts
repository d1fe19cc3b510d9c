import { readFile, stat } from "node:fs/promises";

/** More than this of a soul would leave no room for the conversation. */
const LARGEST = 32 * 1024;

/** The personality where the file has none that can be used. */
const PLAIN_SOUL = "You are a friendly assistant. Answer briefly, in the language that you are written to in.";

/**
 * The soul file: read at start, and again whenever it has changed. A file that can't be used never stops the answers:
 * the last good text counts, or a plain one, and the owner is told in one sentence what to mend.
 */
export class Soul {
  private text = PLAIN_SOUL;
  /** What the file looked like when it was last read; nothing before. */
  private seen: string | undefined;
  private trouble: string | undefined;

  /** @param onTrouble called with one sentence when the file becomes unusable, once per state of the file */
  constructor(
    private readonly path: string,
    private readonly onTrouble: (sentence: string) => void,
  ) {}

  /** What is wrong with the file now, in one sentence; undefined where it is used. */
  get problem(): string | undefined {
    return this.trouble;
  }

  /** The text that counts now. Looks at the file's time and size, and reads only what has changed. */
  async read(): Promise<string> {
    const look = await this.look();
    if (look === this.seen) return this.text;
    this.seen = look;
    const found = await this.load();
    if ("text" in found) this.text = found.text;
    const trouble = "problem" in found ? found.problem : undefined;
    if (trouble !== undefined && trouble !== this.trouble) this.onTrouble(trouble);
    this.trouble = trouble;
    return this.text;
  }

  private async look(): Promise<string> {
    try {
      const { mtimeMs, size, ino } = await stat(this.path);
      return `${mtimeMs} ${size} ${ino}`;
    } catch (error) {
      return String(error);
    }
  }

  private async load(): Promise<{ readonly text: string } | { readonly problem: string }> {
    const path = this.path;
    try {
      const found = await stat(path);
      // Reading a pipe or a device may never end.
      if (!found.isFile()) return { problem: unreadable(path) };
      const { size } = found;
      if (size > LARGEST) {
        return { problem: `The soul file ${path} has ${size} bytes and may have ${LARGEST}: shorten it.` };
      }
      const bytes = await readFile(path);
      const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).trim();
      if (text.includes("\0")) return { problem: `The soul file ${path} is no text: write it anew as plain text.` };
      if (text === "") return { problem: `The soul file ${path} is empty: say in it who the bot is.` };
      return { text };
    } catch (error) {
      if (error instanceof TypeError) {
        return { problem: `The soul file ${path} is no UTF-8 text: save it as plain text.` };
      }
      const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
      return {
        problem: isMissing ? `The soul file ${path} is missing: kafclaw onboard writes an example.` : unreadable(path),
      };
    }
  }
}

function unreadable(path: string): string {
  return `The soul file ${path} can't be read: make it a file that KafClaw's user may read.`;
}
