import { HOUR, MINUTE } from "../clock.js";
import { present } from "../present.js";
import type { Doc } from "../store/types.js";
import type { ConversationBook, Who } from "./book.js";
import { partnerOf } from "./partner.js";
import type { ResponderParts } from "./parts.js";
import type { ModelProblem } from "./problem.js";
import * as texts from "./texts.js";

/** The model does not answer, as it is on disk: there at most once. */
export interface OutageDoc extends Doc {
  readonly kind: "outage";
  readonly since: number;
  readonly sentence: string;
}

const ID = "outage";
/** While the model is down it is tried after 15 seconds, then twice that and so on, up to 5 minutes. */
const PROBE_MS = 15_000;
const LONGEST_PROBE_MS = 5 * MINUTE;
/** An endpoint that asks to be left alone is, for an hour at most: quotas come back unannounced. */
const LONGEST_ASKED_MS = HOUR;
/** A question that failed three times, while others were answered after each, is one that the model can't take. */
const SUSPECT = 3;

/**
 * The model is down, or it is not. The owner is told once that it is and once that it is back, a buddy gets one apology
 * an outage, and meanwhile one conversation at a time, now and then, tries it again.
 */
export class Outage {
  /** How often the model was tried in vain. */
  private failures = 0;
  /** Ends the pause before it is tried again; there is none while it may be tried. */
  private cancelPause: (() => void) | undefined;
  /** Whose question failed, and how often somebody else was answered after that. */
  private readonly suspects = new Map<Who, { readonly failed: boolean; readonly refuted: number }>();

  /** @param current the outage that a restart came in */
  constructor(
    private current: OutageDoc | undefined,
    private readonly book: Pick<ConversationBook, "due">,
    private readonly parts: Pick<
      ResponderParts,
      "collection" | "access" | "outbox" | "silent" | "paused" | "tell" | "clock" | "scheduler" | "log"
    > & {
      readonly atOnce: number;
      /** It may be tried again. */
      readonly mayTry: () => void;
    },
  ) {}

  /** Whether it is known to be down. */
  get isOn(): boolean {
    return this.current !== undefined;
  }

  /** When it began, where there is one; milliseconds since 1970. */
  get since(): number | undefined {
    return this.current?.since;
  }

  /** Whether it is not the model that fails, but what this one asks; while nobody is answered, nothing says so. */
  isBlamed(who: Who): boolean {
    return !this.isOn && (this.suspects.get(who)?.refuted ?? 0) >= SUSPECT;
  }

  /** The model did not answer `who`. */
  async begin(who: Who, { sentence, pauseMs = 0 }: ModelProblem): Promise<void> {
    const { collection, clock, scheduler, mayTry, log, tell } = this.parts;
    this.suspects.set(who, { failed: true, refuted: this.suspects.get(who)?.refuted ?? 0 });
    log.warn({ problem: sentence }, "the model does not answer");
    // Whoever changed a setting starts the gateway anew, and waits for word.
    const isTold = this.current !== undefined && (this.failures > 0 || this.current.sentence === sentence);
    // Of several that fail together, the first begins the pause.
    if (this.cancelPause === undefined) {
      const probe = Math.min(PROBE_MS * 2 ** this.failures, LONGEST_PROBE_MS);
      const pause = Math.max(probe, Math.min(pauseMs, LONGEST_ASKED_MS));
      this.failures += 1;
      this.cancelPause = scheduler.at(clock() + pause, () => {
        this.cancelPause = undefined;
        mayTry();
      });
    }
    if (isTold) return;
    const before = this.current;
    const doc: OutageDoc = { _id: ID, kind: "outage", since: before?.since ?? clock(), sentence };
    // At once, as another may fail at the same time.
    this.current = doc;
    await collection.put(doc).catch((error: unknown) => {
      this.current = before;
      throw error;
    });
    await tell(`model-down:${doc.since}`, texts.modelDown(sentence), true);
  }

  /** The model answered `who`. */
  async end(who: Who): Promise<void> {
    this.suspects.delete(who);
    for (const [other, { failed, refuted }] of this.suspects) {
      if (failed) this.suspects.set(other, { failed: false, refuted: refuted + 1 });
    }
    this.cancelPause?.();
    this.cancelPause = undefined;
    this.failures = 0;
    const { since } = this;
    if (since === undefined) return;
    await this.parts.collection.remove([ID]);
    this.current = undefined;
    await this.parts.tell(`model-back:${since}`, texts.modelBack(), true);
  }

  /** How many conversations may be served now, with these waiting; who has to wait is told so, once. */
  room(waiting: () => readonly Who[]): number {
    const { atOnce, log } = this.parts;
    if (!this.isOn) return atOnce;
    if (this.cancelPause === undefined) return 1;
    for (const who of waiting()) {
      this.apologise(who).catch((error: unknown) => log.error({ err: error }, "an apology could not be written"));
    }
    return 0;
  }

  /** Once an outage, and to buddies who wrote in it. */
  async apologise(who: Who): Promise<void> {
    const { access, outbox, silent, paused } = this.parts;
    const { since } = this;
    const partner = partnerOf(access, who);
    const last = this.book.due(who).at(-1);
    // The owner has the notice.
    if (since === undefined || !last || partner?.contact === undefined || silent() || paused()) return;
    await outbox.post({
      kind: "text",
      to: partner.to,
      text: texts.SORRY,
      key: `sorry:${since}:${who}`,
      ...present({ address: last.address, expiration: last.expiration }),
    });
  }
}
