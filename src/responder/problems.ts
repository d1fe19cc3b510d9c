/** What can go wrong with an endpoint, in one sentence with the next step. */
import OpenAI from "openai";
import { z } from "zod";
import { firstWords } from "../text.js";
import { type Endpoint, ModelProblem } from "./problem.js";

const SHOWN = 60;

/** Answers that may be others a moment later; all from 500 too, but for one. */
const PASSING = new Set([408, 409, 429]);
const NOT_BUILT = 501;

const Said = z.object({ code: z.unknown(), status: z.unknown(), type: z.unknown() }).partial();
/** Words that stand for a status; the first two are codes of errors whose type is `invalid_request_error`. */
const STATUS_OF_WORD: ReadonlyMap<unknown, number> = new Map([
  ["invalid_api_key", 401],
  ["model_not_found", 404],
  ["context_length_exceeded", 400],
  ["invalid_request_error", 400],
  ["content_filter", 400],
  ["rate_limit_exceeded", 429],
  ["insufficient_quota", 429],
]);

/** Whatever was thrown on the way, as a problem. */
export function problemOf(error: unknown, endpoint: Endpoint): ModelProblem {
  if (error instanceof ModelProblem) return error;
  const { baseUrl, timeout } = endpoint;
  if (error instanceof OpenAI.APIConnectionTimeoutError) {
    // Somebody has waited long enough.
    const sentence = `${baseUrl} did not answer in time: is the model stuck, or too slow for responder.timeout (${timeout} s)?`;
    return new ModelProblem("down", sentence, false, undefined, true);
  }
  if (error instanceof OpenAI.APIConnectionError) {
    const sentence = `${baseUrl} can't be reached${reasonOf(error)}: is it running, and is responder.baseUrl right?`;
    return new ModelProblem("down", sentence, true);
  }
  const status = error instanceof OpenAI.APIError ? (error.status ?? statusIn(error.error)) : undefined;
  if (status === undefined) {
    const sentence = `${baseUrl} broke off in the middle of an answer: try again.`;
    return new ModelProblem("down", sentence, true, undefined, true);
  }
  const [kind, sentence] = answered(status, endpoint);
  const mayPass = PASSING.has(status) || (status >= 500 && status !== NOT_BUILT);
  return new ModelProblem(kind, sentence, mayPass, status, undefined, pauseOf(error));
}

/** How long the endpoint asks to be left alone, where it says so. */
function pauseOf(error: unknown): number | undefined {
  const after = error instanceof OpenAI.APIError ? error.headers?.get("retry-after") : undefined;
  if (!after) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(after) ? Number(after) * 1000 : Date.parse(after) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}

/** The status that fits what an endpoint says in the `error` of an answer that began as if all were well. */
export function statusIn(error: unknown): number | undefined {
  const { code, status, type } = Said.safeParse(error).data ?? {};
  return [code, status, type]
    .map((said) => STATUS_OF_WORD.get(said) ?? Number(said))
    .find((number) => number >= 400 && number < 600);
}

/** An answer that is a refusal or a failure. */
function answered(status: number, { baseUrl, model }: Endpoint): readonly [ModelProblem["kind"], string] {
  if (status >= 300 && status < 400) {
    return ["down", `${baseUrl} sends requests on to another address (${status}): set responder.baseUrl to that one.`];
  }
  switch (status) {
    case 401:
    case 403:
      return ["down", `${baseUrl} refuses the key (${status}): check responder.apiKey.`];
    case 404:
      return [
        "down",
        `${baseUrl} does not know the model "${firstWords(model, 60)}", or is no such endpoint (404): check responder.model and responder.baseUrl.`,
      ];
    case 402:
    case 429:
      return ["down", `${baseUrl} wants no more requests now (${status}): check quota and limits there.`];
    case 400:
    case 413:
    case 415:
    case 422:
      return [
        "refused",
        `${baseUrl} refuses a request (${status}): check responder.model and responder.contextTokens.`,
      ];
    default:
      return ["down", `${baseUrl} fails (${status}): look at what it logs.`];
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
