import type { Scheduler } from "../src/clock.js";

/** Time that the test winds, with what is due in it. */
export class Clockwork implements Scheduler {
  now = Date.UTC(2026, 10, 23, 12);
  private timers: { readonly time: number; readonly work: () => void }[] = [];

  at(time: number, work: () => void): () => void {
    const timer = { time, work };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** How much is to be done later. */
  get waiting(): number {
    return this.timers.length;
  }

  /** What was due is due no more, as after a crash. */
  forget(): void {
    this.timers = [];
  }

  /** Takes what is due next, up to `end`; the clock goes to it. */
  next(end: number): (() => void) | undefined {
    const due = this.timers.filter(({ time }) => time <= end).sort((a, b) => a.time - b.time)[0];
    if (due === undefined) return undefined;
    this.timers = this.timers.filter((timer) => timer !== due);
    this.now = Math.max(this.now, due.time);
    return due.work;
  }

  /** Lets time pass, with everything that was due in it. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      await this.settled();
      const work = this.next(end);
      if (!work) break;
      work();
    }
    this.now = end;
    await this.settled();
  }

  /** Resolves when what needs neither time nor disk has happened. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}
