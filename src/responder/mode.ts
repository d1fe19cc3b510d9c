import { OWNER, type Who } from "./book.js";
import type { ResponderParts } from "./parts.js";
import type { Mode } from "./types.js";

/** What answers as of now. */
export function modeOf({ model, access }: Pick<ResponderParts, "model" | "access">): Mode {
  if (model) return "model";
  return access.owner()?.setup === "own-number" ? "relay" : "off";
}

/**
 * Whether somebody is not answered as of now. The owner's pause holds up every buddy. Nobody's model is called in silent
 * mode; the admin chat is never silent, and so a relay goes on.
 */
export function isHeldBack(who: Who, parts: Pick<ResponderParts, "model" | "access" | "paused" | "silent">): boolean {
  return who !== OWNER && (parts.paused() || (modeOf(parts) === "model" && parts.silent()));
}
