import { randomBytes } from "node:crypto";
import {
  aesDecryptCTR,
  aesDecryptGCM,
  aesEncryptCTR,
  type BinaryNode,
  Curve,
  derivePairingCodeKey,
  getBinaryNodeChild,
  hkdf,
  hmacSign,
  type KeyPair,
  proto,
  WA_ADV_ACCOUNT_SIG_PREFIX,
  WA_ADV_DEVICE_SIG_PREFIX,
} from "@whiskeysockets/baileys";
import { verify } from "curve25519-js";
import { type Account, Companion } from "./account.js";
import type { Connection } from "./connection.js";
import type { Directory } from "./directory.js";
import { bytes, node, result, SERVER } from "./node.js";
import { seconds } from "./outgoing.js";
import { Watch } from "./watch.js";

/** As many QR codes as WhatsApp offers on one connection. */
const REFS = 6;
const PHONE_PLATFORM = "android";

/** What the phone and the companion agreed on by pairing code. */
interface CodePairing {
  readonly ref: Buffer;
  readonly pn: string;
  readonly wrappedKey: Buffer;
  /** Set once a phone typed the code. */
  phone?: { readonly account: Account; readonly ephemeral: KeyPair; readonly companionKey: Buffer };
}

/** One companion that waits to be linked. */
interface Waiting {
  readonly connection: Connection;
  readonly data: proto.ClientPayload.IDevicePairingRegistrationData;
  readonly refs: readonly string[];
  code?: CodePairing;
  linking?: { readonly companion: Companion; readonly account: Account; readonly details: Uint8Array };
  /** The outcome, for the phone that waits. */
  outcome?: Companion | Error;
}

/** Links companions to accounts: by a scanned QR code, or by a code typed on the phone. */
export class Pairing {
  readonly #clock: () => number;
  readonly #directory: Directory;
  readonly #waiting = new Map<Connection, Waiting>();
  readonly #watch = new Watch();

  constructor(clock: () => number, directory: Directory) {
    this.#clock = clock;
    this.#directory = directory;
  }

  /** Offers QR codes to a companion that wants to register. */
  offer(connection: Connection, data: proto.ClientPayload.IDevicePairingRegistrationData): void {
    const refs = Array.from({ length: REFS }, () => `2@${randomBytes(48).toString("base64")}`);
    this.#waiting.set(connection, { connection, data, refs });
    const offer = node(
      "pair-device",
      {},
      refs.map((ref) => node("ref", {}, Buffer.from(ref))),
    );
    const attrs = { from: SERVER, type: "set", id: randomBytes(4).toString("hex"), xmlns: "md" };
    connection.send(node("iq", attrs, [offer]));
    this.#watch.changed();
  }

  closed(connection: Connection): void {
    const waiting = this.#waiting.get(connection);
    if (waiting !== undefined) {
      waiting.outcome ??= new Error("The companion went away before it was linked.");
      this.#waiting.delete(connection);
      this.#watch.changed();
    }
  }

  /** Handles an iq of a companion that is not linked yet. */
  async iq(connection: Connection, iq: BinaryNode): Promise<void> {
    const waiting = this.#waiting.get(connection);
    if (waiting === undefined) {
      return;
    }
    const sign = getBinaryNodeChild(iq, "pair-device-sign");
    const code = getBinaryNodeChild(iq, "link_code_companion_reg");
    if (sign !== undefined) {
      this.#signed(waiting, sign);
    } else if (code?.attrs.stage === "companion_hello") {
      this.#codeHello(waiting, iq, code);
    } else if (code?.attrs.stage === "companion_finish") {
      connection.send(result(iq));
      this.#codeFinish(waiting, code);
    }
  }

