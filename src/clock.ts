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
