import { createReadStream } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI, { toFile } from "openai";
import { HOUR, isWithin } from "../clock.js";
import { cut } from "../text.js";
import { answerIn, LONGEST } from "./completion.js";
import { Exchange } from "./exchange.js";
import type { ChatMessage } from "./frame.js";
import { type Endpoint, Unwanted } from "./problem.js";
import { problemOf } from "./problems.js";

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

/** At most two more tries, where the endpoint may answer a moment later: somebody waits. */
const RETRIES = 2;
/** The pause before that, doubled each time. */
const PAUSE_MS = 500;
/** Whoever asks for a longer pause (Retry-After) is not asked again for now: somebody waits for an answer, or the gateway to stop. */
const LONGEST_PAUSE_MS = 20_000;
/** A whole answer may take three times the silence that is borne. */
const PATIENCE = 3;

/** Answers of an endpoint that has no such thing as transcription. */
const DEAF = new Set([404, 405, 501]);
/** For an hour it is sent no voice notes, and then again: a proxy whose endpoint is away may say the same. */
const DEAF_MS = HOUR;

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
    const response = await client.chat.completions
      .create({ model: this.options.model, messages: messages.map(asParam), stream: true }, { signal: exchange.signal })
      .asResponse();
    return answerIn(response, exchange, this.options);
  }
}

function asParam({ role, content, images }: ChatMessage): OpenAI.ChatCompletionMessageParam {
  if (role !== "user" || images === undefined) return { role, content };
  const pictures = images.map((url) => ({ type: "image_url", image_url: { url } }) as const);
  return { role, content: [{ type: "text", text: content }, ...pictures] };
}
