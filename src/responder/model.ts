import { createReadStream } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI, { toFile } from "openai";
import { _iterSSEMessages } from "openai/core/streaming";
import { z } from "zod";
import { isWithin } from "../clock.js";
import { cut } from "../text.js";
import type { ChatMessage } from "./frame.js";
import { type Endpoint, ModelProblem, Unwanted } from "./problem.js";
import { noCompletion, problemOf, statusIn } from "./problems.js";

/** What answers a question; {@link Model}, and what tests put in its place. */
export interface Asked {
  /** `llama3.2 at 127.0.0.1:11434`. */
  readonly name: string;
  /**
   * @param look throws {@link Unwanted} where a request is not to go out any more; called before each
   * @throws ModelProblem, and what `look` throws
   */
  ask(messages: readonly ChatMessage[], signal: AbortSignal, look?: Look): Promise<string>;
  /** The words of an audio file; undefined where the endpoint can't tell them. Throws nothing but `signal`'s reason, and what `look` throws. */
  transcribe?(path: string, signal: AbortSignal, look?: Look): Promise<string | undefined>;
}

/** Looks whether a request is wanted still. @throws Unwanted */
export type Look = () => void;

/** The settings that say where the model is and how it is asked. */
export interface ModelSettings {
  readonly baseUrl: string | undefined;
  readonly model: string | undefined;
  readonly apiKey: string | undefined;
  readonly transcriptionModel: string;
  /** Seconds of silence that are borne. */
  readonly timeout: number;
}

/** OpenAI's own, where only a model and a key are set. */
const OPENAI_URL = "https://api.openai.com/v1";

/** The model that the settings name. */
export function modelFrom(settings: ModelSettings & { readonly model: string }, clock: () => number = Date.now): Model {
  const { baseUrl = OPENAI_URL, model, apiKey, timeout, transcriptionModel } = settings;
  return new Model({ baseUrl, model, timeout, transcriptionModel }, apiKey, clock);
}

/** So often a question is asked again, where the endpoint may answer a moment later. */
const RETRIES = 2;
/** The pause before that, doubled each time. */
const PAUSE_MS = 500;
/** Whoever asks for a longer pause (Retry-After) is not asked again for now: somebody waits for an answer, or the gateway to stop. */
const LONGEST_PAUSE_MS = 20_000;
/** An answer that goes on and on is taken up to here, in characters: some WhatsApp messages. */
const LONGEST = 16_000;
/** No honest answer of that length takes more bytes, whatever wraps its words. */
const MOST_BYTES = 8 * 1024 * 1024;
/** Where the end of a stream is looked for, in bytes. */
const TAIL = 64;
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
/** A whole answer may take so many times the silence that is borne. */
const PATIENCE = 3;

/** Answers of an endpoint that has no such thing as transcription. */
const DEAF = new Set([404, 405, 501]);
/** It is not sent voice notes for so long: a proxy whose endpoint is away may say the same. */
const DEAF_MS = 60 * 60_000;

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
});
const Completion = z.object({ choices: z.array(Choice) });
const Failure = z.object({ error: z.unknown() });

