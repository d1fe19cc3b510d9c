import { type BinaryNode, getBinaryNodeChild, getBinaryNodeChildren, jidDecode } from "@whiskeysockets/baileys";
import type { Companion } from "./account.js";
import type { Directory } from "./directory.js";
import { bytes, children, failure, node, number, readSigned, result, writeBundle } from "./node.js";
import type { Bundle } from "./signal.js";
import { usync } from "./usync.js";

const MEDIA_HOST = "mmg.whatsapp.net";
const MEDIA_TTL_SECONDS = "3600";
/** Answers to the two questions about the account's limits that rc14 knows: it has none. */
const NO_LIMITS = { xwa2_fetch_account_reachout_timelock: { is_active: false }, xwa2_message_capping_info: {} };

/** What the server does besides answering, when a query asks for it. */
export interface QueryEffects {
  /** The companion is ready for what waited. */
  active(companion: Companion): void;
  /** The companion logged itself, or another companion of its account, out. */
  removed(companion: Companion): void;
}

/** Answers a linked companion's queries. @returns the answer, and what is to happen after it was sent. */
export function answerQuery(
  companion: Companion,
  query: BinaryNode,
  context: { directory: Directory; now: number; effects: QueryEffects },
): { answer: BinaryNode; after?: () => void } {
  const { directory, now, effects } = context;
  switch (query.attrs.xmlns) {
    case "encrypt":
      return encryption(companion, query, directory);
    case "passive":
      return {
        answer: result(query),
        ...(getBinaryNodeChild(query, "active") ? { after: () => effects.active(companion) } : {}),
      };
    case "abt":
      return { answer: result(query, [node("props", { protocol: "1" })]) };
    case "blocklist":
      return { answer: result(query, [blocklist(companion, query, directory)]) };
    case "privacy":
      return { answer: result(query, query.attrs.type === "get" ? [privacy()] : undefined) };
    case "w:sync:app:state":
      return { answer: result(query, [appState(query)]) };
    case "usync":
      return { answer: result(query, [usync(directory, query, now)]) };
    case "w:m":
      return { answer: result(query, [mediaHosts()]) };
    case "w:mex":
      return { answer: result(query, [node("result", {}, Buffer.from(JSON.stringify({ data: NO_LIMITS })))]) };
    case "w:g2":
      return { answer: failure(query, 404, "item-not-found") };
    case "md":
      return logout(companion, query, effects);
    default:
      return { answer: result(query) };
  }
}

function encryption(
  companion: Companion,
  query: BinaryNode,
  directory: Directory,
): { answer: BinaryNode; after?: () => void } {
  const { keys } = companion;
  const [asked] = children(query);
  if (query.attrs.type === "get" && asked?.tag === "count") {
    return { answer: result(query, [node("count", { value: String(keys.preKeys.length) })]) };
  }
  if (query.attrs.type === "get" && asked?.tag === "digest") {
    return {
      answer: companion.keyed ? result(query, [node("digest", {}, writeBundle(keys))]) : failure(query, 404, ""),
    };
  }
  if (query.attrs.type === "get" && asked?.tag === "key") {
    const users = getBinaryNodeChildren(asked, "user").map((user) => handOut(directory, user.attrs.jid ?? ""));
    return { answer: result(query, [node("list", {}, users)]) };
  }
  const rotated = getBinaryNodeChild(query, "rotate");
  if (rotated !== undefined) {
    keys.signedPreKey = readSigned(getBinaryNodeChild(rotated, "skey"));
    return { answer: result(query) };
  }
  if (!bytes(query, "identity").equals(keys.identity)) {
    return { answer: failure(query, 406, "not-acceptable") };
  }
  keys.signedPreKey = readSigned(getBinaryNodeChild(query, "skey"));
  for (const key of children(getBinaryNodeChild(query, "list"))) {
    keys.preKeys.push({ id: number(key, "id"), key: bytes(key, "value") });
  }
  return { answer: result(query), after: () => companion.uploaded() };
}

/** The keys of one device, for somebody who wants to write to it. */
function handOut(directory: Directory, jid: string): BinaryNode {
  const account = directory.find(jid);
  const device = jidDecode(jid)?.device ?? 0;
  const companion = account?.companions.get(device);
  let bundle: Bundle | undefined;
  if (account !== undefined && device === 0) {
    bundle = account.signal.bundle();
  } else if (companion?.keyed) {
    const preKey = companion.keys.preKeys.shift();
    bundle = { ...companion.keys, ...(preKey ? { preKey } : {}) };
  }
  return bundle
    ? node("user", { jid }, writeBundle(bundle))
    : node("user", { jid }, [node("error", { code: "404", text: "item-not-found" })]);
}

function blocklist(companion: Companion, query: BinaryNode, directory: Directory): BinaryNode {
  const { blocked } = companion.account;
  for (const item of getBinaryNodeChildren(query, "item")) {
    const account = directory.find(item.attrs.jid ?? "");
    if (account !== undefined && item.attrs.action === "block") {
      blocked.add(account);
    } else if (account !== undefined) {
      blocked.delete(account);
    }
  }
  return node(
    "list",
    {},
    [...blocked].map((account) => node("item", { jid: account.address("lid") })),
  );
}

function privacy(): BinaryNode {
  const settings = {
    readreceipts: "all",
    profile: "all",
    status: "contacts",
    online: "all",
    last: "all",
    groupadd: "all",
  };
  return node(
    "privacy",
    {},
    Object.entries(settings).map(([name, value]) => node("category", { name, value })),
  );
}

/** Every collection is empty, at whatever version the companion believes it to be. */
function appState(query: BinaryNode): BinaryNode {
  const asked = getBinaryNodeChildren(getBinaryNodeChild(query, "sync"), "collection");
  return node(
    "sync",
    {},
    asked.map(({ attrs }) =>
      node("collection", { name: attrs.name ?? "", version: attrs.version ?? "0" }, [node("patches")]),
    ),
  );
}

function mediaHosts(): BinaryNode {
  const attrs = { auth: "none", ttl: MEDIA_TTL_SECONDS, auth_ttl: MEDIA_TTL_SECONDS, max_buckets: "12" };
  return node("media_conn", attrs, [node("host", { hostname: MEDIA_HOST })]);
}

function logout(
  companion: Companion,
  query: BinaryNode,
  effects: QueryEffects,
): { answer: BinaryNode; after?: () => void } {
  const device = jidDecode(getBinaryNodeChild(query, "remove-companion-device")?.attrs.jid)?.device;
  const removed = device === undefined ? undefined : companion.account.companions.get(device);
  return { answer: result(query), ...(removed ? { after: () => effects.removed(removed) } : {}) };
}
