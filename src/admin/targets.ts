/** Finding whom a command means, and doing something to each of them, all or nothing per reference. */
import { formatNumber, type Person } from "../access/identity.js";
import { lastChange, type Scope } from "../access/index.js";
import type { Contact, ContactState, Decision } from "../access/types.js";
import { KafclawError } from "../errors.js";
import { type Message, own, say } from "../text.js";
import { references, type Typed } from "./arguments.js";
import type { CommandContext, CommandResult } from "./types.js";
import { label, labels, stack, whatHappened } from "./words.js";

/** What was done to one target. */
export interface Done {
  readonly message: Message;
  readonly data?: unknown;
  /** False where it was refused. */
  readonly ok?: boolean;
  /** Why it was refused, where the rules refuse it. */
  readonly error?: KafclawError;
}

/** A refusal as a result, so that it keeps none of the others from it. @throws what is a failure (full disk, say) */
export function refused(error: unknown): Done {
  if (!(error instanceof KafclawError) || error.kind === "failed") throw error;
  return { ok: false, message: say`${error.message}`, error };
}

/**
 * Resolves each reference and acts on it; a reference that fails changes nothing and doesn't keep the others from it.
 * A failure (full disk, say) stops the whole.
 * @param states whose names are considered; and only where nobody fits, those in the states `others`
 */
export async function eachReference(
  words: readonly string[],
  context: CommandContext,
  states: readonly ContactState[],
  act: (target: Contact | Person) => Promise<Done>,
  others: readonly ContactState[] = [],
): Promise<CommandResult> {
  const results: Done[] = [];
  const seen = new Set<string>();
  for (const typed of references(words)) {
    try {
      for (const target of await targetsAmong(typed, context, states, others)) {
        const id = `${target.pn} ${target.lid}`;
        if (!seen.has(id)) results.push(await act(target));
        seen.add(id);
      }
    } catch (error) {
      results.push(refused(error));
    }
  }
  return together(results);
}

/** Whom the references name as far as the book alone tells; `undefined` for each that it can't tell. Asks nobody. */
export function resolvedNow(
  words: readonly string[],
  context: CommandContext,
  states: readonly ContactState[],
): readonly (Contact | Person | undefined)[] {
  const scope = scopeOf(context, states);
  const find = (text: string): Contact | Person | undefined => {
    try {
      return context.access.resolve(text, scope);
    } catch {
      return undefined;
    }
  };
  return references(words).flatMap((typed) => {
    if (typed.kind === "one") return [find(typed.text)];
    const whole = find(typed.words.join(" "));
    return whole === undefined ? typed.words.map(find) : [whole];
  });
}

/** Whether a target is in the book, not just somebody's address. */
export function isContact(target: Contact | Person): target is Contact {
  return "code" in target;
}

/** One result out of several. */
export function together(results: readonly Done[]): CommandResult {
  const data = results.flatMap((result) => (result.data === undefined ? [] : [result.data]));
  const error = results.find((result) => result.error !== undefined)?.error;
  return {
    ok: results.every((result) => result.ok !== false),
    message: stack(results.map((result) => result.message)),
    data,
    ...(error === undefined ? {} : { error: { code: error.code, kind: error.kind } }),
  };
}

/** A refusal in the bot's own words. */
export function refusal(code: string, message: Message, kind: "usage" | "refused" = "refused"): CommandResult {
  return { ok: false, message, error: { code, kind } };
}

/** One reference, as one contact or person. @throws KafclawError as `Access.resolve` */
export async function target(
  words: readonly string[],
  context: CommandContext,
  states: readonly ContactState[],
): Promise<Contact | Person> {
  const [typed, ...more] = references(words);
  const [found, ...others] =
    typed === undefined || more.length > 0 ? [] : await targetsOf(typed, context, scopeOf(context, states));
  if (found === undefined || others.length > 0) {
    throw new KafclawError("one-only", "Name one sender at a time, by code, number or name.", "usage");
  }
  return found;
}

/** The pending senders that a command without a code may mean: in the chat only those whose notice the owner has seen. */
export function considered({ access, shown, by }: CommandContext): readonly Contact[] {
  const pending = access.list("pending").filter((contact) => shown === undefined || shown.has(contact._id));
  // A command that a crash cut short and that comes again means those whom it decided about before, too.
  const before = [...access.list("approved"), ...access.list("denied")].filter(
    (contact) => by.cause !== undefined && lastChange(contact)?.by.cause === by.cause,
  );
  return [...before, ...pending];
}

