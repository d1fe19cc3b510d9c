import type { BinaryNode, proto } from "@whiskeysockets/baileys";
import { getBinaryNodeChild } from "@whiskeysockets/baileys";
import type { Companion } from "./account.js";
import type { Connection } from "./connection.js";
import type { Directory } from "./directory.js";
import { firstSync } from "./history.js";
import { node, SERVER } from "./node.js";
import { type PostOffice, seconds } from "./outgoing.js";

const LOGGED_OUT = "401";

/** Logs companions in, and hands them what waited. */
export class Login {
  readonly #clock: () => number;
  readonly #directory: Directory;
  readonly #post: PostOffice;
  readonly #changed: () => void;
  /** Changes what a login is answered with. */
  success: (attrs: Readonly<Record<string, string>>) => Record<string, string> = (attrs) => attrs;

  /** @param changed called when a companion went live. */
  constructor(clock: () => number, directory: Directory, post: PostOffice, changed: () => void) {
    this.#clock = clock;
    this.#directory = directory;
    this.#post = post;
    this.#changed = changed;
  }

  /** Lets a companion in that is linked under the Noise key it showed; anyone else is logged out. */
  login(connection: Connection, payload: proto.ClientPayload): void {
    const companion = this.#directory.companion(connection.key);
    const known = companion?.account.numbers.has(String(payload.username)) && companion.device === payload.device;
    if (companion === undefined || companion.removed || !known) {
      connection.send(node("failure", { reason: LOGGED_OUT, location: "sim" }));
      connection.close();
      return;
    }
    const former = companion.connection;
    if (former?.open) {
      former.send(node("stream:error", {}, [node("conflict", { type: "replaced" })]));
      former.close();
    }
    companion.live = false;
    companion.connection = connection;
    connection.companion = companion;
    const lid = companion.account.lid === undefined ? {} : { lid: companion.address("lid") };
    const attrs = { t: seconds(this.#clock()), props: "1", location: "sim", ...lid };
    connection.send(node("success", this.success(attrs)));
  }

  /** The companion is ready for what waited; a new one only after it told its telemetry (see below). */
  active(companion: Companion): void {
    if (companion.synced) {
      this.#preview(companion);
    }
  }

  /** Takes the stanzas with which a companion goes through its login. */
  async info(companion: Companion, ib: BinaryNode): Promise<void> {
    // rc14 sends this right after it says that it is open; only then does it know its own LID, under which the first
    // messages of its phone reach it.
    if (getBinaryNodeChild(ib, "unified_session") && !companion.synced && !companion.live) {
      this.#preview(companion);
    } else if (getBinaryNodeChild(ib, "offline_batch") && !companion.live) {
      await this.#replay(companion);
    }
  }

  #preview(companion: Companion): void {
    const count = String(companion.queue.size);
    const preview = node("offline_preview", { count, message: count, receipt: "0", notification: "0", appdata: "0" });
    companion.connection?.send(node("ib", { from: SERVER }, [preview]));
  }

  async #replay(companion: Companion): Promise<void> {
    const { connection } = companion;
    if (connection === undefined) {
      return;
    }
    const count = companion.queue.replay((stanza) => connection.send(stanza));
    connection.send(node("ib", { from: SERVER }, [node("offline", { count: String(count) })]));
    companion.live = true;
    if (!companion.synced) {
      companion.synced = true;
      await firstSync(companion, this.#post, this.#clock);
    }
    this.#changed();
  }
}
