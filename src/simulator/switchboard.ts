import { type BinaryNode, getBinaryNodeChild, getBinaryNodeChildren, type proto } from "@whiskeysockets/baileys";
import type { Account, Companion } from "./account.js";
import type { Connection, ConnectionEvents } from "./connection.js";
import { Directory } from "./directory.js";
import { Faults } from "./faults.js";
import { Sorting } from "./incoming.js";
import { answerQuery } from "./iq.js";
import { Login } from "./login.js";
import { MediaServer } from "./media.js";
import { node } from "./node.js";
import { PostOffice } from "./outgoing.js";
import { Pairing } from "./pairing.js";
import { Quiet } from "./quiet.js";
import { WireRecord } from "./record.js";
import { Watch } from "./watch.js";

/** The server's inside: takes what connections bring to the part that deals with it. */
export class Switchboard {
  readonly troubles: string[] = [];
  readonly connections = new Set<Connection>();
  readonly faults = new Faults();
  readonly quiet = new Quiet();
  readonly directory = new Directory(this.quiet);
  /** Told of everything that happens. */
  readonly watch = new Watch();
  readonly clock: () => number;
  readonly record: WireRecord;
  readonly post: PostOffice;
  readonly pairing: Pairing;
  readonly media = new MediaServer();
  readonly sorting: Sorting;
  readonly login: Login;
  /** Another answer to a query than the usual one. */
  answer: (query: BinaryNode) => BinaryNode | "nothing" | undefined = () => undefined;
  /** How long the usual answer to a query takes, milliseconds. */
  delay: (query: BinaryNode) => number = () => 0;

  constructor(clock: () => number) {
    this.clock = clock;
    this.record = new WireRecord(clock);
    this.post = new PostOffice(clock);
    this.pairing = new Pairing(clock, this.directory);
    this.sorting = new Sorting(clock, this.directory, this.record, this.post);
    this.login = new Login(clock, this.directory, this.post, () => this.watch.changed());
  }

  /** What connections report to. */
  events(): ConnectionEvents {
    return {
      hello: (connection, payload) => this.#hello(connection, payload),
      node: (connection, stanza) => this.#node(connection, stanza),
      closed: (connection) => this.#closed(connection),
      broken: (connection, error) => {
        this.troubles.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
        connection.cut();
      },
      awake: () => this.faults.awake(),
      disturb: (send) => this.faults.disturb(send),
    };
  }

  #hello(connection: Connection, payload: proto.ClientPayload): void {
    const refusal = this.faults.refusal();
    if (refusal !== undefined) {
      connection.send(refusal);
      connection.close();
    } else if (payload.devicePairingData) {
      this.pairing.offer(connection, payload.devicePairingData);
    } else {
      this.login.login(connection, payload);
    }
  }

  async #node(connection: Connection, stanza: BinaryNode): Promise<void> {
    const { companion } = connection;
    if (companion === undefined) {
      this.record.add(undefined, stanza, new Set());
      if (stanza.tag === "iq") {
        await this.pairing.iq(connection, stanza);
      }
      return;
    }
    if (stanza.tag === "iq") {
      this.#query(companion, connection, stanza);
    } else {
      await this.sorting.stanza(companion, stanza);
      if (stanza.tag === "ib") {
        await this.login.info(companion, stanza);
      }
    }
    this.watch.changed();
  }

  #query(companion: Companion, connection: Connection, query: BinaryNode): void {
    this.record.add(companion, query, this.#tokensFor(query));
    // A result answers something that we asked; only the linking asks, before there is a companion.
    if (query.attrs.type !== "get" && query.attrs.type !== "set") {
      return;
    }
    const other = this.answer(query);
    if (other !== undefined) {
      if (other !== "nothing") {
        connection.send(other);
      }
      return;
    }
    const effects = {
      active: (active: Companion) => this.login.active(active),
      removed: (removed: Companion) => this.remove(removed),
    };
    const context = { directory: this.directory, now: this.clock(), effects };
    const { answer, after } = answerQuery(companion, query, context);
    const send = (): void => {
      connection.send(answer);
      after?.();
    };
    const milliseconds = this.delay(query);
    if (milliseconds > 0) setTimeout(send, milliseconds).unref();
    else send();
  }

  /** A privacy token given to somebody is the one query whose effect that person sees. */
  #tokensFor(query: BinaryNode): Set<Account> {
    const tokens = getBinaryNodeChildren(getBinaryNodeChild(query, "tokens"), "token");
    const people = tokens.map(({ attrs }) => this.directory.find(attrs.jid ?? ""));
    return new Set(people.filter((account) => account !== undefined));
  }

  #closed(connection: Connection): void {
    this.connections.delete(connection);
    this.pairing.closed(connection);
    const { companion } = connection;
    if (companion !== undefined && companion.connection === connection) {
      companion.connection = undefined;
      companion.live = false;
    }
    this.watch.changed();
  }

  /** Unlinks a companion and tells it. */
  remove(companion: Companion): void {
    companion.removed = true;
    companion.queue.clear();
    companion.account.companions.delete(companion.device);
    const { connection } = companion;
    if (connection?.open) {
      connection.send(node("stream:error", { code: "401" }, [node("conflict", { type: "device_removed" })]));
      connection.close();
    }
  }
}