  /**
   * The phone scans a QR code.
   * @returns the linked companion.
   * @throws when nobody shows that code, or the code doesn't fit the companion that shows it.
   */
  async scan(account: Account, payload: string): Promise<Companion> {
    const parts = payload.slice(payload.indexOf("#") + 1).split(",");
    const [ref = "", noise = "", identity = "", secret = ""] = parts;
    const waiting = [...this.#waiting.values()].find((candidate) => candidate.refs.includes(ref));
    if (waiting === undefined) {
      throw new Error("No companion shows this QR code (any more).");
    }
    const shown = Buffer.from(waiting.data.eIdent ?? []).toString("base64");
    if (noise !== waiting.connection.key.toString("base64") || identity !== shown) {
      throw new Error("The keys in the QR code are not those of the companion that shows it.");
    }
    this.#link(waiting, account, Buffer.from(secret, "base64"));
    return this.#outcome(waiting);
  }

  /**
   * The phone types a pairing code. Waits for a companion that asked for one for this number.
   * @throws when the code is wrong.
   */
  async enterCode(account: Account, code: string): Promise<Companion> {
    const waiting = await this.#watch.until(
      () =>
        [...this.#waiting.values()].find((candidate) => candidate.code?.pn === account.pn && !candidate.code?.phone),
      () => `No companion has asked to be linked with ${account.label} by code.`,
    );
    const pairing = waiting.code;
    if (pairing === undefined) {
      throw new Error("The companion took its request for a code back.");
    }
    const key = await derivePairingCodeKey(code, pairing.wrappedKey.subarray(0, 32));
    const companionKey = aesDecryptCTR(pairing.wrappedKey.subarray(48, 80), key, pairing.wrappedKey.subarray(32, 48));
    const ephemeral = Curve.generateKeyPair();
    pairing.phone = { account, ephemeral, companionKey };
    const salt = randomBytes(32);
    const iv = randomBytes(16);
    const sealed = aesEncryptCTR(ephemeral.public, await derivePairingCodeKey(code, salt), iv);
    const attrs = {
      from: SERVER,
      type: "link_code_companion_reg",
      id: randomBytes(4).toString("hex"),
      t: seconds(this.#clock()),
    };
    const answer = node("link_code_companion_reg", { stage: "primary_hello" }, [
      node("link_code_pairing_wrapped_primary_ephemeral_pub", {}, Buffer.concat([salt, iv, sealed])),
      node("primary_identity_pub", {}, account.signal.identity.public),
      node("link_code_pairing_ref", {}, pairing.ref),
    ]);
    waiting.connection.send(node("notification", attrs, [answer]));
    return this.#outcome(waiting);
  }

  #codeHello(waiting: Waiting, iq: BinaryNode, code: BinaryNode): void {
    const ref = randomBytes(16);
    waiting.code = {
      ref,
      pn: code.attrs.jid?.split("@")[0] ?? "",
      wrappedKey: bytes(code, "link_code_pairing_wrapped_companion_ephemeral_pub"),
    };
    const answer = node("link_code_companion_reg", {}, [node("link_code_pairing_ref", {}, ref)]);
    waiting.connection.send(result(iq, [answer]));
    this.#watch.changed();
  }

  #codeFinish(waiting: Waiting, code: BinaryNode): void {
    const phone = waiting.code?.phone;
    if (phone === undefined) {
      throw new Error("The companion finished a pairing by code that no phone has begun.");
    }
    const bundle = bytes(code, "link_code_pairing_wrapped_key_bundle");
    const shared = Curve.sharedKey(phone.ephemeral.private, phone.companionKey);
    const key = Buffer.from(
      hkdf(shared, 32, { salt: bundle.subarray(0, 32), info: "link_code_pairing_key_bundle_encryption_key" }),
    );
    let opened: Buffer;
    try {
      opened = aesDecryptGCM(bundle.subarray(44), key, bundle.subarray(32, 44), Buffer.alloc(0));
    } catch {
      waiting.outcome = new Error("The pairing code is wrong.");
      delete waiting.code;
      this.#watch.changed();
      return;
    }
    const companionIdentity = opened.subarray(0, 32);
    if (!companionIdentity.equals(bytes(code, "companion_identity_public"))) {
      throw new Error("The companion showed two different identities while pairing by code.");
    }
    const identityShared = Curve.sharedKey(phone.account.signal.identity.private, companionIdentity);
    const secret = hkdf(Buffer.concat([shared, identityShared, opened.subarray(64)]), 32, { info: "adv_secret" });
    this.#link(waiting, phone.account, Buffer.from(secret));
  }

