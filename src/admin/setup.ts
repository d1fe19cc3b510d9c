import PQueue from "p-queue";
import {
  type Access,
  type Contact,
  formatNumber,
  looksLikeNumber,
  noNumber,
  type Owner,
  type Person,
  randomText,
  same,
} from "../access/index.js";
import type { Actor } from "../access/types.js";
import { KafclawError } from "../errors.js";
import { present } from "../present.js";
import { cleanText } from "../text.js";
import type { Me } from "../whatsapp/types.js";
import { ownNumber } from "./decisions.js";
import { resolve } from "./targets.js";
import type { Decider, Gateway } from "./types.js";

/** What the set-up is given; what is absent stays as it is. */
export interface SetupInput {
  /** A phone number, or `self` for the linked account's own number. */
  readonly owner?: string;
  /** Only with an owner on their own number: nothing goes to them before they have sent the code that is given back. */
  readonly confirm?: boolean;
  readonly token?: string;
  readonly generateToken?: boolean;
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

/** What the set-up has done. */
export interface SetupOutcome {
  readonly owner: {
    readonly setup: Owner["setup"];
    readonly number: string;
    readonly confirmed: boolean;
    readonly code?: string;
  } | null;
  /** The token, where it was set or made now. */
  readonly token?: string;
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
  /** What the user should know beside that, one sentence each. */
  readonly remarks: readonly string[];
}

/** Why the owner is locked after `kafclaw owner lock`: that lock is taken off at the machine alone. */
export const LOCKED_AT_MACHINE = "locked at the machine";

/** What the set-up works on. */
export interface SetupParts {
  readonly access: Access;
  readonly admin: {
    readonly decider: Decider;
    readonly notices: { ownerChanged(): Promise<void> };
  };
  readonly gateway: Gateway;
  /** Random bytes, for the confirmation code. */
  readonly random: (size: number) => Uint8Array;
}

/**
 * Sets owner, token, allowlist and denylist (step 2 of the guide). Everything is checked before anything is changed.
 * @throws KafclawError of kind `usage` for what can't be understood, `refused` for what contradicts the lists
 */
export async function setUp(input: SetupInput, parts: SetupParts, by: Actor): Promise<SetupOutcome> {
  const { access, admin } = parts;
  const { decider } = admin;
  const remarks: string[] = [];
  const owner = input.owner === undefined ? undefined : await readOwner(input, parts, remarks);
  const allow = await people(input.allow ?? [], parts);
  const deny = await people(input.deny ?? [], parts);
  check(allow, deny, owner ?? access.owner(), parts.gateway.me());
  if (input.token !== undefined && input.generateToken) {
    throw new KafclawError(
      "wrong-usage",
      "Either a token of your own or a generated one; leave out one of the two.",
      "usage",
    );
  }
  // The token first: it is what is refused most, and nothing is changed before it is accepted.
  if (input.token !== undefined) await access.setToken(input.token, by);
  const token = input.generateToken ? (await access.rotateToken(by)).token : input.token?.trim();
  if (owner) await access.setOwner(owner, by);
  // Also where no gateway runs: what is to be told goes out after the next start.
  if (owner) await admin.notices.ownerChanged();
  for (const target of deny) await decider.deny(target, by);
  const now = access.owner();
  for (const target of allow) if (!now || !same(target, now.person)) await decider.approve(target, by);
  return {
    owner: now ? shownOwner(now) : null,
    ...present({ token }),
    allowed: allow.map(formatNumber),
    denied: deny.map(formatNumber),
    remarks,
  };
}

async function readOwner(
  { owner = "", confirm }: SetupInput,
  { access, gateway, random }: SetupParts,
  remarks: string[],
): Promise<Owner> {
  const me = gateway.me();
  if (owner.trim().toLowerCase() === "self") {
    remarks.push(SELF_REMARK);
    return { setup: "self", person: me ?? {}, confirmed: true };
  }
  const found = await byAddress(owner, { access, gateway });
  const { pn, lid } = found;
  const person: Person = { ...(pn ? { pn } : {}), ...(lid ? { lid } : {}) };
  if ("state" in found && found.state === "denied") {
    throw new KafclawError(
      "denied",
      `${formatNumber(found)} is on the denylist; remove it there first, then make it the owner.`,
    );
  }
  if (me && same(me, person)) {
    remarks.push('That is the linked number itself, so the admin chat is "Message yourself".', SELF_REMARK);
    return { setup: "self", person: me, confirmed: true };
  }
  const before = access.owner();
  if (before?.setup === "own-number" && !before.locked && same(before.person, person)) {
    // The same owner again: what is known of them stays.
    if (before.confirmed || confirm) return before;
    const { confirmCode: _, ...known } = before;
    return { ...known, confirmed: true };
  }
  if (!confirm) {
    return { setup: "own-number", person, confirmed: true };
  }
  return {
    setup: "own-number",
    person,
    confirmed: false,
    confirmCode: randomText(random, CONFIRM_LENGTH, CONFIRM_ALPHABET),
  };
}

/** The set-up takes addresses alone: names are what senders call themselves. */
async function byAddress(text: string, parts: Pick<SetupParts, "access" | "gateway">): Promise<Contact | Person> {
  if (looksLikeNumber(text) || text.includes("@")) return resolve(text, parts);
  throw noNumber(text);
}

/** Of a long list, so many numbers at a time are asked about: WhatsApp takes a burst of questions for an attack. */
const ASKED_AT_ONCE = 4;
/** So many wrong numbers of a list are told at once. */
const MOST_TOLD = 10;

/** Whom a list names. @throws KafclawError that says of each wrong number what is wrong with it */
async function people(list: readonly string[], parts: SetupParts): Promise<readonly (Contact | Person)[]> {
  const questions = new PQueue({ concurrency: ASKED_AT_ONCE });
  const found = await Promise.allSettled(list.map((text) => questions.add(() => byAddress(text, parts))));
  const wrong = found.flatMap((each): unknown[] => (each.status === "rejected" ? [each.reason] : []));
  const [first] = wrong;
  if (first === undefined) return found.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  if (!(first instanceof KafclawError)) throw first;
  const told = [...new Set(wrong.flatMap((error) => (error instanceof KafclawError ? [error.message] : [])))];
  const more = told.length > MOST_TOLD ? [`${told.length - MOST_TOLD} more are wrong.`] : [];
  throw new KafclawError(first.code, [...told.slice(0, MOST_TOLD), ...more].join(" "), first.kind);
}

/** The code that the owner types once: digits and consonants that can't be mistaken for each other. */
const CONFIRM_ALPHABET = "23456789CDFGHJKMNPQRTVWXZ";
const CONFIRM_LENGTH = 6;

const SELF_REMARK =
  "WhatsApp does not ring for messages to yourself: look into that chat now and then, or give the bot a number of its own.";

/** The two lists may not contradict each other, the denylist as it is, or the owner, nor name the bot itself. */
function check(
  allow: readonly (Contact | Person)[],
  deny: readonly (Contact | Person)[],
  owner: Owner | undefined,
  me: Me | undefined,
): void {
  // In self-chat the bot's number is the owner's too, and the rules for the owner hold.
  const isNamed = me !== undefined && owner?.setup !== "self" && [...allow, ...deny].some((target) => same(target, me));
  if (isNamed) throw ownNumber(me);
  for (const target of allow) {
    if (deny.some((other) => same(other, target))) {
      throw new KafclawError(
        "contradiction",
        `${formatNumber(target)} is to be allowed and to be denied; name it once.`,
        "usage",
      );
    }
    if ("state" in target && target.state === "denied") {
      throw new KafclawError(
        "denied",
        `${formatNumber(target)} (${cleanText(target.name, 64) || "no name"}, ${target.code}) is denied: remove it first (kafclaw remove ${target.code}), then allow it.`,
      );
    }
  }
  const denied = owner && deny.find((target) => same(target, owner.person));
  if (denied) throw new KafclawError("owner", `${formatNumber(denied)} is the owner, who can't be denied.`);
}

function shownOwner(owner: Owner): NonNullable<SetupOutcome["owner"]> {
  const { setup, person, confirmed, confirmCode } = owner;
  const number = setup === "self" && !person.pn ? "the linked number" : formatNumber(person);
  return { setup, number, confirmed, ...present({ code: confirmCode }) };
}

/**
 * `kafclaw owner lock|set`, at the machine alone: for the lost phone and the new number.
 * @returns what was done, in one sentence
 */
export async function changeOwner(
  input: { readonly owner?: string; readonly lock?: boolean },
  parts: SetupParts,
  by: Actor,
): Promise<string> {
  const { access } = parts;
  if (input.lock) {
    const owner = access.owner();
    if (!owner) throw new KafclawError("no-owner", "No owner is set; set one with kafclaw owner set <number>.");
    await access.setOwner({ ...owner, locked: LOCKED_AT_MACHINE }, by);
    const whose = owner.person.pn === undefined ? "the owner" : formatNumber(owner.person);
    const again = owner.setup === "self" ? "self" : "<number>";
    return `Commands from ${whose} are stopped. To confirm the owner again: kafclaw owner set ${again}`;
  }
  const { owner, remarks } = await setUp(present({ owner: input.owner }), parts, by);
  if (!owner) throw new KafclawError("no-owner", "Name the owner: kafclaw owner set <number>", "usage");
  return [`The owner is ${owner.number}.`, ...remarks].join(" ");
}
