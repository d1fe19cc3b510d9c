import { AsyncLocalStorage } from "node:async_hooks";

const LOUD = ["info", "warn", "error"] as const;

/**
 * Keeps libsignal's printing of session state out of the console while a simulated phone works, and only then: what
 * anyone else prints passes through untouched.
 */
export class Quiet {
  readonly #inside = new AsyncLocalStorage<true>();
  readonly #restore: (() => void)[] = [];

  constructor() {
    for (const name of LOUD) {
      const original = console[name];
      const hushed = (...args: unknown[]): void => {
        if (this.#inside.getStore() === undefined) {
          original(...args);
        }
      };
      console[name] = hushed;
      this.#restore.push(() => {
        // Somebody may have wrapped the console after us; then ours stays below theirs and lets everything through.
        if (console[name] === hushed) {
          console[name] = original;
        }
      });
    }
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    return this.#inside.run(true, work);
  }

  close(): void {
    for (const restore of this.#restore) {
      restore();
    }
  }
}
