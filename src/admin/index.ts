/**
 * WHAT the owner can do: the face of this folder. {@link createAdmin} makes the admin chat, the notices and the commands
 * over one book of contacts; every door (chat, command line, dashboard) runs the same commands and the same decider.
 */
import type { Access, Clock, Expected, Learned, Outcome } from "../access/index.js";
import type { Actor, Contact, Invite } from "../access/types.js";
import { MINUTE, type Scheduler } from "../clock.js";
import type { QuietHours } from "../config.js";
import { KafclawError } from "../errors.js";
import { own, say } from "../text.js";
import type { Inbound, Outbox } from "../whatsapp/types.js";
import { AdminChat } from "./chat.js";
import { approveOne } from "./commands/approve.js";
import { LOGIN_SECRET } from "./commands/dashboard.js";
import { denyOne } from "./commands/deny.js";
import { inviteSecret } from "./commands/invite.js";
import { removeOne } from "./commands/remove.js";
import { undone } from "./commands/undo.js";
import { createDecider } from "./decisions.js";
import { Notices } from "./notices.js";
import type { Records } from "./records.js";
import { findCommand, nearestCommand } from "./registry.js";
import { Secrets } from "./secrets.js";
import { type Done, refusal, together } from "./targets.js";
import type { CommandContext, CommandResult, Decider, Gateway } from "./types.js";

export { AS_TYPED, isNegative } from "./arguments.js";
export { inviteLink } from "./commands/invite.js";
export type { AdminRecord } from "./records.js";
export { commands, commandTable } from "./registry.js";
export { type Answer, answerOf, answerOfSetup } from "./report.js";
export { changeOwner, LOCKED_AT_MACHINE, type SetupInput, type SetupOutcome, setUp } from "./setup.js";
export { createSilentMode } from "./silent.js";
export type * from "./types.js";
export { count, doorOf, formatDuration, formatTime, stateName, viaOf, whatHappened } from "./words.js";

/** How often pending entries and invites are looked through for those that are due. */
const TICK_MS = 10 * MINUTE;

/** What the owner's side is made of. */
export interface AdminParts {
  readonly access: Access;
  readonly gateway: Gateway;
  /** Absent when no gateway runs: commands then work on the files, and what follows from them waits for the start. */
  readonly outbox?: Outbox;
  /** The settings file, opened as `store.open<AdminRecord>("settings")`. */
  readonly settings: Records;
  readonly clock: Clock;
  /** WhatsApp's time, by which the age of an order is measured. */
  readonly serverNow: Clock;
  readonly scheduler: Scheduler;
  /** IANA name, `Europe/Berlin`. */
  readonly timezone: string;
  /** What an approved sender is told; "" for nothing. */
  readonly greeting: string;
  /** `approve.grace` in milliseconds. */
  readonly graceMs: number;
  /** `notices.quiet`, where set. */
  readonly quiet?: QuietHours | undefined;
  readonly log: { error(details: object, message: string): void; warn(details: object, message: string): void };
}

/** What the owner is told on a message's way through the house. */
export interface AdminTellings {
  entered(contact: Contact, message: { text: string; at: number }): Promise<void>;
  /** Also sees to what follows from the approval. */
  autoApproved(outcome: Outcome, invite: Invite): Promise<void>;
  queueFull(): Promise<void>;
  learned(learned: Learned): Promise<void>;
  /** The owner has sent the code of the set-up, and `confirm` is to put that on record: the admin chat begins. */
  ownerConfirmed(name: string, confirm: () => Promise<void>): Promise<void>;
  stuck(journalId: string, reason: string): Promise<void>;
}

/** A decision about one contact, as a page that shows the contact makes it. */
export type Order =
  /** `expect`: what the page showed; the order is refused when that is over. */
  | { readonly kind: "approve"; readonly contact: Contact; readonly expect?: Expected }
  | { readonly kind: "deny"; readonly contact: Contact; readonly expect?: Expected; readonly block?: boolean }
  | { readonly kind: "remove"; readonly contact: Contact; readonly expect?: Expected }
  | { readonly kind: "undo"; readonly decisionId: string };

/** The owner's side of a gateway. */
export interface Admin {
  /** Takes the owner's messages. Without an outbox nothing is taken. */
  readonly chat: { handle(message: Inbound): Promise<void> };
  readonly notices: Notices;
  readonly tell: AdminTellings;
  /** Decides with all consequences; for doors that don't go through {@link Admin.run}. */
  readonly decider: Decider;
  /**
   * Runs a command for the command line or the local API. Refusals are results; so are failures, with
   * `error.kind: "failed"`.
   */
  run(name: string, args: readonly string[], by: Actor): Promise<CommandResult>;
  /** Decides about one contact, in the words of the commands. Refusals and failures are results, as with {@link Admin.run}. */
  decide(order: Order, by: Actor): Promise<CommandResult>;
  /** A login link was used: the message that shows it is deleted. */
  loginUsed(): Promise<void>;
  /** Takes up what the last run left to do. Call before messages are handled. */
  start(): Promise<void>;
  /** Sends what waited for the link. Call each time it opens. */
  linkOpened(): Promise<void>;
  stop(): Promise<void>;
}

