/** What became of a command, for people and for programs: what the API answers, and what the command line shows. */
import type { KafclawError } from "../errors.js";
import { renderPlain } from "../text.js";
import type { SetupOutcome } from "./setup.js";
import type { CommandResult } from "./types.js";

/** What became of a command. */
export interface Answer {
  readonly ok: boolean;
  /** For people: one or more lines of plain text. */
  readonly text: string;
  /** For programs. */
  readonly data: unknown;
  /** Why it was not done: `usage` is wrong input, `refused` a rule or a state, `failed` the machine. */
  readonly error: { readonly code: string; readonly kind: KafclawError["kind"] } | null;
}

/** The answer of an admin command. */
export function answerOf({ ok, message, data, error }: CommandResult): Answer {
  const why = ok ? null : { code: error?.code ?? "refused", kind: error?.kind ?? "refused" };
  return { ok, text: renderPlain(message), data: data ?? null, error: why };
}

/** The answer to a set-up that was done. */
export function answerOfSetup(outcome: SetupOutcome): Answer {
  const { owner, token, allowed, denied, remarks } = outcome;
  const lines = [
    owner === null
      ? "Owner: none yet, so nobody can command the bot; --owner names one."
      : `Owner: ${owner.number}${owner.setup === "self" ? ', commands by "Message yourself"' : ""}`,
    ...(token === undefined ? [] : [`Pairing token: ${token} (share it only with people you know)`]),
    ...(allowed.length === 0 ? [] : [`Allowed: ${allowed.join(", ")}`]),
    ...(denied.length === 0 ? [] : [`Denied: ${denied.join(", ")}`]),
    ...remarks,
    ...(owner?.code === undefined ? [] : [`To confirm, send ${owner.code} from ${owner.number} to the bot's number.`]),
  ];
  return { ok: true, text: lines.join("\n"), data: outcome, error: null };
}
