import { type BinaryNode, decodeBinaryNode, encodeBinaryNode, NOISE_WA_HEADER, proto } from "@whiskeysockets/baileys";
import type { RawData, WebSocket } from "ws";
import type { Companion } from "./account.js";
import { type Certificates, NoiseServer } from "./noise.js";

const LENGTH_BYTES = 3;
const ROUTING_PREFIX = "ED";
const ROUTING_HEADER_BYTES = 7;

/** What the server does with a connection's events. */
export interface ConnectionEvents {
  /** The handshake is done; `payload` says whether the client logs in or registers. */
  hello(connection: Connection, payload: proto.ClientPayload): void;
  node(connection: Connection, node: BinaryNode): Promise<void>;
  closed(connection: Connection): void;
  /** The client broke the protocol; the connection ends. */
  broken(connection: Connection, error: unknown): void;
  /** Resolves when the server works (again); it is awaited before each frame. */
  awake(): Promise<void>;
  /** Sends a message's frame, when and as often as it likes. */
  disturb(send: () => void): void;
}

/** One WebSocket from a companion: framing, handshake, encryption. Frames are handled one after the other. */
export class Connection {
  /** The client's static Noise key, known once the handshake is done. */
  key: Buffer = Buffer.alloc(0);
  /** The companion that logged in here. */
  companion: Companion | undefined;
  /** While true, what is sent waits (the server is stalled). */
  paused = false;
  readonly #socket: WebSocket;
  readonly #noise: NoiseServer;
  readonly #events: ConnectionEvents;
  readonly #unsent: BinaryNode[] = [];
  #stage: "hello" | "finish" | "open" = "hello";
  #greeted = false;
  #bytes: Buffer = Buffer.alloc(0);
  #work: Promise<void> = Promise.resolve();

  constructor(socket: WebSocket, certificates: Certificates, events: ConnectionEvents) {
    this.#socket = socket;
    this.#noise = new NoiseServer(certificates);
    this.#events = events;
    socket.on("message", (data) => this.#received(data));
    socket.on("close", () => events.closed(this));
    socket.on("error", () => socket.terminate());
  }

  get open(): boolean {
    return this.#stage === "open" && this.#socket.readyState === this.#socket.OPEN;
  }

  /** Sends a frame that decrypts to nothing, as a broken line or a broken server would. */
  sendGarbage(): void {
    const frame = Buffer.alloc(LENGTH_BYTES + 32, 0x5a);
    frame.writeUIntBE(32, 0, LENGTH_BYTES);
    this.#socket.send(frame);
  }

  send(node: BinaryNode): void {
    if (this.paused) {
      this.#unsent.push(node);
    } else if (node.tag === "message") {
      this.#events.disturb(() => this.#sendNow(node));
    } else {
      this.#sendNow(node);
    }
  }

  #sendNow(node: BinaryNode): void {
    if (this.open) {
      this.#frame(this.#noise.encrypt(encodeBinaryNode(node)));
    }
  }

  resume(): void {
    this.paused = false;
    for (const node of this.#unsent.splice(0)) {
      this.send(node);
    }
  }

  /** Ends the connection after what was sent has left. */
  close(): void {
    this.#socket.close();
  }

  /** Cuts the connection, as a dead network does. */
  cut(): void {
    this.#socket.terminate();
  }

  #received(data: RawData): void {
    // ws gives a Buffer for binary frames unless told otherwise; fragments come as a list.
    const chunk = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer);
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    if (!this.#greeted && !this.#takeIntro()) {
      return;
    }
    for (let frame = this.#nextFrame(); frame !== undefined; frame = this.#nextFrame()) {
      const bytes = frame;
      this.#work = this.#work.then(() => this.#handle(bytes)).catch((error) => this.#events.broken(this, error));
    }
  }

  /** Takes the bytes before the first frame: routing information, where the client has some, and the header. */
  #takeIntro(): boolean {
    let skip = 0;
    if (this.#bytes.subarray(0, 2).toString() === ROUTING_PREFIX) {
      if (this.#bytes.length < ROUTING_HEADER_BYTES) {
        return false;
      }
      skip = ROUTING_HEADER_BYTES + this.#bytes.readUIntBE(4, 3);
    }
    if (this.#bytes.length < skip + NOISE_WA_HEADER.length) {
      return false;
    }
    const header = this.#bytes.subarray(skip, skip + NOISE_WA_HEADER.length);
    if (!header.equals(NOISE_WA_HEADER)) {
      this.#events.broken(this, new Error("This is not a WhatsApp client: the header is wrong."));
      return false;
    }
    this.#bytes = this.#bytes.subarray(skip + NOISE_WA_HEADER.length);
    this.#greeted = true;
    return true;
  }

  #nextFrame(): Buffer | undefined {
    if (this.#bytes.length < LENGTH_BYTES) {
      return undefined;
    }
    const end = LENGTH_BYTES + this.#bytes.readUIntBE(0, LENGTH_BYTES);
    if (this.#bytes.length < end) {
      return undefined;
    }
    const frame = this.#bytes.subarray(LENGTH_BYTES, end);
    this.#bytes = this.#bytes.subarray(end);
    return frame;
  }

  async #handle(frame: Buffer): Promise<void> {
    await this.#events.awake();
    if (this.#stage === "open") {
      await this.#events.node(this, await decodeBinaryNode(this.#noise.decrypt(frame)));
      return;
    }
    const { clientHello, clientFinish } = proto.HandshakeMessage.decode(frame);
    if (this.#stage === "hello" && clientHello?.ephemeral) {
      this.#frame(this.#noise.hello(clientHello.ephemeral));
      this.#stage = "finish";
    } else if (this.#stage === "finish" && clientFinish?.static && clientFinish.payload) {
      const { key, payload } = this.#noise.finish(clientFinish.static, clientFinish.payload);
      this.key = key;
      this.#stage = "open";
      this.#events.hello(this, payload);
    } else {
      throw new Error("The client sent a handshake message out of turn.");
    }
  }

  #frame(data: Uint8Array): void {
    const frame = Buffer.alloc(LENGTH_BYTES + data.length);
    frame.writeUIntBE(data.length, 0, LENGTH_BYTES);
    frame.set(data, LENGTH_BYTES);
    this.#socket.send(frame);
  }
}
