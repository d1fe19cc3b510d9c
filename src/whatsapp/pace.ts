import { MINUTE } from "../clock.js";

/** How fast messages may leave. */
export interface Pace {
  /** So many may leave at once after a rest. */
  readonly burst: number;
  /** One more may leave after this many milliseconds. */
  readonly everyMs: number;
  /** By how much each of these pauses varies by chance, as a part of it (0.3: ±30 %). People don't send like clockwork. */
  readonly jitter: number;
}

/** The two paces of an outbox. */
export interface Paces {
  readonly buddies: Pace;
  readonly admin: Pace;
}

/** Quicker than others, as one person reads it. */
const ADMIN_CHAT: Pace = { burst: 20, everyMs: 500, jitter: 0.2 };
const JITTER = 0.4;

/** The paces under a configuration's `outbox`, which is about all chats but the admin chat. */
export function pacesOf(outbox: { readonly perMinute: number; readonly burst: number }): Paces {
  const { perMinute, burst } = outbox;
  return { buddies: { burst, everyMs: MINUTE / perMinute, jitter: JITTER }, admin: ADMIN_CHAT };
}

/**
 * A token bucket with jitter: a burst at first, then one by one. Bursts get numbers banned (DESIGN 11).
 *
 *     const wait = bucket.take();
 *     if (wait === 0) send(); else tryAgainIn(wait);
 */
export class TokenBucket {
  private tokens: number;
  /** When the next token is there. */
  private nextAt: number;

  constructor(
    private readonly pace: Pace,
    private readonly clock: () => number,
    private readonly random: () => number,
  ) {
    this.tokens = pace.burst;
    this.nextAt = clock();
  }

  /** Takes a token and returns 0, or takes none and returns after how many milliseconds there will be one. */
  take(): number {
    const now = this.clock();
    this.refill(now);
    if (this.tokens === 0) return Math.max(1, Math.ceil(this.nextAt - now));
    if (this.tokens === this.pace.burst) this.nextAt = now + this.pause();
    this.tokens -= 1;
    return 0;
  }

  private refill(now: number): void {
    const longest = this.pace.everyMs * (1 + this.pace.jitter);
    // The machine's clock was set back: begin a new pause, or nothing would leave until it has caught up.
    if (this.nextAt - now > longest) this.nextAt = now + this.pause();
    while (this.tokens < this.pace.burst && now >= this.nextAt) {
      this.tokens += 1;
      this.nextAt += this.pause();
    }
  }

  private pause(): number {
    const { everyMs, jitter } = this.pace;
    return everyMs * (1 + jitter * (2 * this.random() - 1));
  }
}
