import { createHmac } from "node:crypto";
import { type BinaryNode, Curve, proto } from "@whiskeysockets/baileys";
import type { Connection } from "./connection.js";
import { bytes, child, children, integer } from "./nodes.js";
import type { Bundle } from "./signal.js";

/** What a waiting client told of itself when it connected to be linked. */
export interface Candidate {
  readonly connection: Connection;
  readonly noiseKey: Buffer;
  readonly identity: Buffer;
  readonly registrationId: number;
  readonly signedPreKey: Bundle["signedPreKey"];
}

/** A message for a companion, kept until the companion has confirmed it. */
export interface Queued {
  readonly id: string;
  /** Makes the stanza; encrypted anew each time it leaves, as the phone may have met the companion again meanwhile. */
  readonly node: BinaryNode;
}

/** A device linked to an account. */
export class Companion {
  connection: Connection | undefined;
  /** Has had keys and history from its phone. */
  introduced = false;
  /** Logged in, and done with what came while it was away. */
  ready = false;
  readonly queue: Queued[] = [];
  private preKeys = new Map<number, Uint8Array>();
  private signedPreKey: Bundle["signedPreKey"];

  constructor(
    readonly device: number,
    readonly jid: string,
    readonly lid: string,
    readonly candidate: Candidate,
  ) {
    this.signedPreKey = candidate.signedPreKey;
  }

  get preKeysLeft(): number {
    return this.preKeys.size;
  }

  /** Keys for a new session; each one-time key is given once. */
  bundle(): Bundle {
    const { registrationId, identity } = this.candidate;
    const [first] = this.preKeys;
    if (first) this.preKeys.delete(first[0]);
    return {
      registrationId,
      identity,
      signedPreKey: this.signedPreKey,
      ...(first ? { preKey: { keyId: first[0], public: first[1] } } : {}),
    };
  }

  takePreKeys(upload: BinaryNode): void {
    for (const key of children(child(upload, "list"))) {
      this.preKeys.set(integer(child(key, "id")), bytes(child(key, "value")));
    }
    this.rotate(child(upload, "skey"));
  }

  rotate(key: BinaryNode | undefined): void {
    if (!key) return;
    const [id, value, signature] = ["id", "value", "signature"].map((tag) => child(key, tag));
    this.signedPreKey = { keyId: integer(id), public: bytes(value), signature: bytes(signature) };
  }
}

/**
 * The account's signature under a new device, as its phone makes it when the code is scanned.
 * @param secret the `adv` secret of the QR, or the one that both sides derived from a pairing code
 */
export function signDevice(
  account: { public: Uint8Array; private: Uint8Array },
  candidate: Candidate,
  secret: Buffer,
  keyIndex: number,
): Uint8Array {
  const details = proto.ADVDeviceIdentity.encode({
    rawId: 1,
    timestamp: Math.floor(Date.now() / 1000),
    keyIndex,
  }).finish();
  const signed = Buffer.concat([Buffer.from([6, 0]), details, candidate.identity]);
  const identity = proto.ADVSignedDeviceIdentity.encode({
    details,
    accountSignatureKey: account.public,
    accountSignature: Curve.sign(account.private, signed),
  }).finish();
  const hmac = createHmac("sha256", secret).update(identity).digest();
  return proto.ADVSignedDeviceIdentityHMAC.encode({ details: identity, hmac }).finish();
}
