/** The guided way: what to do next on the phones, judged by what really happened. Pure. */
import type { Key } from "./cast.js";

/** What is known of the stranger's way to an answer. */
export interface Standing {
  /** The connection was taken away on the page. */
  readonly away: boolean;
  /** The gateway's link, as it says itself; undefined while it does not answer. */
  readonly link: string | undefined;
  readonly silent: boolean;
  /** The stranger's state in the gateway's lists. */
  readonly state: "stranger" | "pending" | "approved" | "denied";
  /** The stranger's code, once there is one. */
  readonly code: string | undefined;
  /** The owner's phone has got the notice of the stranger. */
  readonly told: boolean;
  /** The stranger has written something that the gateway took for a stranger's. */
  readonly wasIgnored: boolean;
  /** The token was among it, so it is the right one no more. */
  readonly tokenFailed: boolean;
  /** The stranger, a buddy by now, has got an answer. */
  readonly answered: boolean;
  readonly token: string;
}

/** One line that says what to do next. */
export interface Hint {
  /** Which step of the guided way it is, from 1; 0 where something is in the way. */
  readonly step: number;
  readonly text: string;
  /** On whose phone. */
  readonly phone?: Key;
  /** What can be put into that phone's box. */
  readonly type?: string;
  /** The commands that lead to the real thing. */
  readonly commands?: readonly string[];
}

/** Of how many steps the guided way is. */
export const STEPS = 5;

const REAL_THING = ["make run", "make install", "kafclaw whatsapp-setup"] as const;

/** What to do next. */
export function nextHint(standing: Standing): Hint {
  const { away, link, silent, state, code = "", told, wasIgnored, tokenFailed, answered, token } = standing;
  if (link === undefined) return { step: 0, text: "The gateway does not answer; the terminal says why." };
  if (away) {
    return { step: 0, text: "The gateway has no connection now, and what is sent waits for it. Give it back, above." };
  }
  if (link !== "open") {
    return { step: 0, text: "The gateway is connecting again by itself; what was sent meanwhile comes then." };
  }
  if (state === "denied") {
    return {
      step: 2,
      text: "Sam is denied, and nothing that Sam sends is read. To begin anew, as Olga, the owner, send:",
      phone: "olga",
      type: `/remove ${code}`,
    };
  }
  if (state === "pending") {
    const how = told
      ? `On Olga's phone, the owner's, press 👍 under “New sender ${code}”.`
      : "The owner, Olga, is being told.";
    return { step: 2, text: `Sam waits, and has heard nothing. ${how}`, phone: "olga" };
  }
  if (state === "approved" && answered) {
    return {
      step: STEPS,
      text: "That was all of it: nobody was answered before the owner said so. The real thing takes three commands, and a phone with a spare number:",
      commands: REAL_THING,
    };
  }
  if (state === "approved" && silent) {
    return {
      step: 3,
      text: "Sam is a buddy now, and yet nothing goes out: silent mode is on. As Olga, send this (or use the switch on the dashboard):",
      phone: "olga",
      type: "/silent off",
    };
  }
  if (state === "approved") {
    return { step: 4, text: "As Sam, write anything: now the bot answers.", phone: "sam", type: "Hello, who are you?" };
  }
  if (tokenFailed) {
    return {
      step: 1,
      text: "That token did not count: it was replaced, or there were too many wrong guesses. As Olga, let Sam in by number:",
      phone: "olga",
      type: "/approve +15550004000",
    };
  }
  const before = wasIgnored ? "Nothing came back, since Sam is a stranger. " : "";
  return { step: 1, text: `${before}As the stranger, Sam, send the token:`, phone: "sam", type: token };
}
