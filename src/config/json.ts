/** Where a text stops being JSON: Node's own messages name a position only sometimes. */

/** A place in a text, counted from 1 as editors do. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

const SPACE = /[ \t\r\n]*/y;
const SCALAR =
  /"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/uy;
const KEY = /"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"[ \t\r\n]*:/uy;

/** The place of the first mistake in a text that `JSON.parse` refused. */
export function firstMistake(text: string): Place {
  const before = text.slice(0, reach(text)).split("\n");
  return { line: before.length, column: [...(before.at(-1) ?? "")].length + 1 };
}

/** How many characters from the start can be the beginning of JSON. */
function reach(text: string): number {
  let at = 0;
  const closers: string[] = [];
  const take = (token: RegExp): boolean => {
    token.lastIndex = at;
    if (!token.test(text)) return false;
    at = token.lastIndex;
    return true;
  };
  take(SPACE);
  for (let expects: "value" | "first" | "next" = "value"; ; take(SPACE)) {
    const character = text[at];
    const closer = closers.at(-1);
    if (expects !== "value" && character !== undefined && character === closer) {
      closers.pop();
      at += 1;
      expects = "next";
      continue;
    }
    if (expects === "next") {
      if (character !== "," || closer === undefined) return at;
      at += 1;
      take(SPACE);
    }
    if (closer === "}" && !take(KEY)) return at;
    take(SPACE);
    const opened = text[at];
    if (opened === "{" || opened === "[") {
      closers.push(opened === "{" ? "}" : "]");
      at += 1;
      expects = "first";
    } else if (take(SCALAR)) expects = "next";
    else return at;
  }
}
