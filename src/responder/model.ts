import { createReadStream } from "node:fs";
import OpenAI, { toFile } from "openai";
import { Stream } from "openai/core/streaming";
import { z } from "zod";
import type { ChatMessage } from "./frame.js";
import { type Endpoint, ModelProblem } from "./problem.js";
import { noCompletion, problemOf } from "./problems.js";

/** What answers a question; {@link Model}, and what tests put in its place. */
export interface Asked {
  /** `llama3.2 at 127.0.0.1:11434`. */
  readonly name: string;
  /** @throws ModelProblem */
  ask(messages: readonly ChatMessage[], signal: AbortSignal): Promise<string>;
  /** The words of an audio file; undefined where the endpoint can't tell them. Throws nothing but `signal`'s reason. */
  transcribe?(path: string, signal: AbortSignal): Promise<string | undefined>;
}

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
export function modelFrom(settings: ModelSettings & { readonly model: string }): Model {
  const { baseUrl = OPENAI_URL, model, apiKey, timeout, transcriptionModel } = settings;
  return new Model({ baseUrl, model, timeout, transcriptionModel }, apiKey);
}

/** Retries on 408, 409, 429, 5xx and a lost connection, with backoff; the server's Retry-After counts. */
const RETRIES = 2;
/** An answer that goes on and on is taken up to here, in characters: some WhatsApp messages. */
const LONGEST = 16_000;
/** No honest answer of that length takes more bytes, whatever wraps its words. */
const MOST_BYTES = 8 * 1024 * 1024;
/** A whole answer may take so many times the silence that is borne. */
const PATIENCE = 3;

/** Answers of an endpoint that transcribes nothing, or not with this model. */
const CANT_HEAR = new Set([400, 401, 403, 404, 405, 415, 422, 501]);

const Choice = z.object({
  delta: z.object({ content: z.string().nullish() }).nullish(),
  message: z.object({ content: z.string().nullish() }).nullish(),
  finish_reason: z.string().nullish(),
});
const Completion = z.object({ choices: z.array(Choice) });

/** A model behind an OpenAI-compatible endpoint. Keeps nothing between questions. */
export class Model implements Asked {
  private readonly client: OpenAI;
  private hears = true;

  constructor(
    private readonly options: Endpoint & { readonly transcriptionModel?: string },
    apiKey: string | undefined,
  ) {
    const { baseUrl, timeout } = options;
    this.client = new OpenAI({
      // The package insists on a key; endpoints of one's own mostly have none, and then none is sent.
      apiKey: apiKey ?? "none",
      ...(apiKey === undefined ? { defaultHeaders: { Authorization: null } } : {}),
      baseURL: baseUrl,
      organization: null,
      project: null,
      webhookSecret: null,
      timeout: timeout * 1000,
      maxRetries: RETRIES,
      logLevel: "off",
    });
  }

  get name(): string {
    return `${this.options.model} at ${new URL(this.options.baseUrl).host}`;
  }

