/** One run of a topic of the fault campaign: its chance, its size, and what it counted. */
export class Run {
  /** Faults that were made, by kind. */
  readonly faults = new Map<string, number>();
  /** What was looked at, by kind. */
  readonly checks = new Map<string, number>();
  /** What was lost, doubled, or let through: none, or the gateway has a bug. */
  readonly losses: string[] = [];
  private state: number;

  /** @param size how long the run is: 1 is the whole campaign */
  constructor(
    readonly topic: string,
    readonly seed: number,
    readonly size: number,
  ) {
    this.state = seed;
  }

  /** Mulberry32: the same sequence at each run with this seed. @returns a whole number from 0 to below `below` */
  random(below: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list.length === 0 ? undefined : list[this.random(list.length)];
  }

  /** So many in the whole campaign; here a part of it, and never none. */
  times(whole: number): number {
    return Math.max(1, Math.round(whole * this.size));
  }

  fault(kind: string, count = 1): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + count);
  }

  /** Counts a check, and a loss where it does not hold, which is said at once: the end may be hours away. */
  check(kind: string, holds: boolean, loss: () => string): void {
    this.checks.set(kind, (this.checks.get(kind) ?? 0) + 1);
    if (holds) return;
    this.losses.push(`${kind}: ${loss()}`);
    process.stdout.write(`${this.topic}: ${this.losses.at(-1)}\n`);
  }

  /** How far the run is, in one line. */
  progress(seconds: number): string {
    return `${this.topic}, ${Math.round(seconds / 60)} min: ${list(this.faults) || "begins"}; ${this.losses.length} losses`;
  }

  /** The run in one line of the campaign's table. */
  row(seconds: number): (string | number)[] {
    return [this.topic, list(this.faults), list(this.checks), this.losses.length, seconds.toFixed(0)];
  }
}

function list(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([kind, count]) => `${count.toLocaleString("en")} ${kind}`).join(", ");
}

/** A part of the campaign. */
export interface Topic {
  readonly name: string;
  /** Part of the whole that `make test` runs. */
  readonly short: number;
  /** Makes faults and checks what must hold; runs inside a test, which cleans up. */
  readonly torture: (run: Run) => Promise<void>;
}
