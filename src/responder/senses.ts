import { readFile } from "node:fs/promises";
import { HOUR, isWithin } from "../clock.js";
import { describe } from "../whatsapp/describe.js";
import type { WaitingDoc } from "./book.js";
import type { Kept, MediaContent, NotKept } from "./media.js";
import type { Asked, Look } from "./model.js";

/** What endpoints commonly take as pictures. */
const PICTURES = new Set(["image/jpeg", "image/png", "image/webp", "image/gif"]);
/** At most 5 MB of a picture go into a request: it is held in memory as text meanwhile. */
const LARGEST_PICTURE = 5_000_000;
const MOST_PICTURES = 4;
/** What endpoints commonly take to transcribe. */
const LONGEST_VOICE = 25_000_000;

/** What each kind of file must be inside. */
const INSIDE: Readonly<Record<MediaContent["media"], RegExp>> = {
  image: /^image\//,
  sticker: /^(image|video)\/|gzip|zip/,
  video: /^video\//,
  audio: /^(audio|video)\/|ogg/,
  voice: /^(audio|video)\/|ogg/,
  document: /./,
};

const WHY: Readonly<Record<NotKept, string>> = {
  "too-large": "it is too large",
  gone: "WhatsApp has it no more",
  unreachable: "it could not be fetched",
  damaged: "it can't be decrypted",
  "no-room": "there is no room on the disk",
  unwritable: "it can't be written to the disk",
  "no-file": "there is no file in it",
};

/** A file in words, for the model and for the owner: `[image: caption]`, and what is odd about it. */
export function inWords(content: MediaContent, kept: Kept | NotKept | undefined): string {
  const { caption, fileName } = content;
  const name = fileName === undefined ? "" : ` ${JSON.stringify(fileName)}`;
  const what = `${describe({ ...content, caption: "" })}${name}`;
  const oddity = oddityOf(content, kept);
  return `[${what}${oddity === "" ? "" : ` (${oddity})`}${caption === "" ? "" : `: ${caption}`}]`;
}

function oddityOf({ media }: MediaContent, kept: Kept | NotKept | undefined): string {
  if (kept === undefined) return "";
  if (typeof kept === "string") return `not kept: ${WHY[kept]}`;
  if (kept.type === "" && media !== "document") return "its bytes are nothing known";
  return kept.type === "" || INSIDE[media].test(kept.type) ? "" : `in truth ${kept.type}`;
}

/** After three refusals in a row a model is taken for one that sees no pictures: fewer may be one broken file. */
const REFUSALS_BORNE = 3;
/** It is shown one again after an hour, as all three may have been one buddy's broken files. */
const BLIND_MS = HOUR;

/** Shows pictures and voice notes to a model that takes them, and remembers for a while where it takes none. */
export class Senses {
  /** How often in a row it did not take pictures, but the same question without them, and when it did so last. */
  private refused = 0;
  private refusedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly model: Asked,
    private readonly clock: () => number,
  ) {}

  /** What was said in a message: a voice note's words, where the endpoint can tell them. */
  async words({ text, file }: WaitingDoc, signal: AbortSignal, look: Look): Promise<string> {
    if (file?.kind !== "voice" || file.bytes > LONGEST_VOICE || !this.model.transcribe) return text;
    const heard = await this.model.transcribe(file.path, signal, look);
    return heard === undefined ? text : `${text.slice(0, -1)}, which says: ${JSON.stringify(heard)}]`;
  }

  /** The pictures of some messages, the last ones, as `data:` URLs. */
  async pictures(burst: readonly WaitingDoc[]): Promise<readonly string[]> {
    if (this.refused >= REFUSALS_BORNE && isWithin(BLIND_MS, this.refusedAt, this.clock())) return [];
    const files = burst.flatMap(({ file }) => (file && isPicture(file) ? [file] : []));
    const found = await Promise.all(
      files.slice(-MOST_PICTURES).map(async ({ path, type }) => {
        // The quota may have removed it meanwhile.
        const bytes = await readFile(path).catch(() => undefined);
        return bytes && `data:${type};base64,${bytes.toString("base64")}`;
      }),
    );
    return found.flatMap((url) => url ?? []);
  }

  /** Whether the model took the pictures it was shown. One that takes none is told what came. */
  saw(taken: boolean): void {
    this.refused = taken ? 0 : this.refused + 1;
    this.refusedAt = this.clock();
  }
}

function isPicture({ type, bytes }: Kept): boolean {
  return PICTURES.has(type) && bytes <= LARGEST_PICTURE;
}
