/** Quiet hours: from–to in the owner's time zone, over midnight too. */
import { MINUTE } from "../clock.js";
import type { QuietHours } from "../config.js";

const DAY_MINUTES = 24 * 60;

/** When the quiet hours that hold at `now` end, or `undefined` where it isn't quiet. */
export function quietUntil(now: number, hours: QuietHours | undefined, timezone: string): number | undefined {
  if (hours === undefined) return undefined;
  const { from, to } = hours;
  const minute = minuteOfDay(now, timezone);
  const sinceStart = (minute - from + DAY_MINUTES) % DAY_MINUTES;
  const length = (to - from + DAY_MINUTES) % DAY_MINUTES;
  if (sinceStart >= length) return undefined;
  const end = Math.floor(now / MINUTE) * MINUTE + (length - sinceStart) * MINUTE;
  // A change to or from summer time in between moves the end on the wall clock; take what the wall clock then says.
  const off = ((minuteOfDay(end, timezone) - to + DAY_MINUTES * 1.5) % DAY_MINUTES) - DAY_MINUTES / 2;
  const onTheClock = end - off * MINUTE;
  // In the night in which the clock skips the end it would lie before the skip, where quiet hours still hold.
  return minuteOfDay(onTheClock, timezone) === to ? onTheClock : end;
}

function minuteOfDay(at: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const [hours = 0, minutes = 0] = parts.format(at).split(":").map(Number);
  return hours * 60 + minutes;
}
