/** An OpenAI-compatible endpoint on loopback, which answers as a test wants and remembers what it was asked. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** A chat completion as it was asked for. */
export interface Asked {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly authorization: string | undefined;
  /** Everything that came, as text: for "it held no secret". */
  readonly raw: string;
}

/** How a request is answered; `response` is the test's to end. */
export type Answering = (asked: Asked, response: ServerResponse) => void | Promise<void>;

export class Endpoint {
  readonly asked: Asked[] = [];
  answering: Answering = (_, response) => streamed(response, "Ahoy!");
  /** What it hears in every voice note; without it, it transcribes nothing. */
  hears: string | undefined;
  /** How it transcribes, where a test wants it in its own way. */
  hearing: ((response: ServerResponse) => void) | undefined;
  /** The models of an Ollama, where it is to be taken for one. */
  models: readonly string[] | undefined;
  private readonly watchers = new Set<() => void>();

  private constructor(readonly url: string) {}

  static async start(): Promise<Endpoint> {
    let endpoint: Endpoint | undefined;
    const server = createServer((request, response) => void endpoint?.take(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(async () => {
      server.closeAllConnections();
      server.close();
    });
    // A listening TCP server's address is never a pipe's name.
    endpoint = new Endpoint(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
    return endpoint;
  }

  /** What a gateway is started with to use it. */
  get env(): Record<string, string> {
    return { KAFCLAW_RESPONDER_BASE_URL: this.url, KAFCLAW_RESPONDER_MODEL: "parrot", KAFCLAW_RESPONDER_API_KEY: KEY };
  }

  /** Waits until it was asked so many times. */
  async wasAsked(times: number): Promise<Asked> {
    while (this.asked.length < times) await new Promise<void>((wake) => this.watchers.add(wake));
    const last = this.asked[times - 1];
    if (!last) throw new Error("unreachable");
    return last;
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let raw = "";
    for await (const chunk of request) raw += chunk;
    if (this.models && request.url === "/api/tags") {
      return void response.end(JSON.stringify({ models: this.models.map((name) => ({ name })) }));
    }
    if (this.hearing && request.url === "/v1/audio/transcriptions") return this.hearing(response);
    if (this.hears !== undefined && request.url === "/v1/audio/transcriptions") {
      return void response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ text: this.hears }));
    }
    if (request.url !== "/v1/chat/completions") return void response.writeHead(404).end();
    const { model, messages } = JSON.parse(raw);
    const asked = { model, messages, authorization: request.headers.authorization, raw };
    this.asked.push(asked);
    for (const wake of this.watchers) wake();
    this.watchers.clear();
    await this.answering(asked, response);
  }
}

export const KEY = "sk-test-never-logged-0123456789";

/** A completion in pieces. */
export function streamed(response: ServerResponse, text: string, { end = true } = {}): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const piece of text.match(/[\s\S]{1,7}/g) ?? []) response.write(event({ delta: { content: piece } }));
  if (end) response.end(`${event({ delta: {}, finish_reason: "stop" })}data: [DONE]\n\n`);
}

/** A completion in one piece. */
export function whole(response: ServerResponse, text: string): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(completion(text));
}

export function completion(text: string): string {
  const choices = [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }];
  return JSON.stringify({ id: "1", object: "chat.completion", choices });
}

export function failing(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ error: { message: "no", type: "test" } }));
}

function event(choice: object): string {
  return `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", choices: [{ index: 0, ...choice }] })}\n\n`;
}
