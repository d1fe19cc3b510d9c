import { type BinaryNode, encodeBigEndian } from "@whiskeysockets/baileys";
import type { Companion } from "./companion.js";
import { bytes, child, children, result, takeApart } from "./nodes.js";
import type { Phone } from "./phone.js";
import { bundleNode } from "./signal.js";

/** What queries need to know of the world. */
export interface World {
  byUser(user: string): Phone | undefined;
  /** The keys of one device, PN- or LID-addressed. */
  device(jid: string): { phone: Phone; companion?: Companion } | undefined;
  readonly blocked: Set<string>;
}

/** Answers a logged-in client's query; undefined where none of these knows it. */
export function answer(query: BinaryNode, companion: Companion, world: World): BinaryNode | undefined {
  const { xmlns, type } = query.attrs;
  const [first] = children(query);
  switch (xmlns) {
    case "encrypt":
      return encrypt(query, first, type ?? "", companion, world);
    case "usync":
      return usync(query, world);
    case "w:sync:app:state":
      return appState(query);
    case "blocklist":
      return blocklist(query, first, world);
    case "abt":
      return result(query, [{ tag: "props", attrs: { hash: "1" }, content: [] }]);
    case "privacy":
      return result(query, first?.tag === "tokens" ? [{ tag: "tokens", attrs: {}, content: [] }] : privacy());
    case "w:m":
      return result(query, [mediaConnection()]);
    case "w:mex":
      return result(query, [{ tag: "result", attrs: {}, content: Buffer.from(JSON.stringify({ data: {} })) }]);
    default:
      // Pings, passive, statistics, dirty bits: an empty yes is all that clients wait for.
      return result(query);
  }
}

function encrypt(
  query: BinaryNode,
  first: BinaryNode | undefined,
  type: string,
  companion: Companion,
  world: World,
): BinaryNode {
  if (type === "get" && first?.tag === "count") {
    return result(query, [{ tag: "count", attrs: { value: String(companion.preKeysLeft) } }]);
  }
  if (type === "get" && first?.tag === "digest") {
    return result(query, [{ tag: "digest", attrs: {}, content: [registration(companion)] }]);
  }
  if (type === "get" && first?.tag === "key") {
    const users = children(first).flatMap(({ attrs }) => {
      const device = world.device(attrs.jid ?? "");
      if (!device) return [];
      const bundle = device.companion ? device.companion.bundle() : device.phone.party.bundle();
      return [bundleNode(attrs.jid ?? "", bundle)];
    });
    return result(query, [{ tag: "list", attrs: {}, content: users }]);
  }
  if (first?.tag === "rotate") companion.rotate(child(first, "skey"));
  else if (type === "set") companion.takePreKeys(query);
  return result(query);
}

function registration(companion: Companion): BinaryNode {
  return { tag: "registration", attrs: {}, content: encodeBigEndian(companion.candidate.registrationId) };
}

/** Who is on WhatsApp, with which devices, under which LID. */
function usync(query: BinaryNode, world: World): BinaryNode {
  const sync = child(query, "usync");
  const wanted = children(child(sync, "query")).map(({ tag }) => tag);
  const users = children(child(sync, "list")).map((user): BinaryNode => {
    const typed = bytes(child(user, "contact")).toString().replace(/\D/g, "");
    const asked = user.attrs.jid ?? `${typed}@s.whatsapp.net`;
    const phone = world.byUser(takeApart(asked).user);
    const content = wanted.flatMap((tag): BinaryNode[] => {
      if (tag === "contact") return [{ tag, attrs: { type: phone ? "in" : "out" } }];
      if (!phone) return [];
      if (tag === "lid") return [{ tag, attrs: { val: phone.lidJid } }];
      return tag === "devices" ? [deviceList(phone)] : [];
    });
    return { tag: "user", attrs: { jid: asked }, content };
  });
  const list = { tag: "list", attrs: {}, content: users };
  return result(query, [{ tag: "usync", attrs: {}, content: [list] }]);
}

function deviceList(phone: Phone): BinaryNode {
  const own: BinaryNode = { tag: "device", attrs: { id: "0" } };
  const linked = phone.companions.map(({ device }): BinaryNode => {
    return { tag: "device", attrs: { id: String(device), "key-index": String(device) } };
  });
  return { tag: "devices", attrs: {}, content: [{ tag: "device-list", attrs: {}, content: [own, ...linked] }] };
}

/** Every collection is empty and stays at the version that the client has. */
function appState(query: BinaryNode): BinaryNode {
  const collections = children(child(query, "sync")).map(({ attrs }): BinaryNode => {
    return { tag: "collection", attrs: { name: attrs.name ?? "", version: attrs.version ?? "0", type: "result" } };
  });
  return result(query, [{ tag: "sync", attrs: {}, content: collections }]);
}

function blocklist(query: BinaryNode, item: BinaryNode | undefined, { blocked }: World): BinaryNode {
  const { jid, action } = item?.attrs ?? {};
  if (jid && action === "block") blocked.add(jid);
  if (jid && action === "unblock") blocked.delete(jid);
  const items = [...blocked].map((one): BinaryNode => ({ tag: "item", attrs: { jid: one } }));
  return result(query, [{ tag: "list", attrs: {}, content: items }]);
}

function privacy(): BinaryNode[] {
  const category = (name: string): BinaryNode => ({ tag: "category", attrs: { name, value: "all" } });
  return [{ tag: "privacy", attrs: {}, content: ["readreceipts", "last", "online", "profile"].map(category) }];
}

function mediaConnection(): BinaryNode {
  const host: BinaryNode = { tag: "host", attrs: { hostname: "localhost", maxContentLengthBytes: "100000000" } };
  return { tag: "media_conn", attrs: { auth: "simulator", ttl: "3600" }, content: [host] };
}
