import type { Collection } from "../store/types.js";
import type { AuditRecord } from "./api.js";
import type { AccessParts } from "./settings.js";

/**
 * The record of who decided what through which door. A decision is written to `access.db` first and carries its audit
 * record with it; what could not be appended here is appended at the next opportunity, at the latest at the next start.
 * So no decision stays without its record, and no record tells of something that did not happen.
 */
export class AuditTrail {
  readonly #audit: Collection<AuditRecord>;
  readonly #log: AccessParts["log"];
  /** Records of decisions that stand and are not in the audit yet, in order. */
  #owed: AuditRecord[] = [];

  constructor({ audit, log }: AccessParts) {
    this.#audit = audit;
    this.#log = log;
  }

  /** Appends the record of something that has been written already; a failure is made up for later. */
  async append(record: AuditRecord): Promise<void> {
    this.#owed.push(record);
    await this.catchUp();
  }

  /** Appends the record of something that is nowhere else. @throws where it can't be written */
  async insist(record: AuditRecord): Promise<void> {
    await this.catchUp();
    await this.#audit.put(record);
  }

  /** Appends what is owed. */
  async catchUp(): Promise<void> {
    if (this.#owed.length === 0) return;
    const owed = this.#owed;
    try {
      await this.#audit.putAll(owed);
      this.#owed = [];
    } catch (error) {
      this.#log?.warn({ error, records: owed.length }, "The audit could not be written; it will be tried again.");
    }
  }

  /** Appends those of the records that a crash or a failed write kept from the audit. */
  async reconcile(records: readonly AuditRecord[]): Promise<void> {
    try {
      const known = new Set((await this.#audit.find()).map((record) => record._id));
      this.#owed.push(...records.filter((record) => !known.has(record._id)));
    } catch (error) {
      this.#log?.warn({ error }, "The audit could not be compared with the decisions; the next start tries again.");
    }
    await this.catchUp();
  }

  /** The records, the newest first. */
  query({ contact, skip, limit }: { skip?: number; limit?: number; contact?: string } = {}): Promise<AuditRecord[]> {
    const page = { ...(skip === undefined ? {} : { skip }), ...(limit === undefined ? {} : { limit }) };
    return this.#audit.find(contact === undefined ? {} : { contact }, { sort: { at: -1, _id: -1 }, ...page });
  }
}
