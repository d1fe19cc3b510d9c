/** What the page shows, as plain values for its templates. Pure but for the time zone of whoever looks. */
import { CAST, type Character, type Key } from "./cast.js";
import { type Hint, nextHint, STEPS, type Standing } from "./guide.js";
import type { Bubble, Handset } from "./handset.js";
import type { Stage } from "./stage.js";

/** What a person chose on the page by its address, where no script runs. */
export interface Chosen {
  /** Whose phone a message is answered on, and which. */
  readonly phone?: string | undefined;
  readonly reply?: string | undefined;
  /** Puts what the hint names into the box. */
  readonly fill?: boolean | undefined;
}

const PARTS: Readonly<Record<Character["part"], string>> = {
  owner: "the owner",
  buddy: "a buddy",
  stranger: "the stranger",
};
const STATES: Readonly<Record<string, string>> = { approved: "a buddy now", pending: "pending", denied: "denied" };
const TICKS = {
  sent: { sign: "✓", words: "sent; no sign from the bot" },
  delivered: { sign: "✓✓", words: "delivered" },
  read: { sign: "✓✓", words: "read" },
} as const;
const REACTIONS = ["👍", "👎"] as const;

/** The model of the whole page. */
export function screenOf(stage: Stage, chosen: Chosen): object {
  const hint = nextHint(standingOf(stage));
  const { status } = stage.view ?? {};
  const isOpen = status?.link === "open";
  return {
    hint: { ...hint, of: STEPS, name: hint.phone && stage.phone(hint.phone).character.name },
    gateway: {
      link: stage.away ? "no connection" : isOpen ? "connected" : (status?.sentence ?? "does not answer"),
      isOpen: isOpen && !stage.away,
      away: stage.away,
      silent: status?.silent ?? true,
      responder: status?.responder.name ?? "",
    },
    phones: CAST.map((character) => phoneOf(stage, character, hint, chosen)),
  };
}

/** What is known of the stranger's way, for the guided way. */
export function standingOf(stage: Stage): Standing {
  const { view, token, away } = stage;
  const sam = stage.phone("sam");
  const listed = view?.listing(sam.character);
  const state = listed?.state;
  const verdicts = view?.decisions.flatMap((each) =>
    each.kind === "verdict" && each.who.key === "sam" ? [each.verdict] : [],
  );
  const chat = sam.chat();
  const lastWord = chat.findLast(({ mine }) => mine);
  const approved = state === "approved";
  return {
    away,
    link: view?.status?.link,
    silent: view?.status?.silent ?? true,
    state: state === "pending" || approved || state === "denied" ? state : "stranger",
    code: listed?.code,
    told: stage.phone("olga").heard(({ text }) => text.includes(`New sender* ${listed?.code}`)) !== undefined,
    wasIgnored: verdicts?.at(-1) === "stranger",
    tokenFailed: verdicts?.at(-1) === "stranger" && lastWord?.text.includes(token) === true,
    answered: approved && hasAnswer(chat),
    token,
  };
}

/** The bot reads a message when it begins to answer it, and what comes then is the answer. */
function hasAnswer(chat: readonly Bubble[]): boolean {
  const asked = chat.findIndex(({ mine, ticks }) => mine && ticks === "read");
  return asked >= 0 && chat.slice(asked).some(({ mine }) => !mine);
}

function phoneOf(stage: Stage, character: Character, hint: Hint, chosen: Chosen): object {
  const { key, name, part } = character;
  const handset = stage.phone(key);
  const chat = handset.chat();
  const state = part === "owner" ? undefined : (stage.view?.listing(character)?.state ?? "stranger");
  const answered = chosen.phone === key ? chat.find(({ id }) => id === chosen.reply) : undefined;
  return {
    key,
    name,
    part: PARTS[part],
    state: state === undefined ? "may command" : (STATES[state] ?? "a stranger to the bot"),
    stateClass: state ?? "owner",
    number: `+${character.pn}`,
    isNext: hint.phone === key,
    typing: isTyping(stage, handset),
    addressings: [
      { value: "pn", label: "number", on: handset.addressing === "pn" },
      { value: "lid", label: "LID", on: handset.addressing === "lid" },
    ],
    bubbles: chat.map((bubble) => bubbleOf(bubble, name)),
    reply: answered && { id: answered.id, text: firstLine(answered.text) },
    draft: chosen.fill === true && hint.phone === key ? hint.type : "",
  };
}

function bubbleOf(bubble: Bubble, name: string): object {
  const { id, at, mine, text, picture, quote, reactions, reacted, ticks, edited, deleted } = bubble;
  return {
    id,
    mine,
    who: mine ? name : "the bot",
    time: new Date(at).toTimeString().slice(0, 5),
    lines: deleted ? [] : formatted(text),
    short: firstLine(text),
    picture: picture && !deleted,
    quote: quote && { who: quote.mine ? name : "Bot", text: firstLine(quote.text) },
    reactions,
    edited,
    deleted,
    ticks: ticks && { ...TICKS[ticks], isRead: ticks === "read" },
    choices: deleted ? [] : REACTIONS.map((emoji) => ({ emoji, on: reacted === emoji })),
  };
}

/** One line of a message, with WhatsApp's bold taken for what it is. */
export interface Line {
  readonly isQuote: boolean;
  readonly pieces: readonly { readonly text: string; readonly bold: boolean }[];
}

/** A message's lines as WhatsApp shows them: `*bold*`, and `> ` for a quote. Pure. */
export function formatted(text: string): readonly Line[] {
  return text.split("\n").map((line) => {
    const isQuote = line.startsWith("> ");
    const rest = isQuote ? line.slice(2) : line;
    const pieces = rest.split(/(\*\S(?:[^*]*\S)?\*)/).flatMap((piece) => {
      if (piece === "") return [];
      const bold = piece.length > 2 && piece.startsWith("*") && piece.endsWith("*");
      return [{ text: bold ? piece.slice(1, -1) : piece, bold }];
    });
    return { isQuote, pieces };
  });
}

function firstLine(text: string): string {
  const [line = ""] = text.replaceAll("*", "").split("\n");
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

/** The last that the bot said about its typing to this phone. */
function isTyping(stage: Stage, { phone }: Handset): boolean {
  const content = stage.wa.stanzasTo(phone, "chatstate").at(-1)?.node.content;
  return Array.isArray(content) && content[0]?.tag === "composing";
}

/** A key of the cast, as a form brings it. */
export function keyOf(text: unknown): Key | undefined {
  return CAST.find(({ key }) => key === text)?.key;
}
