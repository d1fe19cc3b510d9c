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
    const askWith = (shown: readonly TurnDoc[], images: readonly string[]) =>
      this.model.ask(messagesFor({ ...question, turns: shown, images }), signal, look);
    const ask = (images: readonly string[]) =>
      askWith(turns, images).catch((error: unknown) => {
        if (turns.length === 0 || !mayBeOfTurns(error)) throw error;
        return askWith([], images);
      });
    const images = await this.senses.pictures(burst);
    if (images.length === 0) return marked(await ask([]));
    try {
      const answer = await ask(images);
      this.senses.saw(true);
      return marked(answer);
    } catch (error) {
      if (!(error instanceof ModelProblem) || !mayBeOfPictures(error)) throw error;
      const answer = await ask([]);
      this.senses.saw(false);
      return marked(answer);
    }
  }
}

/** An endpoint that does not answer a question with pictures may answer it without; one that answers nothing now, later. */
function mayBeOfPictures({ kind, status }: ModelProblem): boolean {
  return kind === "refused" || (status !== undefined && PICTURE_STATUSES.has(status));
}

/** A question that is refused with all that was said before may be taken without: its context is smaller than we know. */
function mayBeOfTurns(error: unknown): boolean {
  return error instanceof ModelProblem && error.kind === "refused" && error.status !== undefined;
}

/** In WhatsApp's marks; what is nothing but marks stays as it is, since somebody waits for it. */
function marked(answer: string): string {
  return toWhatsApp(answer) || answer;
}
