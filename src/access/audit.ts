import type { Collection } from "../store/types.js";
import type { AuditQuery, AuditRecord } from "./api.js";
import { type AccessDoc, auditOf } from "./documents.js";
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
  /** What is in the audit, oldest first: NeDB would sort and copy all of it for one page. */
  readonly #records: AuditRecord[] = [];
  /** The records that each of the owner's messages led to, by the message's journal id. */
  readonly #byCause = new Map<string, AuditRecord[]>();

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
    this.#add([record]);
  }

  /** Appends what is owed. */
  async catchUp(): Promise<void> {
    if (this.#owed.length === 0) return;
    const owed = this.#owed;
    try {
      await this.#audit.putAll(owed);
      this.#owed = [];
      this.#add(owed);
    } catch (error) {
      this.#log?.warn({ error, records: owed.length }, "The audit could not be written; it will be tried again.");
    }
  }

  /** Appends those of the records that the documents vouch for which a crash or a failed write kept from the audit. */
  async reconcile(docs: readonly AccessDoc[]): Promise<void> {
    try {
      const all = await this.#audit.find();
      this.#add(all);
      const known = new Set(all.map(({ _id }) => _id));
      for (const doc of docs) this.#owed.push(...missingOf(doc, known));
    } catch (error) {
      this.#log?.warn({ error }, "The audit could not be compared with the decisions; the next start tries again.");
    }
    await this.catchUp();
  }

  /** The records, the newest first. */
  async query(query: AuditQuery = {}): Promise<AuditRecord[]> {
    const { skip = 0, limit = Number.POSITIVE_INFINITY } = query;
    return this.#found(query)
      .reverse()
      .slice(skip, skip + limit);
  }

  /** How many records fit, on all pages. */
  count(query: AuditQuery = {}): number {
    return this.#found(query).length;
  }

  /** What the owner's message led to, so that one which comes again (I10) is not taken for new. */
  async causedBy(cause: string): Promise<AuditRecord[]> {
    return [...(this.#byCause.get(cause) ?? []), ...this.#owed.filter(({ by }) => by.cause === cause)];
  }

  #found({ contact, door }: AuditQuery): AuditRecord[] {
    return this.#records.filter(
      (record) =>
        (contact === undefined || record.contact === contact) && (door === undefined || record.by.door === door),
    );
  }

  #add(records: readonly AuditRecord[]): void {
    const last = this.#records.at(-1);
    const isInOrder = records.length === 1 && (last === undefined || inOrder(last, records[0] ?? last) <= 0);
    for (const record of records) {
      this.#records.push(record);
      const { door, cause } = record.by;
      if (door !== "whatsapp" || cause === undefined) continue;
      this.#byCause.set(cause, [...(this.#byCause.get(cause) ?? []), record]);
    }
    // The clock of the machine may have been set back.
    if (!isInOrder) this.#records.sort(inOrder);
  }
}

/** The audit records that a document vouches for and the audit does not have. */
function missingOf(doc: AccessDoc, known: ReadonlySet<string>): readonly AuditRecord[] {
  if (doc.kind === "queue") return [];
  if (doc.kind !== "contact") return doc.log.filter(({ _id }) => !known.has(_id));
  const { contact } = doc;
  return contact.history.filter(({ id }) => !known.has(id)).map((decision) => auditOf(contact, decision));
}

function inOrder(a: AuditRecord, b: AuditRecord): number {
  return a.at - b.at || (a._id < b._id ? -1 : 1);
}
