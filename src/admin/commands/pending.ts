import { formatNumber } from "../../access/identity.js";
import type { Contact, ContactState } from "../../access/types.js";
import { KafclawError } from "../../errors.js";
import { type Message, own, quote, say } from "../../text.js";
import { take } from "../arguments.js";
import { refusal } from "../targets.js";
import type { Command, CommandContext, CommandResult } from "../types.js";
import { count, formatTime, nameAndCode, stack, toData, viaOf } from "../words.js";

/** What fits on a phone's screen or two. */
const PAGE = 20;

export const pending: Command = {
  name: "pending",
  usage: "",
  summary: "who waits for your decision",
  details:
    "Shows name, number, since when, how they came in and what they wrote last, with the code for /approve and /deny.",
  age: "looks",
  async run(args, context) {
    if (take(args).words.length > 0) throw new KafclawError("bad-usage", "/pending takes nothing; see /list.", "usage");
    const waiting = context.access.list("pending");
    const [first] = waiting;
    if (first === undefined) return { ok: true, message: say`Nobody is pending.`, data: [] };
    const shown = waiting.slice(0, PAGE);
    const message = stack([
      own(`${waiting.length} pending:`),
      ...shown.flatMap((contact) => [entry(contact, context), lastWords(contact)]),
      waiting.length > PAGE && own(`and ${waiting.length - PAGE} more: /list pending 2`),
      own(`/approve ${first.code} · /deny ${first.code}`),
    ]);
    return { ok: true, message, data: waiting.map(toData) };
  },
};

export const list: Command = {
  name: "list",
  usage: "[approved|denied|pending] [page]",
  summary: "the lists, 20 a page",
  details: "/list shows how many there are of each · /list approved · /list denied 2",
  age: "looks",
  async run(args, context) {
    const [word, page = "1", ...more] = take(args).words;
    if (word === undefined) return overview(context);
    const state = STATES.find((known) => known === word.toLowerCase());
    if (state === undefined || more.length > 0 || !/^[1-9]\d{0,5}$/.test(page)) {
      return refusal(
        "bad-usage",
        say`It is /list approved, /list denied or /list pending, and a page number.`,
        "usage",
      );
    }
    return onePage(state, Number(page), context);
  },
};

const STATES = ["approved", "denied", "pending"] as const;

function overview({ access }: CommandContext): CommandResult {
  const counts = access.counts();
  const message = own(
    `${counts.approved} approved, ${counts.denied} denied, ${counts.pending} pending.\n/list approved · /list denied · /pending`,
  );
  const data = Object.fromEntries(STATES.map((state) => [state, access.list(state).map(toData)]));
  return { ok: true, message, data };
}

function onePage(state: ContactState, page: number, context: CommandContext): CommandResult {
  const all = context.access.list(state);
  const pages = Math.max(1, Math.ceil(all.length / PAGE));
  const data = all.map(toData);
  if (all.length === 0) return { ok: true, message: own(`Nobody is ${state}.`), data };
  if (page > pages)
    return refusal(
      "no-page",
      own(`There ${pages === 1 ? "is" : "are"} only ${count(pages, "page")}: /list ${state} ${pages}`),
    );
  const shown = all.slice((page - 1) * PAGE, page * PAGE);
  const message = stack([
    own(`${all.length} ${state}${pages > 1 ? `, page ${page} of ${pages}` : ""}:`),
    ...shown.map((contact) => entry(contact, context)),
    page < pages && own(`more: /list ${state} ${page + 1}`),
  ]);
  return { ok: true, message, data };
}

function entry(contact: Contact, { clock, timezone }: CommandContext): Message {
  const since = own(formatTime(contact.since, clock(), timezone));
  const via = contact.state === "pending" ? say`, ${viaOf(contact)}` : own("");
  return say`• ${nameAndCode(contact)} · ${own(formatNumber(contact))} · since ${since}${via}`;
}

function lastWords(contact: Contact): Message | undefined {
  const last = contact.held.at(-1);
  return last && quote(last.preview);
}
