import { present } from "../present.js";
import type { Collection } from "../store/types.js";
import type { AuditQuery, AuditRecord } from "./api.js";
import type { AccessParts } from "./settings.js";

/** What of a record is looked at to find it: NeDB would sort and copy all of them for one page. */
type Mark = Pick<AuditRecord, "_id" | "at" | "contact"> & { readonly door: AuditRecord["by"]["door"] };

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
  /** What is in the audit, oldest first. */
  #marks: Mark[] = [];
  /** The records that each of the owner's messages led to, by the message's journal id. */
  readonly #byCause = new Map<string, string[]>();

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
    this.#mark([record]);
  }

  /** Appends what is owed. */
  async catchUp(): Promise<void> {
    if (this.#owed.length === 0) return;
    const owed = this.#owed;
    try {
      await this.#audit.putAll(owed);
      this.#owed = [];
      this.#mark(owed);
    } catch (error) {
      this.#log?.warn({ error, records: owed.length }, "The audit could not be written; it will be tried again.");
    }
  }

  /** Appends those of the records that a crash or a failed write kept from the audit. */
  async reconcile(records: readonly AuditRecord[]): Promise<void> {
    try {
      const all = await this.#audit.find();
      this.#mark(all);
      const known = new Set(all.map((record) => record._id));
      this.#owed.push(...records.filter((record) => !known.has(record._id)));
    } catch (error) {
      this.#log?.warn({ error }, "The audit could not be compared with the decisions; the next start tries again.");
    }
    await this.catchUp();
  }

  /** The records, the newest first. */
  async query(query: AuditQuery = {}): Promise<AuditRecord[]> {
    const { skip = 0, limit = Number.POSITIVE_INFINITY } = query;
    const ids = this.#found(query)
      .reverse()
      .slice(skip, skip + limit)
      .map(({ _id }) => _id);
    const records = await Promise.all(ids.map((id) => this.#audit.get(id)));
    return records.flatMap((record) => record ?? []);
  }

  /** How many records fit, on all pages. */
  count(query: AuditQuery = {}): number {
    return this.#found(query).length;
  }

  /** What the owner's message led to, so that one which comes again (I10) is not taken for new. */
  async causedBy(cause: string): Promise<AuditRecord[]> {
    const records = await Promise.all((this.#byCause.get(cause) ?? []).map((id) => this.#audit.get(id)));
    return [...records.flatMap((record) => record ?? []), ...this.#owed.filter(({ by }) => by.cause === cause)];
  }

  #found({ contact, door }: AuditQuery): Mark[] {
    return this.#marks.filter(
      (mark) => (contact === undefined || mark.contact === contact) && (door === undefined || mark.door === door),
    );
  }

  #mark(records: readonly AuditRecord[]): void {
    const last = this.#marks.at(-1);
    const isInOrder = records.length === 1 && (last === undefined || inOrder(last, records[0] ?? last) <= 0);
    for (const { _id, at, contact, by } of records) {
      this.#marks.push({ _id, at, door: by.door, ...present({ contact }) });
      if (by.door !== "whatsapp" || by.cause === undefined) continue;
      this.#byCause.set(by.cause, [...(this.#byCause.get(by.cause) ?? []), _id]);
    }
    // The clock of the machine may have been set back.
    if (!isInOrder) this.#marks.sort(inOrder);
  }
}

function inOrder(a: Pick<Mark, "_id" | "at">, b: Pick<Mark, "_id" | "at">): number {
  return a.at - b.at || (a._id < b._id ? -1 : 1);
}
