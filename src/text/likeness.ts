/** Likeness of names and of words: for the warning that a name resembles a known one, and for "did you mean". */

/** Letters that look like a Latin one, after compatibility decomposition and lower-casing; keyed by what they look like. */
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  a: "аαɑᴀ∂",
  b: "ьвβʙᏏ",
  c: "сϲᴄ¢",
  d: "ԁđɗᴅ",
  e: "еєεёҽᴇ℮ǝ",
  f: "ғƒꜰ",
  g: "ɡԍɢ9",
  h: "һнηʜħ",
  j: "јϳᴊ",
  k: "кκᴋ",
  // i, l, 1, | and their kin are one family: "AIice" must meet "Alice".
  l: "iіɪıι1|ⅼʟłӏ!ا",
  m: "мᴍ",
  n: "пиɴոŋν",
  o: "оοσ0øᴏօө",
  p: "рρᴘþ",
  q: "ԛ",
  r: "гʀяɾ",
  s: "ѕꜱ5$",
  t: "тτᴛŧ",
  u: "υսᴜц",
  v: "ѵᴠ",
  w: "шωԝᴡщ",
  x: "хχ×",
  y: "уγүʏ",
  z: "ᴢʐ",
};
const LOOKS_LIKE: ReadonlyMap<string, string> = new Map(
  Object.entries(LOOK_ALIKES).flatMap(([latin, others]) => [...others].map((other) => [other, latin] as const)),
);
/** Pairs that read as one letter in most fonts. */
const PAIRS: readonly (readonly [RegExp, string])[] = [
  [/rn/g, "m"],
  [/vv/g, "w"],
  [/cl/g, "d"],
];

/**
 * Whether a reader could take one name for the other: the same but for case, accents, spacing, punctuation and letters
 * that look alike in another script, the same words in another order, or one slip apart in a longer name.
 */
export function resembles(a: string, b: string): boolean {
  const [wordsA, wordsB] = [skeleton(a), skeleton(b)];
  const [whole, other] = [wordsA.join(""), wordsB.join("")];
  if (whole === "" || other === "") return false;
  if (whole === other || [...wordsA].sort().join(" ") === [...wordsB].sort().join(" ")) return true;
  const shorter = Math.min(whole.length, other.length);
  return shorter >= 5 && distance(whole, other, shorter >= 10 ? 2 : 1) !== undefined;
}

/**
 * The candidate that a mistyped word most likely meant, or undefined where none is near: at most one slip (a wrong, missing,
 * extra or swapped letter) in words up to four letters, two up to seven, three beyond; or the only one that begins with it.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const typed = word.toLowerCase();
  if (typed === "" || typed.length > 64) return undefined;
  const limit = typed.length <= 4 ? 1 : typed.length <= 7 ? 2 : 3;
  let best: string | undefined;
  let bestDistance = Math.min(limit, typed.length - 1) + 1;
  const beginning: string[] = [];
  for (const candidate of candidates) {
    const found = distance(typed, candidate.toLowerCase(), limit);
    if (found !== undefined && found < bestDistance) [best, bestDistance] = [candidate, found];
    if (typed.length >= 2 && candidate.toLowerCase().startsWith(typed)) beginning.push(candidate);
  }
  return best ?? (beginning.length === 1 ? beginning[0] : undefined);
}

/** The words of a name as a hurried eye sees them. A name without a letter or digit (emoji) is seen as it is. */
function skeleton(name: string): string[] {
  const plain = [...name.normalize("NFKD").replace(/[\p{M}\p{Default_Ignorable_Code_Point}]/gu, "")]
    .map(unboxed)
    .join("")
    .toLowerCase();
  const words = plain
    .split(/[^\p{L}\p{N}|!$¢∂℮×]+/u)
    .map((word) => [...word].map((letter) => LOOKS_LIKE.get(letter) ?? letter).join(""))
    .map((word) => PAIRS.reduce((text, [pair, one]) => text.replace(pair, one), word))
    .filter((word) => word !== "");
  if (words.length > 0) return words;
  const bare = plain.replace(/\s/g, "");
  return bare === "" ? [] : [bare];
}

/** Letters in white-on-black circles and squares and flag letters, which Unicode does not decompose. */
function unboxed(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  for (const [start, end] of [
    [0x1f150, 0x1f169],
    [0x1f170, 0x1f189],
    [0x1f1e6, 0x1f1ff],
  ] as const) {
    if (point >= start && point <= end) return String.fromCharCode(97 + point - start);
  }
  return character;
}

/** Damerau-Levenshtein distance (optimal string alignment), or undefined beyond `limit`. */
function distance(a: string, b: string, limit: number): number | undefined {
  if (Math.abs(a.length - b.length) > limit) return undefined;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + (same ? 0 : 1));
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, at(beforeLast, column - 2) + 1);
      }
      current.push(cost);
    }
    if (Math.min(...current) > limit) return undefined;
    [beforeLast, last] = [last, current];
  }
  const found = at(last, b.length);
  return found <= limit ? found : undefined;
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
