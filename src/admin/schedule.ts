import type { Clock } from "../access/index.js";

/** Does something later. Tests bring one that they wind by hand. */
export interface Scheduler {
  /**
   * Runs `work` once, at `time` (milliseconds since 1970) or as soon as possible after it.
   * @returns takes it back; harmless when it ran already
   */
  at(time: number, work: () => void): () => void;
}

/** What `setTimeout` takes at most; longer waits are made of several. */
const LONGEST_MS = 2 ** 31 - 1;

/** The scheduler of a running gateway. Its timers keep the process alive only where that is asked for. */
export function realScheduler(clock: Clock, { keepsAlive = false } = {}): Scheduler {
  return {
    at(time, work) {
      let timer: NodeJS.Timeout;
      const wait = (): void => {
        const left = time - clock();
        timer = setTimeout(left > LONGEST_MS ? wait : work, Math.min(Math.max(left, 0), LONGEST_MS));
        if (!keepsAlive) timer.unref();
      };
      wait();
      return () => clearTimeout(timer);
    },
  };
}
