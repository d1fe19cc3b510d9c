import type { BinaryNode } from "@whiskeysockets/baileys";
import type { Connection } from "./connection.js";
import { node } from "./node.js";

/** How a connection ends: a stream error with a code, a failure with a reason, a bare close, or "replaced". */
export type DisconnectKind = "stream-error" | "failure" | "close" | "conflict";

/** What is wrong with the server at the moment, because a test said so. */
export class Faults {
  /** While true, nobody can connect. */
  held = false;
  /** Sends what carries messages, in its own way: later, in another order, twice. */
  disturb: (send: () => void) => void = (send) => send();
  #refusal: { readonly code: number; left: number; readonly attrs: Readonly<Record<string, string>> } | undefined;
  #stalled: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  refuse(code: number, times: number, attrs: Readonly<Record<string, string>>): void {
    this.#refusal = { code, left: times, attrs };
  }

  /** @returns the stanza that refuses this login, when logins are to be refused. */
  refusal(): BinaryNode | undefined {
    if (this.#refusal === undefined || this.#refusal.left <= 0) {
      return undefined;
    }
    this.#refusal.left -= 1;
    return node("failure", { reason: String(this.#refusal.code), location: "sim", ...this.#refusal.attrs });
  }

  /** Answers nothing for a while; then everything that came meanwhile. */
  stall(milliseconds: number, connections: Iterable<Connection>): void {
    this.wake(connections);
    const all = [...connections];
    for (const connection of all) {
      connection.paused = true;
    }
    this.#stalled = new Promise((resolve) => {
      this.#wake = resolve;
    });
    this.#timer = setTimeout(() => this.wake(all), milliseconds);
  }

  wake(connections: Iterable<Connection>): void {
    clearTimeout(this.#timer);
    for (const connection of connections) {
      connection.resume();
    }
    this.#wake?.();
  }

  awake(): Promise<void> {
    return this.#stalled;
  }
}

/** Ends a connection the way WhatsApp does. */
export function end(
  connection: Connection,
  code: number,
  kind: DisconnectKind,
  attrs: Readonly<Record<string, string>>,
): void {
  if (kind === "stream-error") {
    connection.send(node("stream:error", { code: String(code), ...attrs }));
  } else if (kind === "conflict") {
    connection.send(node("stream:error", {}, [node("conflict", { type: "replaced", ...attrs })]));
  } else if (kind === "failure") {
    connection.send(node("failure", { reason: String(code), location: "sim", ...attrs }));
  }
  connection.close();
}