  /** Signs the companion into the account and tells it so. */
  #link(waiting: Waiting, account: Account, secret: Buffer): void {
    const { data, connection } = waiting;
    const identity = Buffer.from(data.eIdent ?? []);
    account.lastDevice += 1;
    const companion = new Companion(account, account.lastDevice, connection.key, {
      registrationId: Buffer.from(data.eRegid ?? []).readUInt32BE(),
      identity,
      signedPreKey: {
        id: Buffer.from(data.eSkeyId ?? []).readUIntBE(0, 3),
        key: Buffer.from(data.eSkeyVal ?? []),
        signature: Buffer.from(data.eSkeySig ?? []),
      },
      preKeys: [],
    });
    const details = proto.ADVDeviceIdentity.encode({
      rawId: randomBytes(4).readUInt32BE(),
      timestamp: Math.floor(this.#clock() / 1000),
      keyIndex: companion.device,
    }).finish();
    const own = account.signal.identity;
    const signed = proto.ADVSignedDeviceIdentity.encode({
      details,
      accountSignatureKey: own.public,
      accountSignature: Curve.sign(own.private, Buffer.concat([WA_ADV_ACCOUNT_SIG_PREFIX, details, identity])),
    }).finish();
    const sealed = proto.ADVSignedDeviceIdentityHMAC.encode({
      details: signed,
      hmac: hmacSign(signed, secret),
    }).finish();
    waiting.linking = { companion, account, details };
    const lid = account.lid === undefined ? {} : { lid: companion.address("lid") };
    const attrs = {
      from: SERVER,
      type: "set",
      id: randomBytes(4).toString("hex"),
      xmlns: "md",
      t: seconds(this.#clock()),
    };
    connection.send(
      node("iq", attrs, [
        node("pair-success", {}, [
          node("device-identity", {}, sealed),
          node("device", { jid: companion.address("pn"), ...lid }),
          node("platform", { name: PHONE_PLATFORM }),
        ]),
      ]),
    );
  }

  /** The companion signed its identity: it is linked, and has to connect anew. */
  #signed(waiting: Waiting, sign: BinaryNode): void {
    const { linking, connection, data } = waiting;
    if (linking === undefined) {
      throw new Error("The companion signed an identity that nobody gave it.");
    }
    const { details, deviceSignature } = proto.ADVSignedDeviceIdentity.decode(bytes(sign, "device-identity"));
    const identity = Buffer.from(data.eIdent ?? []);
    const message = Buffer.concat([
      WA_ADV_DEVICE_SIG_PREFIX,
      linking.details,
      identity,
      linking.account.signal.identity.public,
    ]);
    if (
      !Buffer.from(details ?? []).equals(Buffer.from(linking.details)) ||
      !verify(identity, message, Buffer.from(deviceSignature ?? []))
    ) {
      waiting.outcome = new Error("The companion's signature under its new identity is wrong.");
    } else {
      this.#directory.link(linking.companion);
      waiting.outcome = linking.companion;
    }
    this.#waiting.delete(connection);
    connection.send(node("stream:error", { code: "515" }));
    connection.close();
    this.#watch.changed();
  }

  #outcome(waiting: Waiting): Promise<Companion> {
    return this.#watch.until(
      () => {
        if (waiting.outcome instanceof Error) {
          throw waiting.outcome;
        }
        return waiting.outcome;
      },
      () => "The companion did not answer while it was being linked.",
    );
  }
}
