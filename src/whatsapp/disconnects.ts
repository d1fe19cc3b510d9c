/**
 * What each way of losing the connection means: the one table that the link acts on, that people are shown, and that
 * README prints (DESIGN 11).
 */

import { DAY } from "../clock.js";
import { present } from "../present.js";
import type { LinkCode } from "./types.js";

/**
 * What the link does next: `now` at once, `backoff` after a growing pause, `wait` until a time that WhatsApp named,
 * `version` asks for the current client version and then comes back, `link` needs a new link, `stop` needs the owner.
 */
type Retry = "now" | "backoff" | "wait" | "version" | "link" | "stop";

/** One way of losing the connection, as the link acts on it and people are told it. */
export interface Disconnect {
  /** WhatsApp's (or Baileys') code; 0 where there is none. */
  readonly code: number;
  /** Stable and machine-readable, for logs and `--json`. */
  readonly name: string;
  /** What happened, one sentence for people. */
  readonly sentence: string;
  /** What to do about it, one sentence for people. */
  readonly remedy: string;
  readonly retry: Retry;
  /** The state that the link shows meanwhile. */
  readonly link: LinkCode;
  /** Pauses begin at a minute, not at a second. */
  readonly slow: boolean;
  /** When to come back, milliseconds since 1970, where WhatsApp named a time. */
  readonly until?: number;
}

type Row = Omit<Disconnect, "until" | "slow"> & { readonly slow?: true };

const COMES_BACK = "Nothing to do: it comes back by itself.";
const RUN_AGAIN =
  "Check this machine's internet connection and run kafclaw whatsapp-auth again; if this goes on, update KafClaw.";
const LINK_ANEW = "Run kafclaw whatsapp-auth to link again; contacts and settings are kept.";

const TABLE: readonly Row[] = [
  {
    code: 400,
    name: "refused",
    sentence: "WhatsApp refused the connection.",
    remedy: "It is tried again by itself; if this goes on for an hour, update KafClaw.",
    retry: "backoff",
    link: "connecting",
  },
  {
    code: 401,
    name: "logged-out",
    sentence: "WhatsApp has logged this device out: it was removed on the phone, or the phone was away for two weeks.",
    remedy: LINK_ANEW,
    retry: "link",
    link: "loggedOut",
  },
  {
    code: 402,
    name: "temporary-ban",
    sentence: "WhatsApp has banned this account for a while.",
    remedy: "Send less and write to nobody new; KafClaw comes back when the ban ends, and trying sooner prolongs it.",
    retry: "wait",
    link: "connecting",
    slow: true,
  },
  {
    code: 403,
    name: "account-locked",
    sentence: "WhatsApp has locked this account, or its phone is gone.",
    remedy: "Open WhatsApp on the phone and follow what it says; then run kafclaw whatsapp-auth.",
    retry: "stop",
    link: "loggedOut",
  },
  {
    code: 405,
    name: "outdated-client",
    sentence: "WhatsApp says that this client version is outdated.",
    remedy: "KafClaw asks for the current version and tries again; if this goes on, update KafClaw.",
    retry: "version",
    link: "connecting",
  },
  {
    code: 406,
    name: "session-refused",
    sentence: "WhatsApp no longer accepts this device.",
    remedy: LINK_ANEW,
    retry: "link",
    link: "loggedOut",
  },
  {
    code: 408,
    name: "connection-lost",
    sentence: "The connection to WhatsApp was lost.",
    remedy: COMES_BACK,
    retry: "backoff",
    link: "connecting",
  },
  {
    code: 409,
    name: "client-refused",
    sentence: "WhatsApp does not accept how this client introduces itself.",
    remedy: "KafClaw asks for the current version and tries again; if this goes on, update KafClaw.",
    retry: "version",
    link: "connecting",
    slow: true,
  },
  {
    code: 411,
    name: "multi-device-mismatch",
    sentence: "The phone's WhatsApp does not take linked devices of this kind.",
    remedy: "Update WhatsApp on the phone; then run kafclaw whatsapp-auth.",
    retry: "stop",
    link: "loggedOut",
  },
  {
    code: 428,
    name: "connection-closed",
    sentence: "WhatsApp closed the connection.",
    remedy: COMES_BACK,
    retry: "backoff",
    link: "connecting",
  },
  {
    code: 440,
    name: "connection-replaced",
    sentence: "Another program has connected with this WhatsApp session.",
    remedy: "Stop the other one: two programs on one session throw each other out. KafClaw tries again now and then.",
    retry: "backoff",
    link: "conflict",
    slow: true,
  },
  {
    code: 500,
    name: "broken-stream",
    sentence: "The connection to WhatsApp broke with an error.",
    remedy: COMES_BACK,
    retry: "backoff",
    link: "connecting",
  },
  {
    code: 503,
    name: "unavailable",
    sentence: "WhatsApp is not available at the moment.",
    remedy: COMES_BACK,
    retry: "backoff",
    link: "connecting",
  },
  {
    code: 515,
    name: "restart-required",
    sentence: "WhatsApp asked for a new connection, as it does right after linking.",
    remedy: COMES_BACK,
    retry: "now",
    link: "connecting",
  },
];

