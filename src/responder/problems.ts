/** What can go wrong with an endpoint, in one sentence with the next step. */
import OpenAI from "openai";
import { firstWords } from "../text.js";
import { type Endpoint, ModelProblem } from "./problem.js";

const SHOWN = 60;

/** Whatever was thrown on the way, as a problem. */
export function problemOf(error: unknown, { baseUrl, model, timeout }: Endpoint): ModelProblem {
  if (error instanceof ModelProblem) return error;
  if (error instanceof OpenAI.APIConnectionTimeoutError) {
    return new ModelProblem("down", `${baseUrl} did not answer within ${timeout} s: is the model too slow, or stuck?`);
  }
  if (error instanceof OpenAI.APIConnectionError) {
    const why = reasonOf(error);
    return new ModelProblem(
      "down",
      `${baseUrl} can't be reached${why}: is it running, and is responder.baseUrl right?`,
    );
  }
  const status = error instanceof OpenAI.APIError && typeof error.status === "number" ? error.status : undefined;
  switch (status) {
    case undefined:
      return new ModelProblem("down", `${baseUrl} broke off in the middle of an answer: try again.`, true);
    case 401:
    case 403:
      return new ModelProblem("down", `${baseUrl} refuses the key (${status}): check responder.apiKey.`);
    case 404:
      return new ModelProblem(
        "down",
        `${baseUrl} does not know the model "${firstWords(model, 60)}", or is no such endpoint (404): check responder.model and responder.baseUrl.`,
      );
    case 402:
    case 429:
      return new ModelProblem(
        "down",
        `${baseUrl} wants no more requests now (${status}): check quota and limits there.`,
      );
    case 400:
    case 413:
    case 415:
    case 422:
      return new ModelProblem(
        "refused",
        `${baseUrl} refuses a request (${status}): check responder.model and responder.contextTokens.`,
      );
    default:
      return new ModelProblem("down", `${baseUrl} fails (${status}): look at what it logs.`);
  }
}

/** An answer that is no completion. @param type its content type */
export function noCompletion(type: string, { baseUrl }: Endpoint): ModelProblem {
  if (/html/i.test(type)) {
    return new ModelProblem(
      "down",
      `${baseUrl} answers with a web page, so it is no endpoint: responder.baseUrl mostly ends in /v1.`,
    );
  }
  // The endpoint's word, of which nothing but letters gets into a sentence of ours.
  const what = /^[\w.+-]+\/[\w.+-]+/.exec(type)?.[0].slice(0, SHOWN) ?? "something";
  return new ModelProblem(
    "down",
    `${baseUrl} answers with ${what} that is no chat completion: check responder.baseUrl.`,
  );
}

function reasonOf(error: Error): string {
  for (let cause: unknown = error.cause; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string") return ` (${cause.code})`;
  }
  return "";
}
