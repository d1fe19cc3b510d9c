import type { Person } from "../access/identity.js";
import type { Access, Clock, Outcome } from "../access/index.js";
import type { Contact } from "../access/types.js";
import type { Outbox } from "../whatsapp/types.js";
import { allOf, type BlockRecord, type Records, type ReleaseRecord } from "./records.js";
import type { Scheduler } from "./schedule.js";
import type { Decided, Decider, Gateway } from "./types.js";

/** How long a decision can be taken back; after that, what was done about it is forgotten. */
const UNDO_WINDOW_MS = 10 * 60_000;

/** What the decider needs. */
export interface DeciderParts {
  readonly access: Access;
  readonly gateway: Gateway;
  /** Absent when no gateway runs: what follows from a decision then happens at the next start. */
  readonly outbox?: Outbox | undefined;
  readonly records: Records;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** What an approved sender is told; "" for nothing. */
  readonly greeting: string;
  /** How long greeting and held messages wait, so that an undo at once leaves no trace with the buddy. */
  readonly graceMs: number;
  readonly log: { error(details: object, message: string): void };
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
  const { access, gateway, outbox, records, clock, scheduler, greeting, graceMs, log } = parts;
  const timers = new Map<string, () => void>();

  const jobId = (person: Person): string => `release:${person.pn ?? person.lid}`;
  const keyOf = (decisionId: string): string => `greet:${decisionId}`;

  const jobOf = async (person: Person): Promise<ReleaseRecord | undefined> => {
    for (const address of [person.pn, person.lid]) {
      const found = address === undefined ? undefined : await records.get(`release:${address}`);
      if (found?.kind === "release") return found;
    }
    return undefined;
  };

  /** Puts the greeting into the outbox and waits out the grace. */
  const arm = async (job: ReleaseRecord, contact: Contact): Promise<void> => {
    const { decisionId, due } = job;
    if (outbox === undefined || decisionId === undefined || due === undefined) return;
    if (greeting !== "") {
      await outbox.post({
        kind: "text",
        to: personOf(contact),
        text: greeting,
        key: keyOf(decisionId),
        notBefore: due,
        ...(contact.chat === undefined ? {} : { address: contact.chat }),
      });
    }
    timers.get(job._id)?.();
    timers.set(
      job._id,
      scheduler.at(due, () => {
        timers.delete(job._id);
        void release(job).catch((error: unknown) => log.error({ err: error }, "held messages could not be handled"));
      }),
    );
  };

  const release = async (job: ReleaseRecord): Promise<void> => {
    const contact = access.find(job.person);
    const greeted = greeting !== "" && !gateway.silent.on();
    if (contact?.state === "approved") await gateway.release(contact, job.held ?? []);
    await records.put({ ...job, state: "done", greeted });
  };

  const follow = async (outcome: Outcome): Promise<void> => {
    const { contact, decision, released } = outcome;
    const job: ReleaseRecord = {
      _id: jobId(contact),
      kind: "release",
      state: "waiting",
      person: personOf(contact),
      at: decision.at,
      decisionId: decision.id,
      due: clock() + graceMs,
      held: released,
    };
    await records.put(job);
    await arm(job, contact);
  };

  /** Takes back what an approval has not done yet, and tells what it has done. */
  const takeBack = async (contact: Contact): Promise<NonNullable<Decided["trace"]>> => {
    const job = await jobOf(contact);
    if (job === undefined) return "none";
    timers.get(job._id)?.();
    timers.delete(job._id);
    if (job.decisionId !== undefined) await outbox?.cancel(keyOf(job.decisionId));
    await records.remove([job._id]);
    if (job.state !== "done") return "none";
    const handled = (job.held ?? []).length > 0;
    if (job.greeted) return handled ? "greeting and handled" : "greeting";
    return handled ? "handled" : "none";
  };

  const setBlocked = async (contact: Contact, blocked: boolean): Promise<boolean> => {
    const _id = `block:${contact._id}`;
    const record: BlockRecord = { _id, kind: "block", contactId: contact._id, blocked };
    // Written first: whatever happens now, it is done when the link is there.
    await records.put(record);
    const done = await gateway.block(contact, blocked).catch((error: unknown) => {
      log.error({ err: error, code: contact.code }, "WhatsApp did not change the block");
      return false;
    });
    if (done) await records.remove([_id]);
    return done;
  };

  const approve: Decider["approve"] = async (target, by, options) => {
    const person = personOf(target);
    const job = await jobOf(target);
    const isNew = job === undefined || job.state === "done";
    const deciding: ReleaseRecord = { _id: jobId(person), kind: "release", state: "deciding", person, at: clock() };
    if (isNew) await records.put(deciding);
    const restore = async (): Promise<void> => {
      if (!isNew) return;
      if (job === undefined) await records.remove([deciding._id]);
      else await records.put(job);
    };
    try {
      const outcome = await access.approve(target, by, options);
      if (outcome.unchanged) await restore();
      else await follow(outcome);
      return { outcome };
    } catch (error) {
      await restore().catch(() => {});
      throw error;
    }
  };

  const deny: Decider["deny"] = async (target, by, options) => {
    const outcome = await access.deny(target, by, options);
    await takeBack(outcome.contact);
    return options?.block ? { outcome, blocking: await setBlocked(outcome.contact, true) } : { outcome };
  };

  const remove: Decider["remove"] = async (target, by) => {
    const wasBlocked = known(access, target)?.blocked === true;
    const outcome = await access.remove(target, by);
    await takeBack(outcome.contact);
    return wasBlocked ? { outcome, blocking: await setBlocked(outcome.contact, false) } : { outcome };
  };

  const undo: Decider["undo"] = async (by, decisionId) => {
    const blocked = new Set(access.list("denied").flatMap((contact) => (contact.blocked ? [contact._id] : [])));
    const outcome = await access.undo(by, decisionId);
    const { contact, decision } = outcome;
    const trace = decision.from === "approved" ? await takeBack(contact) : "none";
    const isBlocked = contact.blocked === true;
    if (outcome.unchanged || blocked.has(contact._id) === isBlocked) return { outcome, trace };
    return { outcome, trace, blocking: await setBlocked(contact, isBlocked) };
  };

  return {
    approve,
    deny,
    remove,
    undo,
    follow,
    async start() {
      for (const job of await allOf(records, "release")) {
        const contact = access.find(job.person);
        const last = contact?.history.findLast((decision) => decision.action === "approve");
        if (job.state === "waiting" && contact?.state === "approved") await arm(job, contact);
        else if (job.state === "deciding" && contact?.state === "approved" && last && last.at >= job.at) {
          const held = contact.before?.decision === last.id ? contact.before.held : contact.held;
          await records.remove([job._id]);
          await follow({ contact, decision: last, unchanged: false, released: held });
        } else if (job.state !== "done" || clock() - job.at > UNDO_WINDOW_MS) await records.remove([job._id]);
      }
    },
    async linkOpened() {
      for (const record of await allOf(records, "block")) {
        const contact = access.byId(record.contactId);
        if (contact === undefined) await records.remove([record._id]);
        else await setBlocked(contact, record.blocked);
      }
    },
    stop() {
      for (const cancel of timers.values()) cancel();
      timers.clear();
    },
  };
}

function personOf(target: Contact | Person): Person {
  const { pn, lid } = target;
  return { ...(pn === undefined ? {} : { pn }), ...(lid === undefined ? {} : { lid }) };
}

function known(access: Access, target: Contact | Person): Contact | undefined {
  return "code" in target ? access.byId(target._id) : access.find(target);
}
