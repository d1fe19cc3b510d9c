/** What the owner's text means, before anyone looks at who may be meant. Pure, takes any string. */
import { cleanText } from "../text.js";

/** An order, as far as the text alone tells. */
export type Order =
  | { readonly kind: "command"; readonly name: string; readonly rest: string }
  | { readonly kind: "answer"; readonly decides: "approve" | "deny"; readonly said: string }
  | { readonly kind: "talk" };

/** Slashes that keyboards offer instead of `/`. */
const SLASH = /^[/／⁄∕]\s*/u;
const SKIN = /[\u{1F3FB}-\u{1F3FF}\uFE0E\uFE0F]/gu;
const ANSWERS: ReadonlyMap<string, "approve" | "deny"> = new Map([
  ["yes", "approve"],
  ["y", "approve"],
  ["ok", "approve"],
  ["okay", "approve"],
  ["approve", "approve"],
  ["👍", "approve"],
  ["no", "deny"],
  ["n", "deny"],
  ["deny", "deny"],
  ["👎", "deny"],
]);

/** What can't be seen, and comes with what was typed: direction marks, joiners, selectors. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]/gu;

/** Reads a text: a command, a yes or no, or talk. */
export function readOrder(text: string): Order {
  const line = oneLineOf(text);
  if (SLASH.test(line)) {
    const [, name = "", rest = ""] = /^(\S*)\s*(.*)$/u.exec(line.replace(SLASH, "")) ?? [];
    return { kind: "command", name: name.normalize("NFKC").toLowerCase(), rest: readable(rest) || unreadable(text) };
  }
  const said = line.replace(/[.!]+$/, "").trim();
  const decides = ANSWERS.get(said.replace(SKIN, "").toLowerCase());
  return decides === undefined ? { kind: "talk" } : { kind: "answer", decides, said };
}

/** What stands behind a command; nothing where none of it can be read. */
function readable(rest: string): string {
  const line = oneLineOf(rest);
  return /[^\s\uFFFD]/u.test(line) ? line : "";
}

/**
 * What stands behind a command of which nothing can be read: whoever is meant by a character of Apple's own, by a mark or
 * by a skin tone alone, it is not the only one who is pending. It is read as empty quotes are, which name nobody.
 * @returns nothing where nothing was typed
 */
function unreadable(text: string): string {
  return /^\s*\S\s*\S+\s+\S/u.test(text.replace(UNSEEN, "")) ? '""' : "";
}

/** What a reaction decides; any skin tone. `""` is a reaction that was taken away. */
export function readReaction(emoji: string): "approve" | "deny" | "gone" | undefined {
  const bare = emoji.replace(SKIN, "").trim();
  if (bare === "") return "gone";
  return bare === "👍" ? "approve" : bare === "👎" ? "deny" : undefined;
}

/** A text without invisible and control characters, on one line. */
export function oneLineOf(text: string): string {
  return cleanText(text).replace(/\s+/g, " ").trim();
}
