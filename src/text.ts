/**
 * Text that goes to people, and the difference between our own words and somebody else's.
 *
 * A {@link Message} is made with the tagged template {@link say}: the literal parts are the bot's own words, the
 * interpolated parts are data (names, sender text) unless wrapped in one of the helpers below. Data is escaped when the
 * message is rendered for the place where it is shown, so a sender's text never becomes the bot's own words (I9).
 *
 *     say`🔔 ${bold`New sender`} ${contact.code}\n${contact.name} · ${number}\n${quote(text)}`
 *
 * HTML needs no more than {@link renderPage}: templates escape its text like any other.
 */
import { cleanText, oneLine } from "./text/clean.js";

export { CHUNK_LENGTH, chunks, FENCE } from "./text/chunks.js";
export { cleanName, cleanText, cut, firstWords, oneLine } from "./text/clean.js";
export { plainDigits } from "./text/digits.js";
export { nearest, resembles } from "./text/likeness.js";

/** One piece of a message: `own` words as written, or foreign `data` that is escaped when rendered. */
export type Part =
  | { readonly kind: "own"; readonly text: string }
  | { readonly kind: "data"; readonly text: string }
  | { readonly kind: "bold"; readonly parts: readonly Part[] }
  | { readonly kind: "quote"; readonly text: string };

/** What the bot says, not yet rendered for a place. Lines are separated by "\n" in own parts. */
export interface Message {
  readonly parts: readonly Part[];
}

/** What can stand in a {@link say}: strings and numbers are data, messages are spliced in. */
export type Sayable = string | number | Message;

/** How much of a quoted text is shown: enough to recognise it, little enough to keep the notice on one screen. */
const QUOTE_LENGTH = 300;
const QUOTE_LINES = 6;

/** The tagged template that makes a {@link Message}: literal parts are own words, interpolated strings and numbers data. */
export function say(words: TemplateStringsArray, ...values: readonly Sayable[]): Message {
  const parts: Part[] = [];
  words.forEach((text, index) => {
    // An empty template is an empty line on purpose.
    if (text !== "" || words.length === 1) parts.push({ kind: "own", text });
    const value = values[index];
    if (value !== undefined) parts.push(...partsOf(value));
  });
  return { parts };
}

/** Text that is the bot's own although it is computed: a date, a link to ourselves, a word from our own tables. */
export function own(text: string | number): Message {
  return { parts: [{ kind: "own", text: String(text) }] };
}

/** Bold where the place knows bold. A tag (``bold`New sender` ``), or a function whose strings are data (`bold(name)`). */
export function bold(words: TemplateStringsArray | Sayable, ...values: readonly Sayable[]): Message {
  const isTag = typeof words === "object" && "raw" in words;
  const parts = isTag ? say(words, ...values).parts : [words, ...values].flatMap(partsOf);
  return { parts: [{ kind: "bold", parts }] };
}

/**
 * A block of foreign text on lines of its own, each behind `> `; at most `max` code points and six lines, the cut marked.
 * An empty text shows nothing.
 */
export function quote(text: string, max = QUOTE_LENGTH): Message {
  const all = cleanText(text, max)
    .split("\n")
    .filter((line) => line !== "");
  const shown = all.slice(0, QUOTE_LINES);
  const last = shown.at(-1);
  if (all.length > QUOTE_LINES && last !== undefined) shown[QUOTE_LINES - 1] = `${last.replace(/…$/, "")}…`;
  return { parts: shown.length > 0 ? [{ kind: "quote", text: shown.join("\n") }] : [] };
}

/** Joins messages, one below the other. What is absent or shows nothing leaves no gap; an empty `say` makes an empty line. */
export function lines(...messages: readonly (Message | undefined | false)[]): Message {
  const shown = messages.flatMap((message) => (message && message.parts.length > 0 ? [message.parts] : []));
  return { parts: shown.flatMap((parts, index) => (index === 0 ? parts : [{ kind: "own", text: "\n" }, ...parts])) };
}

