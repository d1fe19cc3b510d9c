import {
  aesDecryptGCM,
  aesEncryptGCM,
  Curve,
  hkdf,
  type KeyPair,
  NOISE_MODE,
  NOISE_WA_HEADER,
  proto,
  sha256,
  WA_CERT_DETAILS,
} from "@whiskeysockets/baileys";

const NOTHING = Buffer.alloc(0);
const LEAF_SERIAL = 1;

/** The server's static Noise key and the certificate chain that vouches for it. */
export interface Certificates {
  readonly key: KeyPair;
  readonly chain: Uint8Array;
}

/** Issues the server's certificates: root signs intermediate, intermediate signs leaf, leaf holds the static key. */
export function certify(root: KeyPair): Certificates {
  const { Details } = proto.CertChain.NoiseCertificate;
  const key = Curve.generateKeyPair();
  const middle = Curve.generateKeyPair();
  const middleDetails = Details.encode({
    serial: WA_CERT_DETAILS.SERIAL,
    issuerSerial: WA_CERT_DETAILS.SERIAL,
    key: middle.public,
  }).finish();
  const leafDetails = Details.encode({
    serial: LEAF_SERIAL,
    issuerSerial: WA_CERT_DETAILS.SERIAL,
    key: key.public,
  }).finish();
  const chain = proto.CertChain.encode({
    intermediate: { details: middleDetails, signature: Curve.sign(root.private, middleDetails) },
    leaf: { details: leafDetails, signature: Curve.sign(middle.private, leafDetails) },
  }).finish();
  return { key, chain };
}

/** One direction of the encrypted stream after the handshake. */
class Cipher {
  #counter = 0;
  constructor(readonly key: Uint8Array) {}

  nonce(): Buffer {
    const iv = Buffer.alloc(12);
    iv.writeUInt32BE(this.#counter++, 8);
    return iv;
  }
}

/** The server's side of Noise XX, as WhatsApp runs it, for one connection. */
export class NoiseServer {
  readonly #certificates: Certificates;
  readonly #ephemeral = Curve.generateKeyPair();
  #hash: Buffer;
  #salt: Buffer;
  #key: Buffer;
  #counter = 0;
  #in: Cipher | undefined;
  #out: Cipher | undefined;

  constructor(certificates: Certificates) {
    this.#certificates = certificates;
    this.#hash = Buffer.from(NOISE_MODE);
    this.#salt = this.#hash;
    this.#key = this.#hash;
    this.#mixHash(NOISE_WA_HEADER);
  }

  /** Answers the client's hello with our ephemeral key, static key and certificates. */
  hello(clientEphemeral: Uint8Array): Uint8Array {
    this.#mixHash(clientEphemeral);
    this.#mixHash(this.#ephemeral.public);
    this.#mixKey(Curve.sharedKey(this.#ephemeral.private, clientEphemeral));
    const encryptedStatic = this.#encrypt(this.#certificates.key.public);
    this.#mixKey(Curve.sharedKey(this.#certificates.key.private, clientEphemeral));
    const payload = this.#encrypt(this.#certificates.chain);
    const serverHello = { ephemeral: this.#ephemeral.public, static: encryptedStatic, payload };
    return proto.HandshakeMessage.encode({ serverHello }).finish();
  }

  /**
   * Takes the client's finish.
   * @returns the client's static key and what it wants (login or registration).
   * @throws when the client doesn't hold the keys it claims.
   */
  finish(encryptedStatic: Uint8Array, encryptedPayload: Uint8Array): { key: Buffer; payload: proto.ClientPayload } {
    const key = this.#decrypt(encryptedStatic);
    this.#mixKey(Curve.sharedKey(this.#ephemeral.private, key));
    const payload = proto.ClientPayload.decode(this.#decrypt(encryptedPayload));
    const [clientWrites, clientReads] = this.#derive(NOTHING);
    this.#in = new Cipher(clientWrites);
    this.#out = new Cipher(clientReads);
    return { key, payload };
  }

  encrypt(plain: Uint8Array): Buffer {
    if (this.#out === undefined) {
      throw new Error("The Noise handshake is not finished.");
    }
    return aesEncryptGCM(plain, this.#out.key, this.#out.nonce(), NOTHING);
  }

  decrypt(sealed: Uint8Array): Buffer {
    if (this.#in === undefined) {
      throw new Error("The Noise handshake is not finished.");
    }
    return aesDecryptGCM(sealed, this.#in.key, this.#in.nonce(), NOTHING);
  }

  #encrypt(plain: Uint8Array): Buffer {
    const sealed = aesEncryptGCM(plain, this.#key, this.#nonce(), this.#hash);
    this.#mixHash(sealed);
    return sealed;
  }

  #decrypt(sealed: Uint8Array): Buffer {
    const plain = aesDecryptGCM(sealed, this.#key, this.#nonce(), this.#hash);
    this.#mixHash(sealed);
    return plain;
  }

  #nonce(): Buffer {
    const iv = Buffer.alloc(12);
    iv.writeUInt32BE(this.#counter++, 8);
    return iv;
  }

  #mixHash(data: Uint8Array): void {
    this.#hash = sha256(Buffer.concat([this.#hash, data]));
  }

  #mixKey(secret: Uint8Array): void {
    const [salt, key] = this.#derive(secret);
    this.#salt = salt;
    this.#key = key;
    this.#counter = 0;
  }

  #derive(secret: Uint8Array): [Buffer, Buffer] {
    const both = Buffer.from(hkdf(Buffer.from(secret), 64, { salt: this.#salt, info: "" }));
    return [both.subarray(0, 32), both.subarray(32)];
  }
}
