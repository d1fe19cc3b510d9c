import { isWithin } from "../clock.js";
import { present } from "../present.js";
import type { ConversationBook, Who } from "./book.js";
import { partnerOf } from "./partner.js";
import type { ResponderParts } from "./parts.js";
import * as texts from "./texts.js";

/** While the model is down it is tried after so long, then twice that, up to the longest. */
const PROBE_MS = 15_000;
const LONGEST_PROBE_MS = 5 * 60_000;

/**
 * The model is down, or it is not. The owner is told once that it is and once that it is back, a buddy gets one apology
 * an outage, and meanwhile one conversation at a time, now and then, tries it again.
 */
export class Outage {
  /** When the model may be tried again, and how often it was in vain. */
  private probe = { at: 0, failures: 0 };

  constructor(
    private readonly book: ConversationBook,
    private readonly parts: Pick<
      ResponderParts,
      "access" | "outbox" | "silent" | "paused" | "tell" | "clock" | "log"
    > & { readonly atOnce: number },
  ) {}

  /** Whether it is known to be down. */
  get isOn(): boolean {
    return this.book.outage !== undefined;
  }

  /** The model did not answer. @returns when to try again, in milliseconds from now */
  async begin(sentence: string): Promise<number> {
    const { clock, log, tell } = this.parts;
    log.warn({ problem: sentence }, "the model does not answer");
    const known = this.book.outage;
    if (known === undefined) {
      const { since } = await this.book.beginOutage(sentence);
      await tell(`model-down:${since}`, texts.modelDown(sentence), true);
    }
    const wait = Math.min(PROBE_MS * 2 ** this.probe.failures, LONGEST_PROBE_MS);
    this.probe = { at: clock() + wait, failures: this.probe.failures + 1 };
    return wait;
  }

  /** The model answered. */
  async end(): Promise<void> {
    this.probe = { at: 0, failures: 0 };
    const { outage } = this.book;
    if (outage === undefined) return;
    await this.book.endOutage();
    await this.parts.tell(`model-back:${outage.since}`, texts.modelBack(), true);
  }

  /** How many conversations may be served now, with these waiting; who has to wait is told so, once. */
  room(waiting: () => readonly Who[]): number {
    const { atOnce, clock, log } = this.parts;
    if (!this.isOn) return atOnce;
    if (!isWithin(LONGEST_PROBE_MS, this.probe.at - LONGEST_PROBE_MS, clock())) return 1;
    for (const who of waiting()) {
      this.apologise(who).catch((error: unknown) => log.error({ err: error }, "an apology could not be written"));
    }
    return 0;
  }

  /** Once an outage, and to buddies who wrote in it. */
  async apologise(who: Who): Promise<void> {
    const { access, outbox, silent, paused } = this.parts;
    const { outage } = this.book;
    const partner = partnerOf(access, who);
    const last = this.book.due(who).at(-1);
    // The owner has the notice.
    if (!outage || !last || partner?.contact === undefined || silent() || paused()) return;
    await outbox.post({
      kind: "text",
      to: partner.to,
      text: texts.SORRY,
      key: `sorry:${outage.since}:${who}`,
      ...present({ address: last.address, expiration: last.expiration }),
    });
  }
}
