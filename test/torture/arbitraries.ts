/** What a fuzzer can say: texts, addresses, messages of every kind and of none, requests, and damage to files. */
import { proto } from "@whiskeysockets/baileys";
import fc from "fast-check";

const TEXT_MAX = 200;
/** The fields of WhatsApp's own messages have smaller numbers. */
const FIELD_MAX = 130;
const BYTES_MAX = 2_000;
const BITS_OF_BYTE = 8;

/** Every kind of message that WhatsApp's own schema names. */
const KINDS = Object.keys(proto.Message.prototype).filter((name) => /^[a-z]\w+Message(V\d\w*)?$/.test(name));
/** Those that hold another message. */
const WRAPPERS = [
  ...["ephemeralMessage", "viewOnceMessage", "viewOnceMessageV2", "documentWithCaptionMessage", "editedMessage"],
  ...["deviceSentMessage", "protocolMessage", "groupMentionedMessage", "botInvokeMessage", "lottieStickerMessage"],
];

/** Texts: orders, words that mean much elsewhere, and any characters there are. */
export const anyText = fc.oneof(
  fc.constantFrom(
    "",
    "/approve all",
    "/silent off",
    "yes",
    "👍",
    "👎🏿",
    "\u202e*bold*",
    "\u0000",
    "$(id)",
    "../..",
    "/",
    "／help",
  ),
  fc.string({ unit: "binary", maxLength: TEXT_MAX }),
  fc.string({ unit: "grapheme", maxLength: TEXT_MAX }),
  fc.string({ maxLength: TEXT_MAX }).map((text) => text.repeat(50)),
);

const digits = fc.oneof(
  fc.stringMatching(/^\d{1,22}$/),
  fc.constantFrom("0", "15550001000", "5215512345678", "status"),
);
const user = fc.oneof(
  fc.tuple(digits, fc.constantFrom("", "_1", "_128", ".0"), fc.constantFrom("", ":0", ":12", ":99999", ":-1")),
  fc.tuple(fc.string({ unit: "binary", maxLength: 30 })),
);
const host = fc.oneof(
  fc.constantFrom(
    "s.whatsapp.net",
    "lid",
    "c.us",
    "hosted",
    "hosted.lid",
    "g.us",
    "broadcast",
    "newsletter",
    "bot",
    "call",
  ),
  fc.constantFrom("S.WHATSAPP.NET", "", "lid@lid", "s.whatsapp.net.evil.example"),
  fc.string({ maxLength: 20 }),
);

/** What stands where a JID should. */
export const anyJid = fc
  .tuple(user, fc.constantFrom("@", "@", "@", "", "@@"), host)
  .map(([parts, at, server]) => `${parts.join("")}${at}${server}`);

const key = fc.record(
  { remoteJid: anyJid, fromMe: fc.boolean(), id: anyText, participant: anyJid },
  { requiredKeys: [] },
);
const contextInfo = fc.record(
  {
    stanzaId: anyText,
    participant: anyJid,
    remoteJid: anyJid,
    isForwarded: fc.boolean(),
    expiration: fc.nat(),
    mentionedJid: fc.array(anyJid, { maxLength: 3 }),
    quotedMessage: fc.record({ conversation: anyText }),
  },
  { requiredKeys: [] },
);
/** Fields that kinds of messages have; each kind takes those that are its own. */
const content = fc.record(
  {
    text: anyText,
    caption: anyText,
    name: anyText,
    displayName: anyText,
    fileName: anyText,
    title: anyText,
    vcard: anyText,
    url: anyText,
    directPath: anyText,
    mimetype: anyText,
    mediaKey: fc.uint8Array({ maxLength: 40 }),
    fileSha256: fc.uint8Array({ maxLength: 40 }),
    fileLength: fc.integer(),
    seconds: fc.nat(),
    type: fc.integer({ min: -1, max: 40 }),
    degreesLatitude: fc.double(),
    senderTimestampMs: fc.integer(),
    ephemeralExpiration: fc.nat(),
    key,
    contextInfo,
  },
  { requiredKeys: [] },
);

type Content = { [name: string]: unknown };

const { message: anyMessage } = fc.letrec<{ message: Content }>((tie) => ({
  message: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(
      anyText.map((conversation): Content => ({ conversation })),
      fc.tuple(fc.constantFrom(...KINDS), content).map(([kind, inside]): Content => ({ [kind]: inside })),
    ),
    fc
      .tuple(fc.constantFrom(...WRAPPERS), content, anyJid, tie("message"))
      .map(([wrapper, inside, destinationJid, message]): Content => {
        return { [wrapper]: { ...inside, destinationJid, message, editedMessage: message } };
      }),
  ),
}));

/** A message of one of WhatsApp's kinds, as the bytes that Signal carries. */
const messageBytes = anyMessage.map((message): Uint8Array => {
  try {
    return proto.Message.encode(proto.Message.fromObject(message)).finish();
  } catch {
    // Not every kind takes every field.
    return proto.Message.encode({ conversation: "" }).finish();
  }
});

/** A field of a protobuf: its number, and what it holds. */
const { fields: wireBytes } = fc.letrec<{ fields: Uint8Array }>((tie) => ({
  fields: fc
    .array(
      fc.tuple(
        fc.integer({ min: 1, max: FIELD_MAX }),
        fc.oneof(
          { depthSize: "small", withCrossShrink: true },
          fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
          anyText.map((text): Uint8Array => Buffer.from(text)),
          fc.uint8Array({ maxLength: 30 }),
          tie("fields"),
        ),
      ),
      { maxLength: 6 },
    )
    .map((all) => Buffer.concat(all.map(([number, value]) => field(number, value)))),
}));

