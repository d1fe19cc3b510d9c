import { randomBytes } from "node:crypto";
import {
  aesDecryptCTR,
  aesDecryptGCM,
  aesEncryptCTR,
  type BinaryNode,
  Curve,
  derivePairingCodeKey,
  hkdf,
  type KeyPair,
} from "@whiskeysockets/baileys";
import { bytes, child } from "./nodes.js";

/** A client that showed a pairing code and waits for a phone to enter it. */
export interface CodeWaiting {
  readonly ref: Buffer;
  /** Bare user of the number that is to be linked. */
  readonly user: string;
  /** The client's ephemeral key, wrapped with the code. */
  readonly wrapped: Buffer;
  /** Set once the phone has answered: its ephemeral keys, and the client's unwrapped one. */
  answered?: { readonly ephemeral: KeyPair; readonly companion: Buffer };
}

const REFS = 6;

/** The server's offer to be scanned. */
export function pairDevice(id: string): { node: BinaryNode; refs: string[] } {
  const refs = Array.from({ length: REFS }, () => `2@${randomBytes(24).toString("base64")}`);
  const content = refs.map((ref) => ({ tag: "ref", attrs: {}, content: Buffer.from(ref) }));
  const attrs = { from: "s.whatsapp.net", type: "set", id, xmlns: "md" };
  return { node: { tag: "iq", attrs, content: [{ tag: "pair-device", attrs: {}, content }] }, refs };
}

/** What a QR holds: `https://wa.me/settings/linked_devices#ref,noise,identity,adv,platform`, or its part behind the `#`. */
export function readQr(payload: string): { ref: string; identity: Buffer; secret: Buffer } {
  const [ref, , identity, secret] = payload.slice(payload.indexOf("#") + 1).split(",");
  if (!ref || !identity || !secret) throw new Error(`not a WhatsApp QR: ${payload.slice(0, 80)}`);
  return { ref, identity: Buffer.from(identity, "base64"), secret: Buffer.from(secret, "base64") };
}

/** A client asks to be linked by code. */
export function readCompanionHello(query: BinaryNode): CodeWaiting {
  const hello = child(query, "link_code_companion_reg");
  const wrapped = bytes(child(hello, "link_code_pairing_wrapped_companion_ephemeral_pub"));
  return { ref: randomBytes(16), user: hello?.attrs.jid?.split("@")[0] ?? "", wrapped };
}

/** The phone's answer to a code that its owner typed in. */
export async function primaryHello(
  waiting: CodeWaiting,
  code: string,
  account: KeyPair,
  id: string,
): Promise<BinaryNode> {
  const key = await derivePairingCodeKey(code, waiting.wrapped.subarray(0, 32));
  const companion = aesDecryptCTR(waiting.wrapped.subarray(48, 80), key, waiting.wrapped.subarray(32, 48));
  const ephemeral = Curve.generateKeyPair();
  waiting.answered = { ephemeral, companion };
  const salt = randomBytes(32);
  const iv = randomBytes(16);
  const sealed = aesEncryptCTR(ephemeral.public, await derivePairingCodeKey(code, salt), iv);
  return {
    tag: "notification",
    attrs: { from: "s.whatsapp.net", type: "link_code_companion_reg", id, t: String(Math.floor(Date.now() / 1000)) },
    content: [
      {
        tag: "link_code_companion_reg",
        attrs: { stage: "primary_hello" },
        content: [
          {
            tag: "link_code_pairing_wrapped_primary_ephemeral_pub",
            attrs: {},
            content: Buffer.concat([salt, iv, sealed]),
          },
          { tag: "primary_identity_pub", attrs: {}, content: account.public },
          { tag: "link_code_pairing_ref", attrs: {}, content: waiting.ref },
        ],
      },
    ],
  };
}

/**
 * The client has proved that it knows the code.
 * @returns the secret under which the phone signs the new device
 * @throws Error when the code was wrong
 */
export function readCompanionFinish(query: BinaryNode, waiting: CodeWaiting, account: KeyPair): Buffer {
  const finish = child(query, "link_code_companion_reg");
  const sealed = bytes(child(finish, "link_code_pairing_wrapped_key_bundle"));
  const { answered } = waiting;
  if (!answered) throw new Error("the phone has not answered yet");
  const shared = Curve.sharedKey(answered.ephemeral.private, answered.companion);
  const info = "link_code_pairing_key_bundle_encryption_key";
  const key = hkdf(shared, 32, { salt: sealed.subarray(0, 32), info });
  const bundle = aesDecryptGCM(sealed.subarray(44), key, sealed.subarray(32, 44), Buffer.alloc(0));
  const identity = Curve.sharedKey(account.private, bundle.subarray(0, 32));
  const secret = Buffer.concat([shared, identity, bundle.subarray(64, 96)]);
  return Buffer.from(hkdf(secret, 32, { info: "adv_secret" }));
}
