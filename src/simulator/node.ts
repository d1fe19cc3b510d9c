import { type BinaryNode, getBinaryNodeChild, S_WHATSAPP_NET } from "@whiskeysockets/baileys";
import type { Bundle } from "./signal.js";

/** The server's own address. */
export const SERVER = S_WHATSAPP_NET;

const KEY_TYPE = Buffer.from([5]);
const REGISTRATION_BYTES = 4;
const KEY_ID_BYTES = 3;

export function node(tag: string, attrs: Record<string, string> = {}, content?: BinaryNode["content"]): BinaryNode {
  return content === undefined ? { tag, attrs } : { tag, attrs, content };
}

/** The answer to a query. */
export function result(query: BinaryNode, content?: BinaryNode[]): BinaryNode {
  return node("iq", { from: SERVER, type: "result", id: query.attrs.id ?? "" }, content);
}

export function failure(query: BinaryNode, code: number, text: string): BinaryNode {
  const error = node("error", { code: String(code), text });
  return node("iq", { from: SERVER, type: "error", id: query.attrs.id ?? "" }, [error]);
}

export function children(parent: BinaryNode | undefined): BinaryNode[] {
  return Array.isArray(parent?.content) ? parent.content : [];
}

/** The bytes of a child's content. @throws when there are none. */
export function bytes(parent: BinaryNode | undefined, tag: string): Buffer {
  const content = getBinaryNodeChild(parent, tag)?.content;
  if (content instanceof Uint8Array) {
    return Buffer.from(content);
  }
  if (typeof content === "string") {
    return Buffer.from(content);
  }
  throw new Error(`The stanza <${parent?.tag ?? "?"}> has no <${tag}> with bytes.`);
}

export function number(parent: BinaryNode | undefined, tag: string): number {
  const value = bytes(parent, tag);
  return value.readUIntBE(0, value.length);
}

/** Reads a device's public keys from a stanza, as uploads and retry receipts carry them. */
export function readBundle(parent: BinaryNode | undefined, registrationId: number): Bundle {
  const signed = getBinaryNodeChild(parent, "skey");
  const once = getBinaryNodeChild(parent, "key");
  return {
    registrationId,
    identity: bytes(parent, "identity"),
    signedPreKey: readSigned(signed),
    ...(once ? { preKey: { id: number(once, "id"), key: bytes(once, "value") } } : {}),
  };
}

export function readSigned(signed: BinaryNode | undefined): { id: number; key: Buffer; signature: Buffer } {
  return { id: number(signed, "id"), key: bytes(signed, "value"), signature: bytes(signed, "signature") };
}

/** Writes a device's public keys for those who asked. */
export function writeBundle(bundle: Bundle): BinaryNode[] {
  const { signedPreKey, preKey } = bundle;
  return [
    node("registration", {}, bigEndian(bundle.registrationId, REGISTRATION_BYTES)),
    node("type", {}, KEY_TYPE),
    node("identity", {}, bundle.identity),
    node("skey", {}, [
      node("id", {}, bigEndian(signedPreKey.id, KEY_ID_BYTES)),
      node("value", {}, signedPreKey.key),
      node("signature", {}, signedPreKey.signature),
    ]),
    ...(preKey
      ? [node("key", {}, [node("id", {}, bigEndian(preKey.id, KEY_ID_BYTES)), node("value", {}, preKey.key)])]
      : []),
  ];
}

function bigEndian(value: number, size: number): Buffer {
  const buffer = Buffer.alloc(size);
  buffer.writeUIntBE(value, 0, size);
  return buffer;
}