/**
 * The message as WhatsApp text. In data:
 * - invisible, control and direction characters are gone, and line breaks are spaces;
 * - `*`, `_`, `~` and the backtick are their full-width twins (＊＿～｀), and so is what would start a quote or a list (`＞`,
 *   `－`, `1．`): every phone has them, they are never markup, and NFKC turns them back, so a copied name is still found;
 * - links are broken visibly: `https[:]//`, `example[.]com`, so that neither WhatsApp nor Baileys makes one, or fetches a preview;
 * - text of a right-to-left script is isolated (U+2068 … U+2069), so that it can't reorder our words and numbers beside it.
 */
export function renderWhatsApp(message: Message): string {
  return render(message.parts, whatsapp);
}

/**
 * The message for pages, which escape it like any other text: as for terminals, but what is written from right to left is
 * isolated, so that it turns no number around.
 */
export function renderPage(message: Message): string {
  return render(message.parts, { data: (text) => isolated(oneLine(text)), bold: (text) => text });
}

/** The message for terminals and logs: no markup, and no control or escape characters in data. */
export function renderPlain(message: Message): string {
  return render(message.parts, { data: oneLine, bold: (text) => text });
}

/** How one place shows the pieces. */
interface Place {
  data(text: string): string;
  bold(text: string): string;
}

const whatsapp: Place = {
  data: (text) => isolated(withoutMarkup(defused(oneLine(text)))),
  // WhatsApp shows the asterisks where spaces stand inside them, or nothing does.
  bold: (text) => text.replace(/^(\s*)(\S.*?)(\s*)$/s, "$1*$2*$3"),
};

function render(parts: readonly Part[], place: Place): string {
  let out = "";
  let afterQuote = false;
  for (const part of parts) {
    if (part.kind === "quote") {
      const block = part.text.split("\n").map((line) => `> ${place.data(line)}`);
      out += `${startsLine(out) ? "" : "\n"}${block.join("\n")}`;
      afterQuote = true;
      continue;
    }
    const text =
      part.kind === "own"
        ? part.text
        : part.kind === "data"
          ? place.data(part.text)
          : place.bold(render(part.parts, place));
    if (text === "") continue;
    if (afterQuote && !text.startsWith("\n")) out += "\n";
    afterQuote = false;
    out += text;
  }
  return out;
}

function startsLine(text: string): boolean {
  return text === "" || text.endsWith("\n");
}

function partsOf(value: Sayable): readonly Part[] {
  return typeof value === "object" ? value.parts : [{ kind: "data", text: String(value) }];
}

/** Full-width twins lie at this distance from ASCII in Unicode. */
const FULL_WIDTH = 0xfee0;

function withoutMarkup(line: string): string {
  return line
    .replace(/[*_~`]/g, fullWidth)
    .replace(/^[>-](?=\s|$)|^>/, fullWidth)
    .replace(/^(\d+)([.)])(?=\s|$)/, (_, number: string, dot: string) => number + fullWidth(dot));
}

/** The full-width twin of an ASCII sign, which looks like it and is never markup. */
export function fullWidth(character: string): string {
  return String.fromCharCode(character.charCodeAt(0) + FULL_WIDTH);
}

/** Breaks `scheme://`, dots between the parts of a host name (the look-alike dots that phones accept too), and IPv4 addresses. */
function defused(line: string): string {
  return line
    .replace(/:(?=\/\/)/g, "[:]")
    .replace(/(?<=[\p{L}\p{N}\p{M}\p{S}_-])\.(?=\p{L}{2})/gu, "[.]")
    .replace(/(?<=[a-z0-9-])[\u2024\u3002\uFF0E\uFF61](?=[a-z]{2})/gi, "[.]")
    .replace(/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, (address) => address.replaceAll(".", "[.]"));
}

/** The blocks of Unicode that are written from right to left. */
const RIGHT_TO_LEFT = /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u;

function isolated(line: string): string {
  return RIGHT_TO_LEFT.test(line) ? `\u2068${line}\u2069` : line;
}
