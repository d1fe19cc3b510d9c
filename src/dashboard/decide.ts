/** Decisions about somebody as a page or a program was shown them, which may be older than the book. */
import { type Access, type Actor, type Contact, lastChange, nameOrNumber } from "../access/index.js";
import { type Admin, type CommandResult, stateName, whatHappened } from "../admin/index.js";
import type { LoadedConfig } from "../config.js";
import { own, say } from "../text.js";
import { contactData } from "./people.js";

/** What is decided over. */
interface DecidingParts {
  readonly access: Access;
  readonly admin: Pick<Admin, "decide">;
  readonly settings: LoadedConfig;
  readonly clock: () => number;
}

/** What is wished for about somebody, and how they were shown. */
export interface Wish {
  /** One of {@link WISHES}. */
  readonly do: string;
  readonly code: string;
  readonly state: string;
  /** The pending episode, where they were shown as pending. */
  readonly episode?: number;
}

/** What can be decided, and the state in which each leaves somebody. */
export const WISHES = [
  { name: "approve", leadsTo: "approved", order: { kind: "approve" } },
  { name: "deny", leadsTo: "denied", order: { kind: "deny" } },
  { name: "block", leadsTo: "denied", order: { kind: "deny", block: true } },
  { name: "remove", leadsTo: "stranger", order: { kind: "remove" } },
] as const;

/** What is answered to a form that no button of ours sends. */
export const NOT_SAID = "The form did not say what to do; nothing changed. Use the buttons of this page.";

/** Decides, where somebody is still as they were shown. */
export async function decideAsShown(parts: DecidingParts, wish: Wish, by: Actor): Promise<CommandResult> {
  const contact = parts.access.byCode(wish.code);
  if (contact === undefined) {
    const message = own("Nobody has that code any more; the lists show who is there now.");
    return { ok: false, message, error: { code: "unknown-reference", kind: "refused" } };
  }
  const known = WISHES.find(({ name }) => name === wish.do);
  if (known === undefined) {
    return { ok: false, message: own(NOT_SAID), error: { code: "bad-request", kind: "usage" } };
  }
  const { state, episode } = contact;
  const isPending = state === "pending";
  const isOld = wish.state !== state || (isPending && wish.episode !== episode);
  const isSo = state === known.leadsTo && (known.name !== "block" || contact.blocked === true);
  if (isOld) return changed(parts, contact, isSo);
  const { order } = known;
  // Asked again in the decision's turn: another page may be quicker.
  return parts.admin.decide({ ...order, contact, expect: isPending ? { episode } : { state } }, by);
}

/**
 * What has become of somebody since they were shown. The same wish a second time finds what the first one did.
 * @param ok it is what was wished for
 */
function changed({ clock, settings }: DecidingParts, contact: Contact, ok: boolean): CommandResult {
  const last = lastChange(contact);
  const name = nameOrNumber(contact);
  const what = last && whatHappened(last, clock(), settings.config.timezone);
  const since = what ?? own("changed since");
  const now = stateName(contact.state);
  const data = [contactData(contact)];
  if (ok) return { ok, message: say`${name} (${contact.code}) is ${now} already (${since}).`, data };
  return {
    ok,
    message: say`Nothing changed: ${name} (${contact.code}) is ${now} by now (${since}); what you were shown is older.`,
    data,
    error: { code: "already-decided", kind: "refused" },
  };
}
