import {
  type AuthenticationCreds,
  addTransactionCapability,
  type BinaryNode,
  Curve,
  DEFAULT_CONNECTION_CONFIG,
  encodeBigEndian,
  generateSignalPubKey,
  initAuthCreds,
  type KeyPair,
  proto,
  type SignalDataSet,
  type SignalDataTypeMap,
  type SignalRepositoryWithLIDStore,
  unpadRandomMax16,
  writeRandomPadMax16,
} from "@whiskeysockets/baileys";
import type { Logger } from "pino";

/** The public keys with which a session to a device is begun. */
export interface Bundle {
  readonly registrationId: number;
  /** Without version byte. */
  readonly identity: Uint8Array;
  readonly signedPreKey: { readonly keyId: number; readonly public: Uint8Array; readonly signature: Uint8Array };
  readonly preKey?: { readonly keyId: number; readonly public: Uint8Array };
}

/** A phone's end of the encryption: its own keys, and a session with each device that it talks to. */
export class SignalParty {
  readonly creds: AuthenticationCreds;
  private readonly stored = new Map<string, unknown>();
  private readonly repository: SignalRepositoryWithLIDStore;
  private nextPreKey = 1;

  constructor(log: Logger) {
    this.creds = initAuthCreds();
    const { stored } = this;
    const keys = addTransactionCapability(
      {
        get<T extends keyof SignalDataTypeMap>(type: T, ids: string[]) {
          const found: { [id: string]: SignalDataTypeMap[T] } = {};
          // What was stored under a type's key is of that type.
          for (const id of ids)
            if (stored.has(`${type}/${id}`)) found[id] = stored.get(`${type}/${id}`) as SignalDataTypeMap[T];
          return found;
        },
        set(data: SignalDataSet) {
          for (const [type, entries] of Object.entries(data)) {
            for (const [id, value] of Object.entries(entries)) {
              if (value === null) stored.delete(`${type}/${id}`);
              else stored.set(`${type}/${id}`, value);
            }
          }
        },
      },
      log,
      { maxCommitRetries: 1, delayBetweenTriesMs: 0 },
    );
    this.repository = DEFAULT_CONNECTION_CONFIG.makeSignalRepository({ creds: this.creds, keys }, log);
  }

  /** The account's identity key. */
  get identity(): KeyPair {
    return this.creds.signedIdentityKey;
  }

  /** Hands out keys for one new session, with a one-time key. */
  bundle(): Bundle {
    const pair = Curve.generateKeyPair();
    const keyId = this.nextPreKey++;
    this.stored.set(`pre-key/${keyId}`, pair);
    const { keyPair, keyId: signedId, signature } = this.creds.signedPreKey;
    return {
      registrationId: this.creds.registrationId,
      identity: this.identity.public,
      signedPreKey: { keyId: signedId, public: keyPair.public, signature },
      preKey: { keyId, public: pair.public },
    };
  }

  /** Is there a session with this device? */
  async knows(jid: string): Promise<boolean> {
    return (await this.repository.validateSession(jid)).exists;
  }

  /** Begins a session with a device, in place of the one there is. */
  async meet(jid: string, bundle: Bundle): Promise<void> {
    await this.repository.deleteSession([jid]);
    await this.repository.injectE2ESession({
      jid,
      session: {
        registrationId: bundle.registrationId,
        identityKey: generateSignalPubKey(bundle.identity),
        signedPreKey: {
          keyId: bundle.signedPreKey.keyId,
          publicKey: generateSignalPubKey(bundle.signedPreKey.public),
          signature: bundle.signedPreKey.signature,
        },
        // libsignal takes a bundle without one-time key, though its type demands one.
        preKey: bundle.preKey && { keyId: bundle.preKey.keyId, publicKey: generateSignalPubKey(bundle.preKey.public) },
      } as Parameters<SignalRepositoryWithLIDStore["injectE2ESession"]>[0]["session"],
    });
  }

  async encrypt(jid: string, message: proto.IMessage): Promise<{ type: "pkmsg" | "msg"; ciphertext: Uint8Array }> {
    const data = writeRandomPadMax16(proto.Message.encode(message).finish());
    return this.repository.encryptMessage({ jid, data });
  }

  async decrypt(jid: string, type: "pkmsg" | "msg", ciphertext: Uint8Array): Promise<proto.Message> {
    const plaintext = await this.repository.decryptMessage({ jid, type, ciphertext });
    return proto.Message.decode(unpadRandomMax16(plaintext));
  }
}

/** A bundle as the server gives it to a client that asks for a device's keys. */
export function bundleNode(jid: string, bundle: Bundle): BinaryNode {
  const { registrationId, identity, signedPreKey, preKey } = bundle;
  const content: BinaryNode[] = [
    { tag: "registration", attrs: {}, content: encodeBigEndian(registrationId) },
    { tag: "type", attrs: {}, content: Buffer.from([5]) },
    { tag: "identity", attrs: {}, content: identity },
    {
      tag: "skey",
      attrs: {},
      content: [
        { tag: "id", attrs: {}, content: encodeBigEndian(signedPreKey.keyId, 3) },
        { tag: "value", attrs: {}, content: signedPreKey.public },
        { tag: "signature", attrs: {}, content: signedPreKey.signature },
      ],
    },
  ];
  if (preKey) {
    content.push({
      tag: "key",
      attrs: {},
      content: [
        { tag: "id", attrs: {}, content: encodeBigEndian(preKey.keyId, 3) },
        { tag: "value", attrs: {}, content: preKey.public },
      ],
    });
  }
  return { tag: "user", attrs: { jid }, content };
}
