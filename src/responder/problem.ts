/**
 * A question that was not answered.
 * - `down`: nobody would be answered now; worth trying again later
 * - `refused`: this question is not answered; others may be
 */
export class ModelProblem extends Error {
  constructor(
    readonly kind: "down" | "refused",
    /** One sentence for the owner, in words of ours and of the settings; no key, and nothing that came over the network. */
    readonly sentence: string,
    /** Another try may do. */
    readonly mayPass = false,
    /** What the endpoint answered with, where it answered. */
    readonly status?: number,
    /** The endpoint was reached and failed at this very question: others may fare better. */
    readonly isAtQuestion = status !== undefined && status >= 500,
    /** How long the endpoint asks to be left alone, where it says so. */
    readonly pauseMs?: number,
  ) {
    super(sentence);
  }
}

/** A request that is not to go out any more, as what was decided meanwhile forbids it. */
export class Unwanted extends Error {}

/** The endpoint as it is named in sentences. */
export interface Endpoint {
  readonly baseUrl: string;
  readonly model: string;
  /** Seconds of silence that are borne. */
  readonly timeout: number;
}
