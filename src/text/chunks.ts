/** The longest text that goes out in one message, in UTF-16 units. */
export const CHUNK_LENGTH = 4_000;

/** Where a text may be cut, best first: ends of paragraphs, lines, sentences, words. The next chunk begins behind. */
const ENDS = [/\n(?:[^\S\n]*\n)+/g, /\n/g, /[.!?…]["'”’)\]]*\s+|[。！？]["'”’)\]]*\s*/g, /\s+/g];
const WORD_END = ENDS.length - 1;

/** What begins and ends code in WhatsApp's markup. */
export const FENCE = "```";

/** A cut in the first part of a chunk would leave a stump: then the next kind of end is better. Words are never better off. */
const LEAST_FILL = 0.25;

/** What belongs to the character before it, a space included. */
const ATTACHES = /^(?:\p{M}|\u200C|\u200D|[\u{1F3FB}-\u{1F3FF}])/u;

/** How far a character as people see it may reach beyond the limit and still be recognised as one. */
const LOOK_AHEAD = 64;

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

/**
 * Splits a text into chunks of at most `max` units: at the ends of paragraphs, else of lines, sentences or words, else
 * anywhere but inside a character as people see it (an emoji with its skin tone, a letter with its accents). A fence that
 * opens code stays with what follows it. Nothing is lost but the white space at the cuts. A text without anything visible
 * gives no chunks.
 */
export function chunks(text: string, max = CHUNK_LENGTH): readonly string[] {
  const found: string[] = [];
  let rest = text.trimEnd();
  let isCode = false;
  while (rest.length > max) {
    const at = whereToCut(rest, max, isCode);
    const chunk = rest.slice(0, at).trimEnd();
    if (chunk !== "") found.push(chunk);
    if (chunk.split(FENCE).length % 2 === 0) isCode = !isCode;
    rest = rest.slice(at);
    // Blank lines go; the indentation of a line that begins a chunk stays.
    if (!ATTACHES.test(rest.trimStart())) rest = rest.replace(/^(?:[^\S\n]*\n)+/, "");
  }
  if (rest.trim() !== "") found.push(rest);
  return found;
}

/** The place where the next chunk begins. */
function whereToCut(text: string, max: number, isCode: boolean): number {
  // White space at a cut costs nothing, so a chunk may be full to the last unit and the end lie just behind.
  const window = text.slice(0, max + 1);
  const openings = behindOpenings(window, isCode);
  for (const [kind, end] of ENDS.entries()) {
    const least = kind === WORD_END ? 0 : max * LEAST_FILL;
    const last = lastEnd(text, window, end, max, openings);
    if (last > least) return last;
  }
  return hardCut(text, max);
}

function lastEnd(text: string, window: string, end: RegExp, max: number, openings: ReadonlySet<number>): number {
  let last = 0;
  for (const match of window.matchAll(end)) {
    const visible = match.index + match[0].trimEnd().length;
    const behind = match.index + match[0].length;
    if (visible <= max && !openings.has(visible) && !ATTACHES.test(text.slice(behind, behind + 2))) last = behind;
  }
  return last;
}

/** Where fences end that open code: every other one. */
function behindOpenings(window: string, isCode: boolean): ReadonlySet<number> {
  const ends = [...window.matchAll(new RegExp(FENCE, "g"))].map(({ index }) => index + FENCE.length);
  return new Set(ends.filter((_, index) => (index % 2 === 1) === isCode));
}

/** The end of the last whole character that fits. One that is longer than a chunk is cut between its code points. */
function hardCut(text: string, max: number): number {
  let at = 0;
  for (const { index, segment } of graphemes.segment(text.slice(0, max + LOOK_AHEAD))) {
    if (index + segment.length > max) break;
    at = index + segment.length;
  }
  if (at > 0) return at;
  const splitsPair = /[\uD800-\uDBFF]$/.test(text.slice(0, max)) && /^[\uDC00-\uDFFF]/.test(text.slice(max));
  return splitsPair ? Math.max(2, max - 1) : max;
}
