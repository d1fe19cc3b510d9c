import { EventEmitter } from "node:events";
import type { BinaryNode, proto } from "@whiskeysockets/baileys";

/** One stanza that a companion sent, as it was on the wire, with what was in it for those it was for. */
export interface Recorded {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly node: BinaryNode;
  /** The stanza's tag: `message`, `receipt`, `ack`, `presence`, `chatstate`, `iq`, `ib`, … */
  readonly kind: string;
  /** Whom it names as its addressee; "" for nobody. */
  readonly to: string;
  /** The decrypted content, where it was a message (what the other side got, not the copy to own devices). */
  readonly message?: proto.IMessage;
}

/** Everything that companions sent, in order, so that a test can say "nothing left" and mean the wire. */
export class WireRecord extends EventEmitter<{ recorded: [Recorded] }> {
  private list: Recorded[] = [];

  get all(): readonly Recorded[] {
    return this.list;
  }

  add(recorded: Recorded): void {
    this.list.push(recorded);
    this.emit("recorded", recorded);
  }

  clear(): void {
    this.list = [];
  }

  /** The first stanza, past or to come, that `isIt` says yes to. */
  wait(isIt: (recorded: Recorded) => boolean, timeoutMs = 10_000): Promise<Recorded> {
    const past = this.list.find(isIt);
    if (past) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.off("recorded", look);
        reject(
          new Error(
            `no such stanza within ${timeoutMs} ms; the last were ${this.list.slice(-8).map(brief).join(", ")}`,
          ),
        );
      }, timeoutMs);
      const look = (recorded: Recorded) => {
        if (!isIt(recorded)) return;
        clearTimeout(timer);
        this.off("recorded", look);
        resolve(recorded);
      };
      this.on("recorded", look);
    });
  }
}

function brief({ kind, to, node }: Recorded): string {
  return `${kind}${node.attrs.type ? `/${node.attrs.type}` : ""} to ${to || "the server"}`;
}