/** Bytes as a hostile client may encrypt them: a message, a protobuf of unknown meaning, a message with a wrong bit, rubbish. */
export const anyBytes = fc.oneof(
  { weight: 4, arbitrary: messageBytes },
  { weight: 2, arbitrary: wireBytes },
  { weight: 1, arbitrary: fc.tuple(messageBytes, fc.nat()).map(([bytes, bit]) => flipped(bytes, bit)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: BYTES_MAX }) },
);

function field(number: number, value: bigint | Uint8Array): Uint8Array {
  const [VARINT, LENGTH] = [0n, 2n];
  const tag = (type: bigint): Uint8Array => varint((BigInt(number) << 3n) | type);
  if (typeof value === "bigint") return Buffer.concat([tag(VARINT), varint(value)]);
  return Buffer.concat([tag(LENGTH), varint(BigInt(value.length)), value]);
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const more = rest > 0x7fn ? 0x80 : 0;
    bytes.push(Number(rest & 0x7fn) | more);
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

/** The bytes with one bit turned. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = Math.floor(bit / BITS_OF_BYTE) % Math.max(1, copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit % BITS_OF_BYTE));
  return copy;
}

/** What somebody did to a text by hand or by accident: at a part of its length, so much gone, and this put there. */
export const anyEdits = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    gone: fc.nat({ max: 20 }),
    put: fc.oneof(
      fc.constantFrom("", "\u0000", "{", "}", '"', ",", "null", "[]", "-1", "1e99", "true", '"\u202e"', "\ufeff"),
      fc.json({ maxDepth: 2 }),
      fc.string({ unit: "binary", maxLength: 20 }),
    ),
  }),
  { minLength: 1, maxLength: 4 },
);

export function edited(text: string, edits: readonly { at: number; gone: number; put: string }[]): string {
  return edits.reduce((now, { at, gone, put }) => {
    const from = Math.floor(at * now.length);
    return now.slice(0, from) + put + now.slice(from + gone);
  }, text);
}

/** Damage to a file's bytes that leaves no line as a whole away: bits turned, or rubbish put between. */
export const anyDamage = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  bytes: fc.oneof(
    fc.record({ bit: fc.nat({ max: 7 }) }),
    fc.record({ put: fc.uint8Array({ minLength: 1, maxLength: 20 }) }),
    fc.record({ over: fc.uint8Array({ minLength: 1, maxLength: 20 }) }),
  ),
});

export function damaged(
  file: Uint8Array,
  { at, bytes }: { at: number; bytes: { bit: number } | { put: Uint8Array } | { over: Uint8Array } },
): Uint8Array {
  const from = Math.floor(at * file.length);
  if ("bit" in bytes) return flipped(file, from * BITS_OF_BYTE + bytes.bit);
  if ("put" in bytes) return Buffer.concat([file.subarray(0, from), bytes.put, file.subarray(from)]);
  const copy = Uint8Array.from(file);
  copy.set(bytes.over.subarray(0, file.length - from), from);
  return copy;
}

/** A request to the dashboard or its API. */
export const anyRequest = fc.record({
  method: fc.constantFrom("GET", "GET", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"),
  path: fc.oneof(
    fc.constantFrom(
      ...["/", "/sign-in", "/sign-out", "/whatsapp", "/settings", "/settings/silent", "/activity", "/link", "/live"],
      ...[
        "/whatsapp/decide",
        "/settings/invites",
        "/whatsapp/K7QF",
        "/assets/kafclaw.css",
        "/assets/../main.js",
        "/assets/%2e%2e%2fmain.js",
      ],
      ...["/healthz", "/api/v1/status", "/api/v1/contacts", "/api/v1/audit", "/api/v1/messages", "/api/v1/sent"],
      ...[
        "/api/v1/invites",
        "/api/v1/link",
        "/api/v1/commands",
        "/api/v1/setup",
        "/api/v1/owner",
        "/api/v1/settings",
        "/api/v1/decisions",
        "/api/v1/decisions/undo",
        "/api/v1/token/reveal",
        "/api/v1/invites/%ff",
        "/api/v1/openapi.json",
      ],
      ...["/%ff", "/%00", "/a/../b", "/api/v1//status", "/API/V1/STATUS"],
    ),
    fc.webPath(),
  ),
  query: fc.oneof(
    fc.constantFrom("", "page=0", "page=-1", "page=1e9", "page=%00", "state=toString"),
    fc.webQueryParameters(),
  ),
  type: fc.constantFrom(
    ...["application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"],
    ...["application/json; charset=utf-16", "image/png"],
  ),
  header: fc.tuple(
    fc.constantFrom(
      "x-forwarded-for",
      "origin",
      "cookie",
      "accept",
      "accept-encoding",
      "if-none-match",
      "range",
      "referer",
    ),
    fc.stringMatching(/^[ -~]{0,60}$/),
  ),
  body: fc.oneof(
    fc.constantFrom("", "{", '{"__proto__":{"ok":true}}', "a[b]=1&a=2", "x".repeat(100_000), "[".repeat(50_000)),
    fc.json(),
    fc.string({ unit: "binary" }),
  ),
  isSignedIn: fc.boolean(),
});
