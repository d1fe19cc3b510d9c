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

/** The scheduler of a running gateway. Its timers never keep the process alive. */
export function realScheduler(clock: Clock): Scheduler {
  return {
    at(time, work) {
      let timer: NodeJS.Timeout;
      const wait = (): void => {
        const left = time - clock();
        timer = setTimeout(left > LONGEST_MS ? wait : work, Math.min(Math.max(left, 0), LONGEST_MS));
        timer.unref();
      };
      wait();
      return () => clearTimeout(timer);
    },
  };
}