/** A model behind an OpenAI-compatible endpoint. Keeps nothing between questions. */
export class Model implements Asked {
  /** When it said that it has no transcription. */
  private deafSince = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly options: Endpoint & { readonly transcriptionModel?: string },
    private readonly apiKey: string | undefined,
    private readonly clock: () => number,
  ) {}

  get name(): string {
    return `${this.options.model} at ${new URL(this.options.baseUrl).host}`;
  }

  /**
   * Asks, and waits for the whole answer.
   * @param signal aborts at once; the promise then rejects with the signal's reason
   * @throws ModelProblem, and what `look` throws
   */
  ask(messages: readonly ChatMessage[], signal: AbortSignal, look?: Look): Promise<string> {
    return this.again(signal, look, () =>
      this.patiently(signal, (client, exchange) => this.once(messages, client, exchange)),
    );
  }

  async transcribe(path: string, signal: AbortSignal, look?: Look): Promise<string | undefined> {
    const { transcriptionModel: model } = this.options;
    if (model === undefined || isWithin(DEAF_MS, this.deafSince, this.clock())) return undefined;
    try {
      const { text } = await this.again(signal, look, () =>
        this.patiently(signal, async (client, exchange) => {
          // WhatsApp's voice notes are Opus in Ogg, which endpoints know by this ending alone.
          const file = await toFile(createReadStream(path), "voice.ogg");
          return client.audio.transcriptions.create({ file, model }, { signal: exchange.signal });
        }),
      );
      return typeof text === "string" && text.trim() !== "" ? cut(text.trim(), LONGEST) : undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Unwanted) throw error;
      const { status } = problemOf(error, this.options);
      if (status !== undefined && DEAF.has(status)) this.deafSince = this.clock();
      return undefined;
    }
  }

  /** Tries again what may go well a moment later. @throws ModelProblem */
  private async again<T>(signal: AbortSignal, look: Look | undefined, work: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      look?.();
      try {
        return await work();
      } catch (error) {
        signal.throwIfAborted();
        const problem = problemOf(error, this.options);
        const pause = problem.pauseMs ?? PAUSE_MS * 2 ** tries;
        if (!problem.mayPass || tries >= RETRIES || pause > LONGEST_PAUSE_MS) throw problem;
        await sleep(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
    }
  }

  /** One exchange with the endpoint, of which neither a byte more nor a second more is borne than of an honest one. */
  private async patiently<T>(outer: AbortSignal, work: (client: OpenAI, exchange: Exchange) => Promise<T>): Promise<T> {
    const { timeout } = this.options;
    const exchange = new Exchange(outer, timeout * 1000, PATIENCE * timeout * 1000);
    try {
      return await work(this.client(exchange), exchange);
    } catch (error) {
      throw exchange.isOver && !outer.aborted ? new OpenAI.APIConnectionTimeoutError() : error;
    } finally {
      exchange.end();
    }
  }

  private client(exchange: Exchange): OpenAI {
    const { baseUrl, timeout } = this.options;
    return new OpenAI({
      // The package insists on a key; endpoints of one's own mostly have none, and then none is sent.
      apiKey: this.apiKey ?? "none",
      ...(this.apiKey === undefined ? { defaultHeaders: { Authorization: null } } : {}),
      baseURL: baseUrl,
      organization: null,
      project: null,
      webhookSecret: null,
      timeout: timeout * 1000,
      // Its own tries can't be given up, and wait for as long as the endpoint says.
      maxRetries: 0,
      logLevel: "off",
      // What a buddy wrote goes where the owner said, and nowhere else.
      fetch: async (url, init) => exchange.bounded(await fetch(url, { ...init, redirect: "manual" })),
    });
  }

  private async once(messages: readonly ChatMessage[], client: OpenAI, exchange: Exchange): Promise<string> {
    const { model, baseUrl } = this.options;
    const response = await client.chat.completions
      .create({ model, messages: messages.map(asParam), stream: true }, { signal: exchange.signal })
      .asResponse();
    const text = cut(sendable(withoutThoughts(await this.read(response, exchange))).trim(), LONGEST);
    if (!VISIBLE.test(text))
      throw new ModelProblem("refused", `${baseUrl} gave an empty answer: try another responder.model.`);
    return text;
  }

  /** Endpoints stream, or answer in one piece although they were asked to stream, and some don't say which. */
  private async read(response: Response, exchange: Exchange): Promise<string> {
    const type = response.headers.get("content-type") ?? "";
    const [beginning, body] = /event-stream/i.test(type) ? await lookInto(response) : [undefined, response];
    if (beginning !== undefined && !beginning.startsWith("{")) return this.streamed(body, exchange);
    const text = await body.text();
    if (STREAM.test(text)) return this.streamed(new Response(text), exchange);
    const answer = parsed(text);
    const message = Completion.safeParse(answer).data?.choices[0]?.message;
    if (message?.content !== undefined || message?.refusal) return message.content || message.refusal || "";
    const status = statusIn(Failure.safeParse(answer).data?.error);
    if (status === undefined) throw noCompletion(type, this.options);
    throw new OpenAI.APIError(status, undefined, undefined, response.headers);
  }

  private async streamed(response: Response, exchange: Exchange): Promise<string> {
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
        const error = Failure.safeParse(event).data?.error;
        if (error) throw new OpenAI.APIError(statusIn(error), undefined, undefined, response.headers);
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
        if (answer.length > LONGEST) return answer;
        text = answer === "" ? `<think>${text.slice(-LONGEST_TAG)}` : answer;
      }
    } finally {
      controller.abort();
    }
    if (chunks === 0) throw noCompletion(type, this.options);
    if (!isFinished && !exchange.saidDone) throw problemOf(undefined, this.options);
    return text || refusal;
  }
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

function asParam({ role, content, images }: ChatMessage): OpenAI.ChatCompletionMessageParam {
  if (role !== "user" || images === undefined) return { role, content };
  const pictures = images.map((url) => ({ type: "image_url", image_url: { url } }) as const);
  return { role, content: [{ type: "text", text: content }, ...pictures] };
}

/**
 * One request and its response: aborted when nothing came for a while, when it takes too long altogether, or with
 * `outer`. In the place of `AbortSignal.any`, which Node keeps for ever where a listener is left on it, as the package
 * leaves one with each call.
 */
class Exchange {
  private readonly controller = new AbortController();
  private readonly whole: NodeJS.Timeout;
  private timer: NodeJS.Timeout | undefined;
  private tail = "";
  private readonly stop = (): void => this.controller.abort(this.outer.reason);

  constructor(
    private readonly outer: AbortSignal,
    private readonly borneMs: number,
    wholeMs: number,
  ) {
    this.whole = setTimeout(() => this.controller.abort(), wholeMs);
    this.heard();
    if (outer.aborted) this.stop();
    outer.addEventListener("abort", this.stop);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get isOver(): boolean {
    return this.signal.aborted;
  }

  /** Whether the stream ended as streams do, which some endpoints say in no other way. */
  get saidDone(): boolean {
    return /(^|[\r\n])data: ?\[DONE\]\s*$/.test(this.tail);
  }

  /** The response with a body that ends in an error when it is larger than any honest one, or silent for too long. */
  bounded(response: Response): Response {
    this.heard();
    let bytes = 0;
    const count = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        this.heard();
        bytes += chunk.byteLength;
        this.tail = (this.tail + Buffer.from(chunk).toString("latin1")).slice(-TAIL);
        if (bytes > MOST_BYTES) controller.error(new Error("more than any answer"));
        else controller.enqueue(chunk);
        // Some endpoints leave the connection open behind it.
        if (this.saidDone) controller.terminate();
      },
      // Some end a stream without the empty line that ends its last event; to JSON it means nothing.
      flush: (controller) => controller.enqueue(Buffer.from("\n\n")),
    });
    const body = response.body?.pipeThrough(count, { signal: this.signal }) ?? null;
    const { status, statusText, headers } = response;
    return new Response(body, { status, statusText, headers });
  }

  end(): void {
    clearTimeout(this.timer);
    clearTimeout(this.whole);
    this.outer.removeEventListener("abort", this.stop);
  }

  /** Something came: silence begins anew. */
  private heard(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.controller.abort(), this.borneMs);
  }
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
