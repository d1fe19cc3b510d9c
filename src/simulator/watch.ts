/** How long anything here is waited for, unless the caller says otherwise. */
const PATIENCE_MS = 15_000;

/** Lets callers wait for a condition over state that changes elsewhere; whoever changes it calls `changed()`. */
export class Watch {
  readonly #waiting = new Set<() => void>();

  /** Calls `listener` after every change, until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#waiting.add(listener);
    return () => void this.#waiting.delete(listener);
  }

  changed(): void {
    for (const check of [...this.#waiting]) {
      check();
    }
  }

  /**
   * Resolves with the first value of `probe` that is not undefined.
   * @throws what `probe` throws, and an error with `complaint()` after `timeoutMs`.
   */
  until<T>(probe: () => T | undefined, complaint: () => string, timeoutMs = PATIENCE_MS): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        finish();
      };
      const check = (): void => {
        try {
          const value = probe();
          if (value !== undefined) {
            settle(() => resolve(value));
          }
        } catch (error) {
          settle(() => reject(error));
        }
      };
      const timer = setTimeout(() => settle(() => reject(new Error(complaint()))), timeoutMs);
      this.#waiting.add(check);
      check();
    });
  }
}