/** Not told apart by a code, but by what went wrong before WhatsApp could give one. */
const NETWORK_DOWN: Row = {
  code: 408,
  name: "network-down",
  sentence: "WhatsApp can't be reached from this machine.",
  remedy: "Check this machine's internet connection; a running gateway keeps trying.",
  retry: "backoff",
  link: "connecting",
};

const NOT_WHATSAPP: Row = {
  code: 400,
  name: "not-whatsapp",
  sentence: "The server that answered could not prove that it is WhatsApp, so nothing was told to it.",
  remedy:
    "Check for a proxy or filter on this network and the machine's clock; a running gateway tries again now and then.",
  retry: "backoff",
  link: "connecting",
  slow: true,
};

/** What is said of a code that the table does not know. */
const UNKNOWN: Row = {
  code: 0,
  name: "unknown",
  sentence: "The connection to WhatsApp ended.",
  remedy: COMES_BACK,
  retry: "backoff",
  link: "connecting",
};

/** The remedy where nobody goes on trying, for what a gateway would come back from. */
const REMEDY_ALONE: Readonly<Partial<Record<Retry, string>>> = {
  now: RUN_AGAIN,
  backoff: RUN_AGAIN,
  version: RUN_AGAIN,
  wait: "Trying sooner prolongs the ban; run kafclaw whatsapp-auth again when it has ended.",
};

const NETWORK_CODES = new Set([
  "ENOTFOUND",
  "ECONNREFUSED",
  "EAI_AGAIN",
  "ENETUNREACH",
  "ENETDOWN",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ETIMEDOUT",
  "EADDRNOTAVAIL",
]);
/** Node's codes for a TLS certificate that is not the server's. */
const CERTIFICATE = /CERT|^UNABLE_TO_|^ERR_TLS_/;
/** Baileys' words for a Noise certificate that does not hold. */
const NOISE = /noise .*certificate|certification match failed/i;

/** A duration above this many seconds is a date: some servers name the end of a ban, others its length. */
const DATES_FROM_S = 1_000_000_000;
const LONGEST_BAN_MS = 366 * DAY;

const FIRST_PAUSE_MS = 1_000;
const FIRST_SLOW_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 5 * 60_000;

/**
 * What an ended connection means, from Baileys' `lastDisconnect.error`. Takes anything and never throws.
 * @param now milliseconds since 1970, to turn the length of a ban into its end.
 */
export function classify(error: unknown, now: number): Disconnect {
  const data = field(error, "data");
  const attrs = field(data, "attrs");
  const code = Number(field(field(error, "output"), "statusCode"));
  // A removed device arrives as a conflict too, where WhatsApp leaves the code out.
  if (field(attrs, "type") === "device_removed") return finish(rowOf(401), now, undefined);
  const system = field(data, "code") ?? field(error, "code");
  if (typeof system === "string" && NETWORK_CODES.has(system)) return finish(NETWORK_DOWN, now, undefined);
  if (typeof system === "string" && CERTIFICATE.test(system)) return finish(NOT_WHATSAPP, now, undefined);
  if (NOISE.test(String(field(error, "message") ?? ""))) return finish(NOT_WHATSAPP, now, undefined);
  return finish(rowOf(code), now, field(data, "expire") ?? field(attrs, "expire"));
}

