/** What an endpoint answers a question with: a stream or one piece, with thoughts and without. */
import OpenAI from "openai";
import { _iterSSEMessages } from "openai/core/streaming";
import { z } from "zod";
import { cut } from "../text.js";
import type { Exchange } from "./exchange.js";
import { type Endpoint, ModelProblem } from "./problem.js";
import { noCompletion, problemOf, statusIn } from "./problems.js";

/** An answer that goes on and on is taken up to here, in characters: some WhatsApp messages. */
export const LONGEST = 16_000;
/** So much is read of what may be thoughts without a tag at their beginning, which are known by their end alone. */
const LONGEST_UNOPENED = 4 * LONGEST;
/** How a stream begins, whatever it is called. */
const STREAM = /^\s*(?:data|event|id|retry)?:/;
/** Around thoughts, as models of several makers write it. */
const TAG = "(?:think|thinking|thought|reasoning)";
const THOUGHTS = new RegExp(`^(?:\\s*<${TAG}\\b[^>]*>[\\s\\S]*?(?:</${TAG}>|$))+`, "i");
/** A tag in backticks is one that the answer speaks of. */
const UNOPENED_THOUGHTS = new RegExp(`^(?:(?!<${TAG}\\b)[\\s\\S])*?(?:(?<!\`)</${TAG}>|</${TAG}>(?!\`))`, "i");
const LONGEST_TAG = "</reasoning>".length;
/** Whether anything can be seen of a text. */
const VISIBLE = /[^\s\p{Default_Ignorable_Code_Point}]/u;

/** Some endpoints give what is said in parts. */
const Content = z.union([
  z.string(),
  z.array(z.object({ text: z.string().nullish() })).transform((parts) => parts.map(({ text }) => text ?? "").join("")),
]);
/** A model that refuses says why in the place of content. */
const Words = z.object({ content: Content.nullish(), refusal: z.string().nullish() });
const Choice = z.object({
  delta: Words.nullish(),
  message: Words.nullish(),
  finish_reason: z.string().nullish(),
  error: z.unknown().optional(),
});
const Completion = z.object({ choices: z.array(Choice) });
const Failure = z.object({ error: z.unknown() });
/** What an error counts as that has no status and no word for one. */
const FAILED = 500;

/**
 * The answer in a response, as it can be sent: without thoughts, and never empty.
 * @throws ModelProblem, or what the package throws
 */
export async function answerIn(response: Response, exchange: Exchange, endpoint: Endpoint): Promise<string> {
  const text = cut(sendable(withoutThoughts(await read(response, exchange, endpoint))).trim(), LONGEST);
  if (VISIBLE.test(text)) return text;
  throw new ModelProblem("refused", `${endpoint.baseUrl} gave an empty answer: try another responder.model.`);
}

/** Endpoints stream, or answer in one piece although they were asked to stream, and some don't say which. */
async function read(response: Response, exchange: Exchange, endpoint: Endpoint): Promise<string> {
  const type = response.headers.get("content-type") ?? "";
  const [beginning, body] = /event-stream/i.test(type) ? await lookInto(response) : [undefined, response];
  if (beginning !== undefined && !beginning.startsWith("{")) return streamed(body, exchange, endpoint);
  const text = await body.text();
  if (STREAM.test(text)) return streamed(new Response(text), exchange, endpoint);
  const answer = parsed(text);
  const error = errorIn(answer);
  // LM Studio has such words, and a status of 200, for an address that it does not know.
  if (typeof error === "string") throw noCompletion(type, endpoint);
  if (error) throw failed(error, response);
  const message = Completion.safeParse(answer).data?.choices[0]?.message;
  if (message?.content !== undefined || message?.refusal) return message.content || message.refusal || "";
  throw noCompletion(type, endpoint);
}

async function streamed(response: Response, exchange: Exchange, endpoint: Endpoint): Promise<string> {
  const type = "text/event-stream";
  const controller = new AbortController();
  let text = "";
  let refusal = "";
  let chunks = 0;
  let isFinished = false;
  try {
    for await (const { data } of _iterSSEMessages(response, controller)) {
      // Nothing but a sign of life.
      if (data.trim() === "") continue;
      const event = parsed(data);
      const error = errorIn(event);
      if (error) throw failed(error, response);
      const found = Completion.safeParse(event);
      if (!found.success) continue;
      chunks += 1;
      const [choice] = found.data.choices;
      text += choice?.delta?.content ?? "";
      refusal += choice?.delta?.refusal ?? "";
      isFinished ||= Boolean(choice?.finish_reason);
      if (text.length <= LONGEST) continue;
      // Thoughts may be as long as they like.
      const answer = withoutThoughts(text);
      if (answer.length > (answer === text ? LONGEST_UNOPENED : LONGEST)) return answer;
      text = answer === "" ? `<think>${text.slice(-LONGEST_TAG)}` : answer;
    }
    if (chunks === 0) throw noCompletion(type, endpoint);
    if (!isFinished && !exchange.saidDone) throw problemOf(undefined, endpoint);
    return text || refusal;
  } catch (error) {
    const answer = withoutThoughts(text);
    // More than goes out is there already.
    if (answer.length > LONGEST) return answer;
    throw error;
  } finally {
    controller.abort();
  }
}

/** What is wrong, where an endpoint says so in the place of an answer, or in the choice behind the beginning of one. */
function errorIn(answer: unknown): unknown {
  const choice = Completion.safeParse(answer).data?.choices[0];
  return Failure.safeParse(answer).data?.error || choice?.error || choice?.finish_reason === "error";
}

/** An error in an answer that began as if all were well counts as its status would. */
function failed(error: unknown, { headers }: Response): Error {
  return new OpenAI.APIError(statusIn(error) ?? FAILED, undefined, undefined, headers);
}

/** How a body begins, white space apart; and the response anew, with the whole of it. */
async function lookInto(response: Response): Promise<readonly [beginning: string, whole: Response]> {
  if (response.body === null) return ["", response];
  const { status, statusText, headers } = response;
  const [look, body] = response.body.tee();
  const whole = new Response(body, { status, statusText, headers });
  let beginning = "";
  for await (const chunk of look.pipeThrough(new TextDecoderStream())) {
    beginning = chunk.trimStart();
    if (beginning !== "") break;
  }
  return [beginning, whole];
}

/** What some models think aloud before they answer: in tags, of which some leave the first to their template. */
function withoutThoughts(text: string): string {
  return text.replace(THOUGHTS, "").replace(UNOPENED_THOUGHTS, "");
}

/** Without what no text holds and WhatsApp may refuse: halves of characters, and controls. */
function sendable(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\uFFFD").replace(/[^\P{Cc}\n\r\t]/gu, "");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