/** Makes the admin side of a gateway, or of the files of one that is not running. */
export function createAdmin(parts: AdminParts): Admin {
  const { access, gateway, outbox, settings: records, clock, serverNow, scheduler, timezone, log } = parts;
  const secrets = new Secrets({ records, outbox, clock, scheduler, log });
  const decider = createDecider({ ...parts, outbox, records });
  const notices = new Notices({ ...parts, outbox, quiet: parts.quiet, records });
  const chat =
    outbox &&
    new AdminChat({ access, gateway, decider, notices, secrets, outbox, records, clock, serverNow, timezone });
  let cancelTick = (): void => {};

  const tick = async (): Promise<void> => {
    cancelTick = scheduler.at(clock() + TICK_MS, () => void tick());
    try {
      await access.tick(async ({ expired, expiring }) => {
        await notices.expired(expired);
        await notices.expiring(expiring);
      });
    } catch (error) {
      log.error({ err: error }, "due entries could not be looked through; tried again in 10 minutes");
    }
  };

  /** An invite that was used is a secret no more. */
  const invitationUsed = async (contact: Contact): Promise<void> => {
    if (contact.via?.kind === "invite") await secrets.void(inviteSecret(contact.via.inviteId));
  };

  const tell: AdminTellings = {
    async entered(contact, message) {
      await invitationUsed(contact);
      await notices.entered(contact, message);
    },
    async autoApproved(outcome, invite) {
      await decider.follow(outcome);
      await secrets.void(inviteSecret(invite._id));
      await notices.autoApproved(outcome, invite);
    },
    queueFull: () => notices.queueFull(),
    async learned(learned) {
      if (learned.kind === "merged") await decider.catchUp(learned.contact);
      await notices.learned(learned);
    },
    async ownerConfirmed(name, confirm) {
      await notices.ownerNamed(name);
      // In this order: the welcome waits until there is a confirmed owner, and no crash comes between the two.
      await notices.ownerConfirmed();
      await confirm();
      await notices.flush();
    },
    stuck: (journalId, reason) => notices.stuck(journalId, reason),
  };

  const contextOf = (by: Actor): CommandContext => ({
    access,
    decider,
    gateway,
    clock,
    door: by.door,
    by,
    timezone,
  });

  return {
    chat: { handle: async (message) => chat?.handle(message) },
    notices,
    tell,
    decider,
    async run(name, args, by) {
      const command = findCommand(name);
      if (command === undefined) {
        const near = nearestCommand(name);
        const hint = own(near === undefined ? "help lists them." : `Did you mean ${near}?`);
        return refusal("unknown-command", say`There is no command ${name}. ${hint}`, "usage");
      }
      return answered(async () => {
        const result = await command.run(args, contextOf(by));
        for (const secret of result.voids ?? []) await secrets.void(secret);
        return result;
      });
    },
    decide: (order, by) => answered(async () => together([await carryOut(order, contextOf(by))])),
    async loginUsed() {
      await secrets.void(LOGIN_SECRET).catch((error: unknown) => {
        log.error({ err: error }, "the message with the login link could not be deleted; it is when the link is over");
      });
    },
    async start() {
      await decider.start();
      await secrets.start();
      await tick();
      await notices.flush();
    },
    async linkOpened() {
      await decider.linkOpened();
      await notices.flush();
    },
    async stop() {
      cancelTick();
      decider.stop();
      secrets.stop();
      await notices.stop();
    },
  };
}

function carryOut(order: Order, context: CommandContext): Promise<Done> {
  switch (order.kind) {
    case "approve":
      return approveOne(order.contact, context, order.expect);
    case "deny":
      return denyOne(order.contact, context, order);
    case "remove":
      return removeOne(order.contact, context, order.expect);
    case "undo":
      return context.decider.undo(context.by, order.decisionId).then((decided) => undone(decided, context));
  }
}

/** A refusal is an answer, too. */
async function answered(work: () => Promise<CommandResult>): Promise<CommandResult> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof KafclawError)) throw error;
    return { ok: false, message: say`${error.message}`, error: { code: error.code, kind: error.kind } };
  }
}
