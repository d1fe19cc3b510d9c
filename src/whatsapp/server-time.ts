import { performance } from "node:perf_hooks";

/** WhatsApp's time, by which the age of an order is measured: jumps of the machine's clock don't touch it. */
export class ServerTime {
  private known: { readonly at: number; readonly since: number } | undefined;

  /** @param clock the machine's, for as long as WhatsApp has not told its own */
  constructor(private readonly clock: () => number) {}

  /** Takes the `t` of a login, seconds since 1970. */
  take(t: string | undefined): void {
    const seconds = Number(t);
    if (seconds > 0) this.known = { at: seconds * 1000, since: performance.now() };
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.known ? this.known.at + (performance.now() - this.known.since) : this.clock();
  }
}
