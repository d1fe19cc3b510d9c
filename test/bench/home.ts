/** Homes with many people in them, for benchmarks. */
import pino from "pino";
import { CODE_ALPHABET, parseCode } from "../../src/access/code.js";
import type { Pn } from "../../src/access/identity.js";
import type { AccessDoc, AuditRecord, Contact } from "../../src/access/index.js";
import type { Code } from "../../src/access/types.js";
import { openStore } from "../../src/store/index.js";
import type { JournalRecord } from "../../src/whatsapp/journal.js";

const STATES = ["approved", "denied", "pending"] as const;
/** The queue takes no more. */
const PENDING = 100;
const HOUR = 60 * 60 * 1000;

/**
 * Fills a home, as years of use would: contacts in all states, a decision for each in the audit, and messages in the last
 * day's journal.
 * @param root the home's folder, which no gateway has open
 * @param messages one of each contact, unless told otherwise
 */
export async function fillHome(root: string, contacts: number, messages = contacts): Promise<void> {
  const store = await openStore(root, { clock: Date.now, log: pino({ level: "silent" }) });
  const now = Date.now();
  const by = { door: "whatsapp", who: "+1 555 000 1000" } as const;
  const people = Array.from({ length: contacts }, (_, index): Contact => {
    const state = STATES[index < PENDING ? 2 : index % 2] ?? "approved";
    const since = now - HOUR - index;
    const history = [{ id: `d${index}`, action: "approve", from: "stranger", to: state, at: since, by }] as const;
    const pn = `1555${String(1_000_000 + index)}@s.whatsapp.net` as Pn;
    const name = `Person ${index}`;
    return {
      _id: `c${index}`,
      code: codeOf(index),
      aliases: [],
      pn,
      name,
      state,
      since,
      episode: 1,
      held: [],
      history,
    };
  });
  const access = await store.open<AccessDoc>("access", { durable: true });
  await access.putAll(people.map((contact) => ({ _id: contact._id, kind: "contact", contact })));
  const audit = await store.open<AuditRecord>("audit", { durable: true });
  await audit.putAll(
    people.map(({ _id: contact, code, name, state, since }, index): AuditRecord => {
      return { _id: `d${index}`, at: since, action: "approve", by, contact, code, name, from: "stranger", to: state };
    }),
  );
  const journal = await store.open<JournalRecord>("journal");
  await journal.putAll(
    people.slice(0, messages).map(({ pn = "" }, index): JournalRecord => {
      const id = `3A${index}`;
      const attrs = { from: pn, id, t: String(Math.floor(now / 1000)) };
      const at = now - index;
      return { _id: `${pn}/${id}`, attrs, body: "", at, seq: index, state: "done", verdict: "buddy", what: "text" };
    }),
  );
  await store.close();
}

/** The code of the nth contact: four characters, the first of them a letter. */
function codeOf(index: number): Code {
  const letters = CODE_ALPHABET.slice(10);
  const base = CODE_ALPHABET.length;
  const digits = [Math.floor(index / base ** 2) % base, Math.floor(index / base) % base, index % base];
  const first = letters.charAt(Math.floor(index / base ** 3) % letters.length);
  const code = parseCode(first + digits.map((digit) => CODE_ALPHABET.charAt(digit)).join(""));
  if (code === undefined) throw new Error(`no code for contact ${index}`);
  return code;
}
