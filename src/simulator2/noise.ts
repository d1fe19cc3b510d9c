import { createHash } from "node:crypto";
import { aesDecryptGCM, aesEncryptGCM, Curve, hkdf, type KeyPair, NOISE_WA_HEADER, proto } from "@whiskeysockets/baileys";

const MODE = Buffer.from("Noise_XX_25519_AESGCM_SHA256\0\0\0\0");
const EMPTY = Buffer.alloc(0);

/** The server's keys: its Noise static key, and the certificate chain that the root key signs. */
export class Certificate {
  readonly root: KeyPair;
  readonly static = Curve.generateKeyPair();
  readonly chain: Uint8Array;

  constructor(root: KeyPair = Curve.generateKeyPair()) {
    this.root = root;
    const intermediateKey = Curve.generateKeyPair();
    const { Details } = proto.CertChain.NoiseCertificate;
    const intermediate = Details.encode({ serial: 1, issuerSerial: 0, key: intermediateKey.public }).finish();
    const leaf = Details.encode({ serial: 2, issuerSerial: 1, key: this.static.public }).finish();
    this.chain = proto.CertChain.encode({
      intermediate: { details: intermediate, signature: Curve.sign(root.private, intermediate) },
      leaf: { details: leaf, signature: Curve.sign(intermediateKey.private, leaf) },
    }).finish();
  }

  get rootKeyHex(): string {
    return Buffer.from(this.root.public).toString("hex");
  }
}

/** The server's side of one Noise XX connection: bytes in, frames out, and the other way round. */
export class NoiseServer {
  private hash: Buffer = MODE;
  private salt: Uint8Array = MODE;
  private key: Uint8Array = MODE;
  private counter = 0;
  private readonly ephemeral = Curve.generateKeyPair();
  private transport: { read: Uint8Array; write: Uint8Array; reads: number; writes: number } | undefined;
  private buffered = EMPTY;
  private introduced = false;

  constructor(private readonly certificate: Certificate) {
    this.authenticate(NOISE_WA_HEADER);
  }

  /** Takes bytes off the socket. */
  take(data: Uint8Array): void {
    this.buffered = Buffer.concat([this.buffered, data]);
    if (!this.introduced) this.skipIntroduction();
  }

  /** The next complete frame, decrypted once the handshake is done; undefined until there is one. */
  next(): Buffer | undefined {
    if (!this.introduced || this.buffered.length < 3) return undefined;
    const size = this.buffered.readUIntBE(0, 3);
    if (this.buffered.length < size + 3) return undefined;
    const frame = this.buffered.subarray(3, size + 3);
    this.buffered = this.buffered.subarray(size + 3);
    return this.transport ? this.decrypt(frame) : frame;
  }

  /** A frame for the socket. */
  frame(data: Uint8Array): Buffer {
    const body = this.transport ? this.encrypt(data) : data;
    const head = Buffer.alloc(3);
    head.writeUIntBE(body.length, 0, 3);
    return Buffer.concat([head, body]);
  }

  /** Answers the client's hello. */
  hello(clientHello: Uint8Array): Uint8Array {
    this.authenticate(clientHello);
    this.authenticate(this.ephemeral.public);
    this.mix(Curve.sharedKey(this.ephemeral.private, clientHello));
    const staticKey = this.seal(this.certificate.static.public);
    this.mix(Curve.sharedKey(this.certificate.static.private, clientHello));
    const payload = this.seal(this.certificate.chain);
    const serverHello = { ephemeral: this.ephemeral.public, static: staticKey, payload };
    return proto.HandshakeMessage.encode({ serverHello }).finish();
  }

  /** Reads the client's finish: its static key, and what it wants. From here on everything is encrypted. */
  finish(message: proto.HandshakeMessage.IClientFinish): { static: Buffer; payload: proto.ClientPayload } {
    const staticKey = this.unseal(message.static ?? EMPTY);
    this.mix(Curve.sharedKey(this.ephemeral.private, staticKey));
    const payload = proto.ClientPayload.decode(this.unseal(message.payload ?? EMPTY));
    const [read, write] = this.derive(EMPTY);
    this.transport = { read, write, reads: 0, writes: 0 };
    return { static: staticKey, payload };
  }

  /** `WA` and two version bytes, behind routing information (`ED`, length, bytes) where the client has some. */
  private skipIntroduction(): void {
    let offset = 0;
    if (this.buffered.subarray(0, 2).toString() === "ED") {
      if (this.buffered.length < 7) return;
      offset = 7 + this.buffered.readUIntBE(4, 3);
    }
    if (this.buffered.length < offset + NOISE_WA_HEADER.length) return;
    this.buffered = this.buffered.subarray(offset + NOISE_WA_HEADER.length);
    this.introduced = true;
  }

  private encrypt(data: Uint8Array): Buffer {
    const { transport } = this;
    if (!transport) throw new Error("no transport yet");
    return aesEncryptGCM(data, transport.write, iv(transport.writes++), EMPTY);
  }

  private decrypt(data: Uint8Array): Buffer {
    const { transport } = this;
    if (!transport) throw new Error("no transport yet");
    return aesDecryptGCM(data, transport.read, iv(transport.reads++), EMPTY);
  }

  private seal(plaintext: Uint8Array): Buffer {
    const sealed = aesEncryptGCM(plaintext, this.key, iv(this.counter++), this.hash);
    this.authenticate(sealed);
    return sealed;
  }

  private unseal(sealed: Uint8Array): Buffer {
    const plaintext = aesDecryptGCM(sealed, this.key, iv(this.counter++), this.hash);
    this.authenticate(sealed);
    return plaintext;
  }

  private authenticate(data: Uint8Array): void {
    this.hash = createHash("sha256").update(this.hash).update(data).digest();
  }

  private mix(secret: Uint8Array): void {
    [this.salt, this.key] = this.derive(secret);
    this.counter = 0;
  }

  private derive(secret: Uint8Array): [Uint8Array, Uint8Array] {
    const derived = hkdf(secret, 64, { salt: Buffer.from(this.salt), info: "" });
    return [derived.subarray(0, 32), derived.subarray(32)];
  }
}

function iv(counter: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(counter, 8);
  return bytes;
}
