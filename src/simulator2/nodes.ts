import { type BinaryNode, jidDecode } from "@whiskeysockets/baileys";

export const SERVER = "s.whatsapp.net";

/** The children of a node, none where its content is no list. */
export function children(node: BinaryNode | undefined): BinaryNode[] {
  return Array.isArray(node?.content) ? node.content : [];
}

export function child(node: BinaryNode | undefined, tag: string): BinaryNode | undefined {
  return children(node).find((one) => one.tag === tag);
}

/** A node's bytes. */
export function bytes(node: BinaryNode | undefined): Buffer {
  const content = node?.content;
  return content instanceof Uint8Array ? Buffer.from(content) : Buffer.from(typeof content === "string" ? content : "");
}

export function integer(node: BinaryNode | undefined): number {
  const content = bytes(node);
  return content.length === 0 ? 0 : content.readUIntBE(0, content.length);
}

/** `4917:3@lid` → user `4917`, server `lid`, device 3. */
export function takeApart(jid: string): { user: string; server: string; device: number } {
  const decoded = jidDecode(jid);
  return { user: decoded?.user ?? "", server: decoded?.server ?? "", device: decoded?.device ?? 0 };
}

/** The answer to a query. */
export function result(query: BinaryNode, content?: BinaryNode["content"]): BinaryNode {
  const attrs = { from: SERVER, type: "result", id: query.attrs.id ?? "" };
  return content === undefined ? { tag: "iq", attrs } : { tag: "iq", attrs, content };
}
