/** Spans of time, in milliseconds. */
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Orders and replies older than this may be meant no more (I11). */
const STALE_MS = 15 * MINUTE;

/** Whether what was sent at `at` reached us too late to count. @param serverNow WhatsApp's time, as `at` is */
export function isStale(at: number, serverNow: number): boolean {
  return serverNow - at > STALE_MS;
}

/**
 * Whether `now` lies in the `span` after `start`, all in milliseconds. Where the machine's clock was set back to before
 * `start`, it does not: nobody knows how long ago that was, and waiting for the clock to catch up could take a day.
 */
export function isWithin(span: number, start: number, now: number): boolean {
  return now >= start && now - start < span;
}

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
export function realScheduler(clock: () => number, { keepsAlive = false } = {}): Scheduler {
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
