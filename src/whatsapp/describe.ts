import { firstWords } from "../text.js";
import type { Content } from "./types.js";

const PREVIEW_CHARACTERS = 80;

/** The words of a message, where it has any: text or a caption. */
export function wordsOf(content: Content): string {
  if (content.kind === "text") return content.text;
  return content.kind === "media" ? content.caption : "";
}

/** A message in a few words, for notices and lists: its first words, or what it is (`voice note, 0:12`). */
export function describe(content: Content): string {
  switch (content.kind) {
    case "text":
      return firstWords(content.text, PREVIEW_CHARACTERS);
    case "media": {
      const what = content.media === "voice" ? "voice note" : content.media;
      const length = content.seconds === undefined ? "" : `, ${minutes(content.seconds)}`;
      const caption = content.caption === "" ? "" : `: ${firstWords(content.caption, PREVIEW_CHARACTERS)}`;
      return `${what}${length}${caption}`;
    }
    case "reaction":
      return content.emoji === "" ? "reaction taken back" : `reaction ${content.emoji}`;
    case "edit":
      return "an edited message";
    case "revoke":
      return "a deleted message";
    case "other":
      return content.type;
  }
}

function minutes(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