  /**
   * Asks, and waits for the whole answer.
   * @param signal aborts at once; the promise then rejects with the signal's reason
   * @throws ModelProblem
   */
  async ask(messages: readonly ChatMessage[], signal: AbortSignal): Promise<string> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.once(messages, signal);
      } catch (error) {
        signal.throwIfAborted();
        const problem = problemOf(error, this.options);
        if (!problem.brokeOff || tries >= 1) throw problem;
      }
    }
  }

  async transcribe(path: string, signal: AbortSignal): Promise<string | undefined> {
    const { transcriptionModel: model, timeout } = this.options;
    if (model === undefined || !this.hears) return undefined;
    try {
      // WhatsApp's voice notes are Opus in Ogg, which endpoints know by this ending alone.
      const file = await toFile(createReadStream(path), "voice.ogg");
      const { text } = await this.client.audio.transcriptions.create(
        { file, model },
        { signal, timeout: timeout * 1000, maxRetries: 0 },
      );
      return typeof text === "string" && text.trim() !== "" ? text.trim().slice(0, LONGEST) : undefined;
    } catch (error) {
      signal.throwIfAborted();
      const status = error instanceof OpenAI.APIError ? error.status : undefined;
      if (status !== undefined && CANT_HEAR.has(status)) this.hears = false;
      return undefined;
    }
  }

  private async once(messages: readonly ChatMessage[], outer: AbortSignal): Promise<string> {
    const { model, timeout, baseUrl } = this.options;
    const silence = new Silence(outer, timeout * 1000, PATIENCE * timeout * 1000);
    const { signal } = silence;
    try {
      const response = await this.client.chat.completions
        .create({ model, messages: messages.map(asParam), stream: true }, { signal })
        .asResponse();
      silence.broken();
      const answer = await this.read(response, silence, signal);
      const text = withoutThoughts(answer).trim();
      if (text === "")
        throw new ModelProblem("refused", `${baseUrl} gave an empty answer: try another responder.model.`);
      return text;
    } catch (error) {
      if (signal.aborted && !outer.aborted) {
        throw problemOf(new OpenAI.APIConnectionTimeoutError(), this.options);
      }
      throw error;
    } finally {
      silence.end();
    }
  }

  /** Endpoints stream, or answer in one piece although they were asked to stream. */
  private async read(response: Response, silence: Silence, signal: AbortSignal): Promise<string> {
    const type = response.headers.get("content-type") ?? "";
    const body = bounded(response, silence, signal);
    if (/event-stream/i.test(type)) return this.streamed(body, type);
    if (!/json/i.test(type)) {
      await body.body?.cancel().catch(() => {});
      throw noCompletion(type, this.options);
    }
    const text = await body.text();
    const whole = Completion.safeParse(parsed(text));
    const content = whole.data?.choices[0]?.message?.content;
    if (content === undefined) throw noCompletion(type, this.options);
    return (content ?? "").slice(0, LONGEST);
  }

  private async streamed(response: Response, type: string): Promise<string> {
    const controller = new AbortController();
    let text = "";
    let chunks = 0;
    let isFinished = false;
    try {
      for await (const event of Stream.fromSSEResponse<unknown>(response, controller)) {
        const found = Completion.safeParse(event);
        if (!found.success) continue;
        chunks += 1;
        const [choice] = found.data.choices;
        text += choice?.delta?.content ?? "";
        isFinished ||= Boolean(choice?.finish_reason);
        if (text.length > LONGEST) return `${text.slice(0, LONGEST)}…`;
      }
    } catch (error) {
      // The package gives up on a line that is no JSON.
      if (error instanceof SyntaxError) throw noCompletion(type, this.options);
      throw error;
    } finally {
      controller.abort();
    }
    if (chunks === 0) throw noCompletion(type, this.options);
    if (!isFinished) throw problemOf(undefined, this.options);
    return text;
  }
}

function asParam({ role, content, images }: ChatMessage): OpenAI.ChatCompletionMessageParam {
  if (role !== "user" || images === undefined) return { role, content };
  const pictures = images.map((url) => ({ type: "image_url", image_url: { url } }) as const);
  return { role, content: [{ type: "text", text: content }, ...pictures] };
}

/**
 * Aborts when nothing came for a while, when it takes too long altogether, or with `outer`. In the place of
 * `AbortSignal.any`, which Node keeps for ever where a listener is left on it, as the package leaves one with each call.
 */
class Silence {
  private readonly controller = new AbortController();
  private readonly whole: NodeJS.Timeout;
  private timer: NodeJS.Timeout | undefined;
  private readonly stop = (): void => this.controller.abort(this.outer.reason);

  constructor(
    private readonly outer: AbortSignal,
    private readonly borneMs: number,
    wholeMs: number,
  ) {
    this.whole = setTimeout(() => this.controller.abort(), wholeMs);
    if (outer.aborted) this.stop();
    outer.addEventListener("abort", this.stop);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Something came: silence begins anew. */
  broken(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.controller.abort(), this.borneMs);
  }

  end(): void {
    clearTimeout(this.timer);
    clearTimeout(this.whole);
    this.outer.removeEventListener("abort", this.stop);
  }
}

/** The response with a body that ends in an error when it is larger than any honest one, or silent for too long. */
function bounded(response: Response, silence: Silence, signal: AbortSignal): Response {
  let bytes = 0;
  const count = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      silence.broken();
      bytes += chunk.byteLength;
      if (bytes > MOST_BYTES) controller.error(new Error("more than any answer"));
      else controller.enqueue(chunk);
    },
  });
  const body = response.body?.pipeThrough(count, { signal }) ?? null;
  return new Response(body, { headers: response.headers });
}

/** What some models think aloud before they answer. */
function withoutThoughts(text: string): string {
  return text.replace(/^\s*<think>[\s\S]*?(?:<\/think>|$)/i, "");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
