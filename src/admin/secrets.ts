import type { Lid, Person, Pn } from "../access/identity.js";
import type { Clock } from "../access/index.js";
import { MINUTE, type Scheduler } from "../clock.js";
import { present } from "../present.js";
import type { Outbox } from "../whatsapp/types.js";
import { allOf, type Records, type SecretRecord } from "./records.js";

/** What the keeper of secrets needs. */
export interface SecretsParts {
  readonly records: Records;
  readonly outbox?: Outbox | undefined;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: { error(details: object, message: string): void };
}

/** A message of ours that carries a secret. */
export interface SecretMessage {
  readonly ids: readonly string[];
  readonly to: Person;
  readonly address?: Pn | Lid;
  readonly until: number;
  readonly secretId?: string;
}

/** Deletes messages with a secret for everyone, once it is used or expired; across restarts. */
export class Secrets {
  private readonly timers = new Map<string, () => void>();

  constructor(private readonly parts: SecretsParts) {}

  /** Takes up what the last run had to delete. */
  async start(): Promise<void> {
    for (const record of await allOf(this.parts.records, "secret")) this.arm(record);
  }

  stop(): void {
    for (const cancel of this.timers.values()) cancel();
    this.timers.clear();
  }

  /** Remembers a message that went out with a secret in it. */
  async keep(message: SecretMessage): Promise<void> {
    const [first] = message.ids;
    if (first === undefined) return;
    const record: SecretRecord = { _id: `secret:${first}`, kind: "secret", ...message };
    await this.parts.records.put(record);
    this.arm(record);
  }

  /** The secret was used, replaced or revoked: its messages go. */
  async void(secretId: string): Promise<void> {
    const records = await allOf(this.parts.records, "secret");
    for (const record of records) if (record.secretId === secretId) await this.delete(record);
  }

  private arm(record: SecretRecord, time = record.until): void {
    const { scheduler, clock, log } = this.parts;
    this.timers.get(record._id)?.();
    const cancel = scheduler.at(time, () => {
      void this.delete(record).catch((error: unknown) => {
        log.error({ err: error }, "a message with a secret could not be deleted; tried again in a minute");
        this.arm(record, clock() + MINUTE);
      });
    });
    this.timers.set(record._id, cancel);
  }

  private async delete(record: SecretRecord): Promise<void> {
    const { outbox, records } = this.parts;
    if (outbox === undefined) return;
    this.timers.get(record._id)?.();
    this.timers.delete(record._id);
    const { to, address } = record;
    for (const target of record.ids) {
      await outbox.post({
        kind: "delete",
        to,
        target,
        key: `delete:${target}`,
        ...present({ address }),
      });
    }
    await records.remove([record._id]);
  }
}
