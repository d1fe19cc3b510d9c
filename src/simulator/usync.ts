import { type BinaryNode, getBinaryNodeChild, getBinaryNodeChildren, jidDecode } from "@whiskeysockets/baileys";
import type { Account } from "./account.js";
import type { Directory } from "./directory.js";
import { children, node } from "./node.js";
import { seconds } from "./outgoing.js";

/** Answers questions about people: their devices, their LIDs, whether a number is on WhatsApp. */
export function usync(directory: Directory, query: BinaryNode, now: number): BinaryNode {
  const asked = getBinaryNodeChild(query, "usync");
  const protocols = children(getBinaryNodeChild(asked, "query")).map((protocol) => protocol.tag);
  const users = getBinaryNodeChildren(getBinaryNodeChild(asked, "list"), "user");
  const { sid = "", mode = "query", context = "message" } = asked?.attrs ?? {};
  return node("usync", { sid, mode, context, last: "true", index: "0" }, [
    node(
      "result",
      {},
      protocols.map((protocol) => node(protocol)),
    ),
    node(
      "list",
      {},
      users.map((user) => answer(directory, user, protocols, now)),
    ),
  ]);
}

function answer(directory: Directory, user: BinaryNode, protocols: readonly string[], now: number): BinaryNode {
  const contact = getBinaryNodeChild(user, "contact")?.content;
  const dialled = contact === undefined || Array.isArray(contact) ? undefined : Buffer.from(contact).toString();
  const account = dialled === undefined ? directory.find(user.attrs.jid ?? "") : directory.dial(dialled);
  const jid = dialled === undefined ? (user.attrs.jid ?? "") : canonical(account, dialled);
  const byLid = jidDecode(jid)?.server === "lid";
  const content: BinaryNode[] = [];
  if (protocols.includes("devices")) {
    content.push(devices(account, now));
  }
  if (protocols.includes("lid") && !byLid && account?.lid !== undefined) {
    content.push(node("lid", { val: account.address("lid") }));
  }
  if (protocols.includes("contact")) {
    content.push(node("contact", { type: account === undefined ? "out" : "in" }, Buffer.from(dialled ?? "")));
  }
  return node("user", { jid }, content);
}

function canonical(account: Account | undefined, dialled: string): string {
  return account?.pn === undefined ? `${dialled.replace(/\D/g, "")}@s.whatsapp.net` : account.address("pn");
}

function devices(account: Account | undefined, now: number): BinaryNode {
  if (account === undefined) {
    return node("devices", {}, [node("device-list", {}, [])]);
  }
  const linked = [...account.companions.values()].map((companion) =>
    node("device", { id: String(companion.device), "key-index": String(companion.device) }),
  );
  return node("devices", {}, [
    node("device-list", {}, [node("device", { id: "0" }), ...linked]),
    node("key-index-list", { ts: seconds(now) }),
  ]);
}
