import { formatNumber, type Person, same } from "../access/identity.js";
import type { Outcome } from "../access/index.js";
import type { Contact } from "../access/types.js";
import { KafclawError } from "../errors.js";
import { present } from "../present.js";
import { Releases, type ReleasesParts } from "./releases.js";
import type { Decided, Decider, Gateway } from "./types.js";

/** What the decider needs. */
export interface DeciderParts extends ReleasesParts {
  readonly gateway: Gateway;
}

/** A decider that can be started, stopped, and told that the link is open. */
export interface RunningDecider extends Decider {
  /** Takes up what a crash or an offline command left to do. Call before messages are handled. */
  start(): Promise<void>;
  /** Blocks and unblocks whom it couldn't before. */
  linkOpened(): Promise<void>;
  stop(): void;
}

/** Makes the one {@link Decider} of a gateway. */
export function createDecider(parts: DeciderParts): RunningDecider {
  const { access, gateway, log } = parts;
  const releases = new Releases(parts);

  /** Tells WhatsApp whether a contact is blocked; what it is not told now is told when the link opens. */
  const tellBlock = async (contact: Contact): Promise<boolean> => {
    const isDone = await gateway.block(contact, contact.blocked === true).catch((error: unknown) => {
      log.error({ err: error, code: contact.code }, "WhatsApp did not change the block");
      return false;
    });
    if (isDone) await access.blockTold(contact);
    return isDone;
  };

  const decided = async (outcome: Outcome, trace?: NonNullable<Decided["trace"]>): Promise<Decided> => {
    const { contact } = outcome;
    const traced = { outcome, ...present({ trace }) };
    return contact.blockDue ? { ...traced, blocking: await tellBlock(contact) } : traced;
  };

  const refuseOwnNumber = (target: Contact | Person): void => {
    const me = gateway.me();
    // In self-chat it is the owner's too, and the rules for the owner hold.
    if (me === undefined || access.owner()?.setup === "self" || !same(me, target)) return;
    throw ownNumber(me);
  };

  return {
    follow: (outcome) => releases.follow(outcome),
    async approve(target, by, options) {
      refuseOwnNumber(target);
      const outcome = await access.approve(target, by, options);
      // The same order again may find it approved just now, and what a full disk kept from following follows now.
      const { decision } = outcome;
      if (decision.action === "approve" && releases.isRecent(decision)) await releases.followPatiently(outcome);
      return decided(outcome);
    },
    async deny(target, by, options) {
      refuseOwnNumber(target);
      const outcome = await access.deny(target, by, options);
      await releases.takeBack(outcome.contact);
      return decided(outcome);
    },
    async remove(target, by, options) {
      const outcome = await access.remove(target, by, options);
      await releases.takeBack(outcome.contact);
      return decided(outcome);
    },
    async undo(by, decisionId) {
      const outcome = await access.undo(by, decisionId);
      const { contact } = outcome;
      if (contact.state !== "approved") return decided(outcome, await releases.takeBack(contact));
      await releases.followAgain(outcome);
      return decided(outcome, "none");
    },
    start: () => releases.start(),
    catchUp: (contact) => releases.catchUp(contact),
    released: (contact, stop) => releases.released(contact, stop),
    async linkOpened() {
      for (const contact of access.blocksDue()) await tellBlock(contact);
    },
    stop: () => releases.stop(),
  };
}

/** The refusal of a decision about the linked account itself. */
export function ownNumber(me: Person): KafclawError {
  return new KafclawError(
    "own-number",
    `${formatNumber(me)} is the bot's own number: it talks to others, not to itself.`,
  );
}
