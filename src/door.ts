import { formatNumber } from "./access/identity.js";
import type { Access } from "./access/index.js";
import type { Contact, Verdict } from "./access/types.js";
import type { AdminTellings } from "./admin/index.js";
import { describe, wordsOf } from "./whatsapp/describe.js";
import type { Journal, JournalRecord } from "./whatsapp/journal.js";
import type { Inbound } from "./whatsapp/types.js";

/** What the door needs. */
export interface DoorParts {
  readonly access: Access;
  readonly journal: Journal;
  readonly tell: AdminTellings;
}

/** What is left to do about a message at the door. */
export type Knocked =
  | { readonly kind: "handled" }
  /** An `--auto` invite let the sender in, who said more than that. */
  | { readonly kind: "let-in"; readonly contact: Contact }
  /** The sender was decided about in this very moment: what holds now counts. */
  | { readonly kind: "decided" };

/** Those who are not let in: strangers, who wait, and the owner who is not confirmed yet. Nobody hears anything (I5). */
export class Door {
  constructor(private readonly parts: DoorParts) {}

  /** The owner who is not confirmed yet sends the code that the set-up showed; nothing else counts before. */
  async confirm(message: Inbound, record: JournalRecord): Promise<void> {
    const { access, journal, tell } = this.parts;
    const owner = access.owner();
    const text = message.content.kind === "text" ? message.content.text.trim().toUpperCase() : "";
    if (owner?.confirmCode !== undefined && !owner.locked && !message.forwarded && text === owner.confirmCode) {
      const { confirmCode: _, ...rest } = owner;
      const by = { door: "whatsapp" as const, who: formatNumber(message.sender), cause: message.journalId };
      await tell.ownerConfirmed(message.name, () => access.setOwner({ ...rest, confirmed: true }, by));
    }
    await journal.handled(record, { verdict: "owner-unconfirmed" });
  }

  /**
   * The token or an invite lets a stranger into the queue; what a pending sender says is held.
   * @param isOvertaken whether so much follows that this message would not be among the last, which alone are held
   */
  async knock(
    message: Inbound,
    verdict: Extract<Verdict, { kind: "pending" | "stranger" }>,
    record: JournalRecord,
    isOvertaken: boolean,
  ): Promise<Knocked> {
    const { access, tell, journal } = this.parts;
    const { sender, name, at, content } = message;
    const what = access.mask(describe(content));
    const text = content.kind === "text" || content.kind === "media" ? wordsOf(content) : "";
    const saysMore = access.mask(text).replaceAll("•••", "").trim() !== "";
    const chat = message.chat.kind === "person" ? { chat: message.chat.address } : {};
    const handled = async (as: string, said: { what?: string } = {}): Promise<Knocked> => {
      await journal.handled(record, { verdict: as, who: formatNumber(sender), ...said });
      return { kind: "handled" };
    };
    const entry = await access.knock({ person: sender, name, text, at, cause: message.journalId, ...chat });
    switch (entry.kind) {
      case "entered": {
        await tell.entered(entry.contact, { text: access.mask(text), at });
        const isHeld = saysMore && (await this.hold(entry.contact, message, record, what));
        return isHeld ? { kind: "handled" } : handled("entered");
      }
      case "auto-approved":
        await tell.autoApproved(entry.outcome, entry.invite);
        return saysMore ? { kind: "let-in", contact: entry.contact } : handled("auto-approved");
      case "full":
        if (entry.first) await tell.queueFull();
        break;
      case "nothing":
        break;
    }
    if (verdict.kind === "stranger") return handled("stranger", { what });
    const isWorthHolding = isSaid(message) && (saysMore || content.kind !== "text") && !isOvertaken;
    if (!isWorthHolding) return handled("pending");
    const isHeld = await this.hold(verdict.contact, message, record, what);
    return { kind: isHeld ? "handled" : "decided" };
  }

  private async hold(contact: Contact, message: Inbound, record: JournalRecord, preview: string): Promise<boolean> {
    const { access, journal } = this.parts;
    const before = access.byId(contact._id)?.held ?? [];
    // In this order: after a crash in between, the message is held again under the same id.
    const isHeld = await access.hold(contact, { journalId: record._id, at: message.at, preview });
    if (!isHeld) return false;
    await journal.handled(record, { verdict: "pending", held: true });
    // Only the last few are held; whoever knows the token must not fill the disk with more.
    const kept = new Set(access.byId(contact._id)?.held.map(({ journalId }) => journalId));
    for (const id of [...before.map(({ journalId }) => journalId), record._id]) {
      if (!kept.has(id)) await journal.letGo(id);
    }
    return true;
  }
}

/** Something that was said, as against reactions, edits and deletions. */
export function isSaid(message: Inbound): boolean {
  return message.content.kind === "text" || message.content.kind === "media" || message.content.kind === "other";
}
