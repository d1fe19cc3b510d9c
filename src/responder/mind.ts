import type { TurnDoc, WaitingDoc } from "./book.js";
import { abridged, messagesFor } from "./frame.js";
import { toWhatsApp } from "./markdown.js";
import type { Asked, Look } from "./model.js";
import type { Partner } from "./partner.js";
import type { ResponderParts } from "./parts.js";
import { ModelProblem } from "./problem.js";
import { Senses } from "./senses.js";
import type { Soul } from "./soul.js";

/** Statuses that some endpoints have for a picture they don't take, besides those of refusals: gateways of many, and llama.cpp. */
const PICTURE_STATUSES = new Set([404, 500, 501]);

/** A model with its soul and its senses: what it is asked, and what comes back. */
export class Mind {
  private readonly senses: Senses;

  constructor(
    private readonly model: Asked,
    private readonly soul: Soul,
    private readonly parts: Pick<ResponderParts, "access" | "clock"> & {
      readonly settings: Pick<ResponderParts["settings"], "contextTokens">;
    },
  ) {
    this.senses = new Senses(model, parts.clock);
  }

  /** What somebody said, voice notes in words, as long as there is room for. */
  async hear(burst: readonly WaitingDoc[], signal: AbortSignal, look: Look): Promise<string> {
    const words: string[] = [];
    // One after the other: many at once are what an endpoint refuses.
    for (const doc of burst) words.push(await this.senses.words(doc, signal, look));
    return abridged(words.join("\n"), this.parts.settings.contextTokens);
  }

  /**
   * Answers, in WhatsApp's marks.
   * @param turns what was said before, oldest first
   * @throws ModelProblem, and what `look` throws
   */
  async answer(
    { name, contact }: Partner,
    { said, burst, turns }: { said: string; burst: readonly WaitingDoc[]; turns: readonly TurnDoc[] },
    signal: AbortSignal,
    look: Look,
  ): Promise<string> {
    const { access, settings } = this.parts;
    const question = {
      soul: await this.soul.read(),
      name,
      isOwner: contact === undefined,
      room: settings.contextTokens,
      said,
      mask: (text: string) => access.mask(text),
    };
    const images = await this.senses.pictures(burst);
    const ask = async (way: Way, ...others: readonly Way[]): Promise<string> => {
      try {
        const answer = await this.model.ask(messagesFor({ ...question, ...way }), signal, look);
        if (images.length > 0) this.senses.saw(way.images.length > 0);
        return marked(answer);
      } catch (error) {
        const [next, ...rest] = others;
        if (next === undefined || !mayHelp(error, way, next)) throw error;
        return ask(next, ...rest);
      }
    };
    const withoutImages: readonly Way[] = images.length === 0 ? [] : [{ turns, images: [] }];
    const withoutTurns: readonly Way[] = turns.length === 0 ? [] : [{ turns: [], images }];
    return ask({ turns, images }, ...withoutImages, ...withoutTurns);
  }
}

/** What goes with a question: where it is refused, less may be taken. */
interface Way {
  readonly turns: readonly TurnDoc[];
  readonly images: readonly string[];
}

/** Whether another way may be taken where one failed so. */
function mayHelp(error: unknown, way: Way, next: Way): boolean {
  if (!(error instanceof ModelProblem)) return false;
  return next.images.length < way.images.length ? mayBeOfPictures(error) : mayBeOfTurns(error);
}

/** An endpoint that does not answer a question with pictures may answer it without; one that answers nothing now, later. */
function mayBeOfPictures({ kind, status }: ModelProblem): boolean {
  return kind === "refused" || (status !== undefined && PICTURE_STATUSES.has(status));
}

/** A question that is refused with all that was said before may be taken without: its context is smaller than we know. */
function mayBeOfTurns({ kind, status }: ModelProblem): boolean {
  return kind === "refused" && status !== undefined;
}

/** In WhatsApp's marks; what is nothing but marks stays as it is, since somebody waits for it. */
function marked(answer: string): string {
  return toWhatsApp(answer) || answer;
}
