import type { Access, Clock } from "../access/index.js";
import type { Actor } from "../access/types.js";
import type { Scheduler } from "../clock.js";
import type { SilentMode } from "./types.js";
import { formatDuration } from "./words.js";

/** What silent mode needs. */
export interface SilentParts {
  readonly record: Access["record"];
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly log: { error(details: object, message: string): void };
}

/**
 * Silent mode for one run of the gateway: on from the start (I4), so making it anew is what a restart does.
 *
 * Turning it off is in the audit before it takes effect; turning it on takes effect at once, even where the audit can't
 * be written: a full disk must not keep the bot talking.
 */
export function createSilentMode(parts: SilentParts): SilentMode {
  const { record, clock, scheduler, log } = parts;
  let silent = true;
  let until: number | undefined;
  let stopTimer = (): void => {};
  /** Counts orders, so that an "off" that is still being written doesn't overrule a later "on". */
  let order = 0;

  const turnOn = async (by: Actor): Promise<void> => {
    order++;
    silent = true;
    until = undefined;
    stopTimer();
    await record("silent on", by).catch((error: unknown) => {
      log.error({ err: error }, "silent mode is on, but the audit could not be written");
    });
  };

  const turnOff = async (by: Actor, forMs?: number): Promise<void> => {
    const mine = ++order;
    await record("silent off", by, forMs === undefined ? undefined : `for ${formatDuration(forMs)}`);
    if (mine !== order) return;
    silent = false;
    stopTimer();
    until = forMs === undefined ? undefined : clock() + forMs;
    if (until !== undefined) {
      stopTimer = scheduler.at(until, () => {
        if (mine === order) void turnOn({ door: "gateway", who: "timer" });
      });
    }
  };

  // A timer can be late (a sleeping laptop); the clock decides.
  const over = (): boolean => until !== undefined && clock() >= until;
  return {
    on: () => silent || over(),
    until: () => (silent || over() ? undefined : until),
    set: (on, by, forMs) => (on ? turnOn(by) : turnOff(by, forMs)),
  };
}
