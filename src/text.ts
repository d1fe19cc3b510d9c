/**
 * Text that goes to people, and the difference between our own words and somebody else's.
 *
 * A {@link Message} is made with the tagged template {@link say}: the literal parts are the bot's own words, the
 * interpolated parts are data (names, sender text) unless wrapped in one of the helpers below. Data is escaped when the
 * message is rendered for the place where it is shown, so a sender's text never becomes the bot's own words (I9).
 */

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
