import { formatNumber } from "./access/identity.js";
import { type Access, heldOf, journalIdsOf } from "./access/index.js";
import type { Contact, Verdict } from "./access/types.js";
import type { AdminTellings } from "./admin/index.js";
import { describe, wordsOf } from "./whatsapp/describe.js";
import type { Journal, JournalRecord } from "./whatsapp/journal.js";
import type { Content, Inbound } from "./whatsapp/types.js";

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
    const { words, what } = this.read(content);
    const isWorthHolding = isSaid(message) && (words !== "" || content.kind !== "text");
    const held = { journalId: record._id, at, preview: what };
    const chat = message.chat.kind === "person" ? { chat: message.chat.address } : {};
    const handled = async (as: string, said: { what?: string } = {}): Promise<Knocked> => {
      await journal.handled(record, { verdict: as, who: formatNumber(sender), ...said });
      return { kind: "handled" };
    };
    const entry = await access.knock({
      person: sender,
      name,
      text: wordsOf(content),
      at,
      cause: message.journalId,
      ...chat,
    });
    switch (entry.kind) {
      case "entered": {
        const { contact } = entry;
        // Held before the owner is told: a notice shows nothing that its sender has taken back.
        if (isWorthHolding) await access.hold(contact, held);
        await tell.entered(contact, { text: isWorthHolding ? words || what : "", at });
        return isWorthHolding ? this.hold(contact, record, () => access.hold(contact, held)) : handled("entered");
      }
      case "auto-approved":
        await tell.autoApproved(entry.outcome, entry.invite);
        return isWorthHolding ? { kind: "let-in", contact: entry.contact } : handled("auto-approved");
      case "full":
        if (entry.first) await tell.queueFull();
        break;
      case "nothing":
        break;
    }
    if (verdict.kind === "stranger") return handled("stranger", { what });
    const { contact } = verdict;
    if (content.kind === "revoke") return this.hold(contact, record, () => access.amend(contact, content.target));
    if (isOvertaken) return handled("pending");
    if (isWorthHolding) return this.hold(contact, record, () => access.hold(contact, held));
    // As for buddies, an edit that leaves no words to see is none.
    if (content.kind !== "edit" || content.text === "") return handled("pending");
    const edit = { ...held, preview: describe({ kind: "text", text: content.text }) };
    return this.hold(contact, record, () => access.amend(contact, content.target, edit));
  }

  /** The words of a message, "" where they are but tokens, and what it is in short. */
  private read(content: Content): { readonly words: string; readonly what: string } {
    const { access } = this.parts;
    const masked = access.mask(wordsOf(content));
    const words = masked.replaceAll("•••", "").trim() === "" ? "" : masked;
    const said = content.kind === "media" && words === "" ? { ...content, caption: "" } : content;
    return { words, what: access.mask(describe(said)) };
  }

  /** What somebody deletes who waits no more: an undo must not bring it back. */
  async takeBack({ content }: Inbound, contact: Contact): Promise<void> {
    const { access } = this.parts;
    if (content.kind === "revoke") await this.change(contact, () => access.amend(contact, content.target));
  }

  /**
   * Keeps in the journal what is held of somebody after a change, this message too where it is, and nothing else: whoever
   * knows the token must not fill the disk.
   * @param change false where its sender is not pending any more
   */
  private async hold(contact: Contact, record: JournalRecord, change: () => Promise<boolean>): Promise<Knocked> {
    // In this order: after a crash in between, the message is held again under the same id.
    if (!(await this.change(contact, change))) return { kind: "decided" };
    const isHeld = this.kept(contact).includes(record._id);
    await this.parts.journal.handled(record, { verdict: "pending", held: isHeld });
    return { kind: "handled" };
  }

  /** Changes what is held of somebody; what it leaves nobody to want leaves the journal. */
  private async change(contact: Contact, change: () => Promise<boolean>): Promise<boolean> {
    const before = this.kept(contact);
    const isPending = await change();
    const kept = new Set(this.kept(contact));
    for (const id of before) if (!kept.has(id)) await this.parts.journal.letGo(id);
    return isPending;
  }

  /** What the journal keeps for somebody, by its ids. */
  private kept({ _id }: Contact): readonly string[] {
    const contact = this.parts.access.byId(_id);
    return contact === undefined ? [] : journalIdsOf(heldOf(contact));
  }
}

/** Something that was said, as against reactions, edits and deletions. */
export function isSaid(message: Inbound): boolean {
  return message.content.kind === "text" || message.content.kind === "media" || message.content.kind === "other";
}
