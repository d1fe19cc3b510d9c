import { type BinaryNode, decodeBinaryNode, encodeBinaryNode, proto } from "@whiskeysockets/baileys";
import type { WebSocket } from "ws";
import { type Certificate, NoiseServer } from "./noise.js";

/** What a connection tells the server about its client. */
export interface ConnectionListener {
  /** The handshake is done. */
  greeted(connection: Connection, staticKey: Buffer, payload: proto.ClientPayload): void;
  /** A stanza came. */
  received(connection: Connection, node: BinaryNode): void;
  closed(connection: Connection): void;
}

/** One client's connection: Noise and binary nodes over a WebSocket. */
export class Connection {
  /** Queries in this direction need ids of their own. */
  private queries = 0;
  private readonly noise: NoiseServer;
  private greeting: "hello" | "finish" | "done" = "hello";
  private tail: Promise<void> = Promise.resolve();
  /** While stalled, nothing is read and nothing is sent. */
  stalled = false;

  constructor(
    private readonly socket: WebSocket,
    certificate: Certificate,
    private readonly listener: ConnectionListener,
  ) {
    this.noise = new NoiseServer(certificate);
    socket.on("message", (data: Buffer) => {
      this.tail = this.tail.then(() => this.take(data)).catch(() => socket.terminate());
    });
    socket.on("close", () => listener.closed(this));
    socket.on("error", () => {});
  }

  get open(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  /** An id for a query to the client. */
  id(): string {
    this.queries += 1;
    return `server-${this.queries}`;
  }

  send(node: BinaryNode): void {
    if (this.open && !this.stalled) this.socket.send(this.noise.frame(encodeBinaryNode(node)));
  }

  /** Sends bytes that are no frame, as a broken network would. */
  sendRubbish(data: Uint8Array): void {
    this.socket.send(data);
  }

  close(): void {
    this.socket.close();
  }

  /** Cuts the connection without a word. */
  cut(): void {
    this.socket.terminate();
  }

  private async take(data: Buffer): Promise<void> {
    if (this.stalled) return;
    this.noise.take(data);
    for (let frame = this.noise.next(); frame; frame = this.noise.next()) {
      if (this.greeting === "done") {
        this.listener.received(this, await decodeBinaryNode(frame));
        continue;
      }
      const { clientHello, clientFinish } = proto.HandshakeMessage.decode(frame);
      if (this.greeting === "hello" && clientHello?.ephemeral) {
        this.socket.send(this.noise.frame(this.noise.hello(clientHello.ephemeral)));
        this.greeting = "finish";
      } else if (clientFinish) {
        const { static: staticKey, payload } = this.noise.finish(clientFinish);
        this.greeting = "done";
        this.listener.greeted(this, staticKey, payload);
      }
    }
  }
}