/**
 * How long to wait before the next attempt, milliseconds: from 1 s (slow: 1 min) doubling to 5 min, the upper half of it
 * by chance, so that gateways that lost WhatsApp together don't come back together.
 * @param attempt 1 for the first.
 */
export function backoff(attempt: number, random: () => number, slow = false): number {
  const first = slow ? FIRST_SLOW_PAUSE_MS : FIRST_PAUSE_MS;
  const pause = Math.min(LONGEST_PAUSE_MS, first * 2 ** Math.min(Math.max(attempt, 1) - 1, 20));
  return Math.round(pause / 2 + random() * (pause / 2));
}

/**
 * What to do about a lost connection where no gateway goes on trying: for whoever links alone.
 * @param name of the {@link Disconnect}
 * @returns undefined where its remedy holds for them too
 */
export function remedyAlone(name: string): string | undefined {
  const row = [...TABLE, UNKNOWN].find((candidate) => candidate.name === name);
  return row && REMEDY_ALONE[row.retry];
}

/** The table as Markdown, for README. */
export function disconnectTable(): string {
  const rows = [...TABLE, NETWORK_DOWN, NOT_WHATSAPP, { ...UNKNOWN, name: "any other" }].map(
    (row) => `| ${codeOf(row)} | ${row.sentence} | ${WHAT_HAPPENS[row.retry](row.slow === true)} | ${row.remedy} |`,
  );
  return ["| code | meaning | KafClaw | you |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

const WHAT_HAPPENS: Readonly<Record<Retry, (slow: boolean) => string>> = {
  now: () => "reconnects at once",
  backoff: (slow) => (slow ? "reconnects after 1 to 5 minutes" : "reconnects after 1 second to 5 minutes"),
  wait: () => "waits until the ban ends",
  version: () => "asks for the current version, then reconnects",
  link: () => "waits for a new link",
  stop: () => "stops",
};

function codeOf(row: Row): string {
  if (row === NETWORK_DOWN || row === NOT_WHATSAPP) return row.name;
  return row.code === 0 ? row.name : `${row.code} ${row.name}`;
}

function rowOf(code: number): Row {
  const row = TABLE.find((candidate) => candidate.code === code);
  if (row) return row;
  if (!Number.isInteger(code) || code <= 0) return UNKNOWN;
  return { ...UNKNOWN, code, sentence: `WhatsApp ended the connection with code ${code}.` };
}

function finish(row: Row, now: number, expire: unknown): Disconnect {
  const until = row.retry === "wait" ? endOfBan(expire, now) : undefined;
  const sentence =
    until === undefined
      ? row.sentence
      : `WhatsApp has banned this account until ${new Date(until).toISOString().slice(0, 16).replace("T", " ")} UTC.`;
  return { ...row, sentence, slow: row.slow ?? false, ...present({ until }) };
}

/** When a ban ends; undefined where WhatsApp named nothing that makes sense. */
function endOfBan(expire: unknown, now: number): number | undefined {
  const seconds = Number(expire ?? Number.NaN);
  if (!Number.isFinite(seconds) || seconds <= 0) return undefined;
  const until = seconds >= DATES_FROM_S ? seconds * 1000 : now + seconds * 1000;
  return until > now && until - now <= LONGEST_BAN_MS ? until : undefined;
}

/** A field of something of which nothing is known. */
function field(of: unknown, name: string): unknown {
  // Any object may be asked for any name; what comes back is unknown again.
  return typeof of === "object" && of !== null ? (of as Record<string, unknown>)[name] : undefined;
}

/** How long to wait before the connection is made anew, milliseconds. `attempt`: how often it failed in a row, this one included. */
export function waitFor(disconnect: Disconnect, attempt: number, now: number, random: () => number): number {
  // As after linking; again and again, it is like any other.
  if (disconnect.retry === "now" && attempt <= 1) return 0;
  if (disconnect.until !== undefined) return Math.max(0, disconnect.until - now);
  return backoff(attempt, random, disconnect.slow);
}
