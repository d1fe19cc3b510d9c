/** Who plays in the demo. All of them are invented, and their numbers lie in a range that nobody has. */

/** One person with a simulated phone. */
export interface Character {
  readonly key: "olga" | "alice" | "bob" | "sam";
  readonly name: string;
  /** What the person is to the bot when the demo begins. */
  readonly part: "owner" | "buddy" | "stranger";
  /** Digits with the country code. */
  readonly pn: string;
}

export type Key = Character["key"];

/** The bot's own number, to which the gateway is linked. */
export const BOT = { name: "Bot", pn: "15550009000" } as const;

/** In the order in which the page shows their phones. */
export const CAST: readonly Character[] = [
  { key: "olga", name: "Olga", part: "owner", pn: "15550001000" },
  { key: "sam", name: "Sam", part: "stranger", pn: "15550004000" },
  { key: "alice", name: "Alice", part: "buddy", pn: "15550002000" },
  { key: "bob", name: "Bob", part: "buddy", pn: "15550003000" },
];

/** Somebody of the cast by a number in any spelling. */
export function byNumber(number: string | null | undefined): Character | undefined {
  const digits = (number ?? "").replace(/@.*$/, "").replace(/\D/g, "");
  return CAST.find(({ pn }) => pn === digits);
}