/** Who is meant where the command names nobody: the quoted one, or the only one pending. */
export function implied(verb: string, context: CommandContext): Contact | CommandResult {
  if (context.quoted !== undefined) return context.quoted;
  if (context.unquotable !== undefined) return refusal("quote", context.unquotable);
  const waiting = considered(context);
  const [only] = waiting;
  if (only === undefined) return nobody(context);
  const name = verb.toLowerCase();
  if (waiting.length === 1) {
    const other = decidedMeanwhile(context);
    if (other === undefined) return only;
    return refusal(
      "ambiguous",
      say`${own(verb)} whom? ${label(other.contact)} waited, too, when you wrote that, and ${whatHappened(other.decision, context.clock(), context.timezone)}. /${own(name)} ${own(only.code)} is ${label(only)}.`,
    );
  }
  return refusal(
    "ambiguous",
    say`${own(verb)} whom? ${labels(waiting)} are pending: /${own(name)} and a code, say /${own(name)} ${own(only.code)}.`,
  );
}

/** Somebody who still waited when the order was sent, and about whom was decided since, in no order of this chat. */
function decidedMeanwhile({ access, sentAt }: CommandContext): { contact: Contact; decision: Decision } | undefined {
  if (sentAt === undefined) return undefined;
  for (const state of ["approved", "denied", "stranger"] as const) {
    for (const contact of access.list(state)) {
      const decision = lastChange(contact);
      const isElsewhere = decision !== undefined && decision.from === "pending" && decision.by.door !== "whatsapp";
      if (isElsewhere && decision.at > sentAt && contact.history.some(({ at }) => at <= sentAt))
        return { contact, decision };
    }
  }
  return undefined;
}

/** Why there is nobody to decide on, though somebody may be pending whom the owner hasn't been told of. */
export function nobody(context: CommandContext): CommandResult {
  const pending = context.access.counts().pending;
  if (pending === 0)
    return refusal("nobody-pending", say`Nobody is pending. /missed shows strangers who wrote without the token.`);
  return refusal("not-shown", say`Nobody is pending whose notice reached you before this: /pending shows who waits.`);
}

/** In the chat a pending sender is known by the name that the notice showed, whatever they call themselves by now. */
function scopeOf(context: CommandContext, states: readonly ContactState[]): Scope {
  const { shown, access } = context;
  if (shown === undefined) return { states };
  const names = new Map(shown);
  for (const state of states) {
    if (state === "pending") continue;
    for (const contact of access.list(state)) names.set(contact._id, contact.name);
  }
  return { states, shown: names };
}

async function targetsAmong(
  typed: Typed,
  context: CommandContext,
  states: readonly ContactState[],
  others: readonly ContactState[],
): Promise<(Contact | Person)[]> {
  try {
    return await targetsOf(typed, context, scopeOf(context, states));
  } catch (error) {
    if (!isUnknown(error)) throw error;
    return targetsOf(typed, context, scopeOf(context, others)).catch(() => Promise.reject(error));
  }
}

async function targetsOf(typed: Typed, context: CommandContext, scope: Scope): Promise<(Contact | Person)[]> {
  if (typed.kind === "one") return [await resolve(typed.text, context, scope)];
  const whole = typed.words.join(" ");
  try {
    return [await resolve(whole, context, scope)];
  } catch (error) {
    if (!isUnknown(error)) throw error;
    // Each of several names has to be somebody; a half-known list is more likely one name, mistyped.
    const found: (Contact | Person)[] = [];
    for (const word of typed.words) {
      try {
        found.push(await resolve(word, context, scope));
      } catch (problem) {
        throw isUnknown(problem) ? error : problem;
      }
    }
    return found;
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof KafclawError && error.code === "unknown-reference";
}

/**
 * Whom a text means. A number that nobody here has is asked of WhatsApp, which knows Brazil's ninth digit and the like.
 * @throws KafclawError `not-on-whatsapp`, and what `Access.resolve` throws
 */
export async function resolve(
  text: string,
  { access, gateway }: Pick<CommandContext, "access" | "gateway">,
  scope: Scope = {},
): Promise<Contact | Person> {
  const found = access.resolve(text, scope);
  if (isContact(found) || found.pn === undefined) return found;
  const canonical = await gateway.onWhatsApp(found.pn);
  if (canonical === null) {
    throw new KafclawError("not-on-whatsapp", `${formatNumber(found)} is not on WhatsApp: check the number.`);
  }
  if (canonical === undefined) return found;
  const known = access.resolve(canonical.pn ?? canonical.lid ?? found.pn, scope);
  // Whoever is not here yet is kept under both addresses: today most people write under their LID alone.
  return isContact(known) ? known : canonical;
}
