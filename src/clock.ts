/**
 * Whether `now` lies in the `span` after `start`, all in milliseconds. Where the machine's clock was set back to before
 * `start`, it does not: nobody knows how long ago that was, and waiting for the clock to catch up could take a day.
 */
export function isWithin(span: number, start: number, now: number): boolean {
  return now >= start && now - start < span;
}
