/** What came in and what went out lately, for the dashboard: the journal's verdicts and the outbox. */
import { formatNumber, type Person, personOf } from "./access/identity.js";
import type { Access } from "./access/index.js";
import type { Activity, Incoming, Outgoing, Seen } from "./dashboard/index.js";
import { type Journal, type JournalRecord, senderOf } from "./whatsapp/journal.js";
import type { RunningOutbox } from "./whatsapp/outbox/index.js";

/** Verdicts about stanzas that are no message of anybody. */
const NO_MESSAGE = new Set(["nothing", "own"]);

export interface ActivityParts {
  readonly access: Pick<Access, "find" | "owner">;
  readonly journal: Pick<Journal, "get" | "handledSince">;
  readonly outbox: Pick<RunningOutbox, "posted">;
  /** Masks pairing tokens. */
  readonly mask: (text: string) => string;
  readonly isAdmin: (to: Person) => boolean;
}

/** Reads journal and outbox as the dashboard shows them. */
export function createActivity({ access, journal, outbox, mask, isAdmin }: ActivityParts): Activity {
  const nameOf = (person: Person): string => access.find(person)?.name ?? "";

  const incoming = ({ _id, at, verdict = "", who, what = "" }: JournalRecord): Incoming => {
    const sender = personOf(senderOf(_id));
    const number = who ?? (sender ? formatNumber(access.find(sender) ?? sender) : "");
    return { at, verdict, who: number, name: sender ? nameOf(sender) : "", what };
  };

  return {
    seen: (since) => journal.handledSince(since).filter(({ verdict }: Seen) => !NO_MESSAGE.has(verdict)),
    async incoming(messages) {
      const records = await Promise.all(messages.map(({ id }) => journal.get(id)));
      return records.flatMap((record) => (record === undefined ? [] : [incoming(record)]));
    },
    outgoing: () =>
      outbox.posted().map(({ at, to, toAdmin, state, content, error, why }) => ({
        state,
        inWords(): Outgoing {
          const isToAdmin = toAdmin === true || isAdmin(to);
          const text = content?.kind === "text" ? mask(content.text) : (content?.kind ?? "");
          const name = isToAdmin ? "admin chat" : nameOf(to);
          // The admin chat carries login links, tokens and buddies' words; what was said there stays there, whoever owns the
          // bot by now.
          const what = isToAdmin || toAdmin === undefined ? "" : text;
          return { at, to: formatNumber(access.find(to) ?? to), name, state, error, why, what };
        },
      })),
  };
}
