import type { Scheduler } from "../clock.js";
import type { Who } from "./book.js";

/** What taking turns needs. */
export interface TurnsParts {
  readonly clock: () => number;
  readonly scheduler: Scheduler;
  /** Does the work of one conversation. Must not throw. */
  readonly serve: (who: Who) => Promise<void>;
  /** How many may be served at all now: 0 while nothing works, 1 to try whether it works again. */
  readonly room: () => number;
}

/** A burst of messages is answered together, once its writer has been quiet for this long. */
const QUIET_MS = 1_500;
/** A burst is answered after this long though it goes on: somebody who writes and writes gets an answer in between. */
const LONGEST_BURST_MS = 8_000;

/**
 * Whose turn it is: one answer at a time for each conversation, and the conversations one after the other in the order in
 * which they became ready, so that nobody who writes a lot keeps the others waiting.
 */
export class Turns {
  private readonly bursts = new Map<Who, { readonly since: number; readonly cancel: () => void }>();
  /** In order; a set, so each is there once. */
  private readonly queue = new Set<Who>();
  private readonly serving = new Map<Who, Promise<void>>();
  private stopped = false;

  constructor(private readonly parts: TurnsParts) {}

  /** A message came: its conversation is ready when the burst is over. */
  wrote(who: Who): void {
    if (this.stopped) return;
    const { clock, scheduler } = this.parts;
    const now = clock();
    const before = this.bursts.get(who);
    before?.cancel();
    const since = before?.since ?? now;
    const due = Math.min(now + QUIET_MS, since + LONGEST_BURST_MS);
    const cancel = scheduler.at(due, () => {
      this.bursts.delete(who);
      this.ready(who);
    });
    this.bursts.set(who, { since, cancel });
  }

  /** A conversation has something to be answered at once. */
  ready(who: Who): void {
    if (this.stopped) return;
    this.queue.add(who);
    this.pump();
  }

  /** There may be more room than before. */
  pump(): void {
    for (const who of this.queue) {
      if (this.stopped || this.serving.size >= this.parts.room()) return;
      if (this.serving.has(who)) continue;
      this.queue.delete(who);
      const work = this.parts.serve(who).finally(() => {
        this.serving.delete(who);
        this.pump();
      });
      this.serving.set(who, work);
    }
  }

  /** Who waits for a turn, in order. */
  waiting(): readonly Who[] {
    return [...this.queue];
  }

  /** Begins no more; resolves when what was begun has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const { cancel } of this.bursts.values()) cancel();
    this.bursts.clear();
    this.queue.clear();
    await Promise.all(this.serving.values());
  }
}
