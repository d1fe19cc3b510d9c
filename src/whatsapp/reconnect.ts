import { isWithin, type Scheduler } from "../clock.js";
import { type Disconnect, waitFor } from "./disconnects.js";

/** A login that has held for so long was a good one: the next reconnect is quick again. */
const STEADY_MS = 30_000;
/** Logins that don't hold are no sign that nobody is there: for them, pauses grow for so many tries, to four seconds. */
const SHORT_LOGINS = 3;
/** Pauses grow no longer than for so many tries where our own disk was the reason: nobody is to be spared but ourselves. */
const OWN_FAILURES = 4;
/** How often a disk that had no room is tried; each try takes some of what a file may have left. */
const WRITABLE_LOOK_MS = 2_000;

export interface ReconnectOptions {
  readonly clock: () => number;
  readonly random: () => number;
  readonly scheduler: Scheduler;
}

/** When the next connection is made: after one pause at a time, which grows while connections fail in a row. */
export class Reconnect {
  private failures = 0;
  /** When the present login was made, milliseconds since 1970. */
  private loggedInAt: number | undefined;
  private takeBack = (): void => {};

  constructor(
    private readonly options: ReconnectOptions,
    private readonly connect: () => void,
    /** Writes something that has to be kept anyway. */
    private readonly write: () => Promise<void>,
  ) {}

  /** How many connections have failed in a row. */
  get failed(): number {
    return this.failures;
  }

  /** WhatsApp has accepted the login. */
  loggedIn(): void {
    this.loggedInAt = this.options.clock();
  }

  /** What failed before is no reason to wait any more. */
  forget(): void {
    this.failures = 0;
    this.loggedInAt = undefined;
  }

  /** The next connection is not wanted. */
  cancel(): void {
    this.takeBack();
  }

  /** Connects at once. */
  now(): void {
    this.forget();
    this.pause(0, this.connect);
  }

  /** Connects after the pause for a connection that ended so. */
  after(disconnect: Disconnect): void {
    this.pause(this.pauseFor(disconnect), this.connect);
  }

  /**
   * Connects, after a failure of our own disk, as soon as a write works that failed before, or after the usual pause. As
   * long as nothing can be written, WhatsApp is left alone: a login could not be kept.
   */
  whenWritable(disconnect: Disconnect): void {
    this.lookIn(this.pauseFor(disconnect, OWN_FAILURES), false);
  }

  private lookIn(ms: number, hasFailed: boolean): void {
    this.pause(WRITABLE_LOOK_MS, async (isWanted) => {
      const isWritable = await this.write().then(
        () => true,
        () => false,
      );
      if (!isWanted()) return;
      const left = ms - WRITABLE_LOOK_MS;
      if (isWritable && (hasFailed || left <= 0)) this.connect();
      else this.lookIn(left, !isWritable);
    });
  }

  /** Counts a connection that ended. @returns milliseconds */
  private pauseFor(disconnect: Disconnect, most = Number.POSITIVE_INFINITY): number {
    const { clock, random } = this.options;
    const wasLoggedIn = this.loggedInAt !== undefined;
    // One that did not hold is no reason to come back at once again and again.
    if (this.loggedInAt !== undefined && !isWithin(STEADY_MS, this.loggedInAt, clock())) this.failures = 0;
    this.loggedInAt = undefined;
    this.failures += 1;
    const tries = wasLoggedIn && !disconnect.slow ? Math.min(this.failures, SHORT_LOGINS) : this.failures;
    return waitFor(disconnect, Math.min(tries, most), clock(), random);
  }

  private pause(ms: number, work: (isWanted: () => boolean) => void): void {
    this.takeBack();
    const { clock, scheduler } = this.options;
    let isWanted = true;
    const cancel = scheduler.at(clock() + ms, () => work(() => isWanted));
    this.takeBack = () => {
      isWanted = false;
      cancel();
    };
  }
}
