import { type BinaryNode, getBinaryNodeChild, getBinaryNodeChildren } from "@whiskeysockets/baileys";

/** The answer to a question for devices that lists one more with everybody, which nobody has keys of. */
export function withDevice({ attrs, content }: BinaryNode, device: Record<string, string>): BinaryNode | undefined {
  const usync = Array.isArray(content) ? content.find(({ tag }) => tag === "usync") : undefined;
  if (!usync || !JSON.stringify(usync).includes('"devices"')) return undefined;
  const list = getBinaryNodeChild(usync, "list");
  const devices = [{ id: "0" }, device].map((each) => ({ tag: "device", attrs: { ...each, "key-index": "1" } }));
  const users = getBinaryNodeChildren(list, "user").map(({ attrs: { jid = "" } }) => ({
    tag: "user",
    attrs: { jid },
    content: [{ tag: "devices", attrs: {}, content: [{ tag: "device-list", attrs: {}, content: devices }] }],
  }));
  const found: BinaryNode = { ...usync, content: [{ tag: "list", attrs: {}, content: users }] };
  return { tag: "iq", attrs: { id: attrs.id ?? "", type: "result", from: "s.whatsapp.net" }, content: [found] };
}
