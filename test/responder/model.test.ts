import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { queryObjects } from "node:v8";
import { describe, expect, it } from "vitest";
import { modelFrom } from "../../src/responder/model.js";
import { findOllama } from "../../src/responder/ollama.js";
import { ModelProblem } from "../../src/responder/problem.js";
import { type Answering, Endpoint, failing, KEY, streamed, whole } from "../e2e/endpoint.js";

const HELLO = [{ role: "user", content: "hello" }] as const;
const NEVER = new AbortController().signal;

async function asking(
  answering: Answering,
  { timeout = 60, apiKey = KEY }: { timeout?: number; apiKey?: string } = {},
) {
  const endpoint = await Endpoint.start();
  endpoint.answering = answering;
  const model = modelFrom({
    baseUrl: endpoint.url,
    model: "parrot",
    apiKey: apiKey || undefined,
    timeout,
    transcriptionModel: "whisper-1",
  });
  if (model === undefined) throw new Error("no model");
  return { endpoint, model, ask: (signal = NEVER) => model.ask(HELLO, signal) };
}

async function problemOf(work: Promise<unknown>): Promise<ModelProblem> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ModelProblem)) throw new Error(`no problem, but ${String(error)}`);
  return error;
}

describe("a model", () => {
  it("answers streamed or in one piece, and is asked with the key and without anything of this machine", async () => {
    const { endpoint, model, ask } = await asking((_, response) => streamed(response, "Hello, Alice!"));
    expect(await ask()).toBe("Hello, Alice!");
    endpoint.answering = (_, response) => whole(response, "In one piece.");
    expect(await ask()).toBe("In one piece.");
    expect(endpoint.asked[0]).toMatchObject({ model: "parrot", authorization: `Bearer ${KEY}`, messages: HELLO });
    expect(JSON.parse(endpoint.asked[0]?.raw ?? "")).toEqual({ model: "parrot", messages: HELLO, stream: true });
    expect(model.name).toMatch(/^parrot at 127\.0\.0\.1:\d+$/);
  });

  it("without a key sends none", async () => {
    const { endpoint, ask } = await asking((_, response) => whole(response, "Hi."), { apiKey: "" });
    await ask();
    expect(endpoint.asked[0]?.authorization).toBeUndefined();
  });

  it("that thinks aloud first is heard only when it answers", async () => {
    const { ask } = await asking((_, response) => streamed(response, "<think>hm, who is it?</think>\n\nHello."));
    expect(await ask()).toBe("Hello.");
  });

  it("that goes on and on is cut off at a length that people read", async () => {
    const { ask } = await asking((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const piece = `data: ${JSON.stringify({ choices: [{ delta: { content: "la ".repeat(1_000) } }] })}\n\n`;
      const sing = (): void => {
        if (!response.destroyed) response.write(piece, () => setImmediate(sing));
      };
      sing();
    });
    const answer = await ask();
    expect(answer).toHaveLength(16_001);
    expect(answer.endsWith("…")).toBe(true);
  });

  it("is asked again on 429, when the server says, and on 5xx; and not on what will not pass", async () => {
    let times = 0;
    const { ask, endpoint } = await asking((_, response) => {
      times += 1;
      if (times === 1) return failing(response, 429, { "retry-after": "0" });
      if (times === 2) return failing(response, 503, { "retry-after": "0" });
      return streamed(response, "Now.");
    });
    expect(await ask()).toBe("Now.");
    expect(times).toBe(3);
    times = 0;
    endpoint.answering = (_, response) => {
      times += 1;
      failing(response, 401);
    };
    await problemOf(ask());
    expect(times).toBe(1);
  });

  it("is asked once more when it breaks off in the middle", async () => {
    let times = 0;
    const { ask } = await asking((_, response) => {
      times += 1;
      streamed(response, times === 1 ? "half an ans" : "A whole answer.", { end: times > 1 });
      response.end();
    });
    expect(await ask()).toBe("A whole answer.");
    expect(times).toBe(2);
  });

  it("is given up at once when the gateway stops", async () => {
    const stopping = new AbortController();
    const { ask, endpoint } = await asking(() => {});
    const asked = ask(stopping.signal);
    await endpoint.wasAsked(1);
    stopping.abort(new Error("the gateway stops"));
    await expect(asked).rejects.toThrow("the gateway stops");
  });

  it("leaves nothing behind in memory, however often it is asked", async () => {
    const { ask } = await asking((_, response) => streamed(response, "Hello."));
    await ask();
    const before = queryObjects(AbortController);
    for (let count = 0; count < 20; count += 1) await ask();
    expect(queryObjects(AbortController)).toBeLessThan(Number(before) + 10);
  });
});

describe("an endpoint that fails gets one sentence with the next step, without the key", () => {
  const no = { "retry-after": "0" };
  const FAILURES: readonly (readonly [string, Answering, "down" | "refused", RegExp])[] = [
    ["refuses the key", (_, r) => failing(r, 401), "down", /refuses the key \(401\): check responder\.apiKey/],
    ["forbids", (_, r) => failing(r, 403), "down", /refuses the key \(403\)/],
    ["does not know the model", (_, r) => failing(r, 404), "down", /does not know the model "parrot".*check/],
    ["has no quota left", (_, r) => failing(r, 429, no), "down", /wants no more requests now \(429\)/],
    ["fails", (_, r) => failing(r, 500, no), "down", /fails \(500\)/],
    ["refuses the question", (_, r) => failing(r, 400), "refused", /refuses a request \(400\)/],
    [
      "answers HTML",
      (_, r) => void r.writeHead(200, { "content-type": "text/html" }).end("<html>".repeat(9_999)),
      "down",
      /web page.*ends in \/v1/,
    ],
    [
      "answers other JSON",
      (_, r) => void r.writeHead(200, { "content-type": "application/json" }).end('{"a":1}'),
      "down",
      /no chat completion/,
    ],
    [
      "answers what is no JSON",
      (_, r) => void r.writeHead(200, { "content-type": "application/json" }).end("{"),
      "down",
      /no chat completion/,
    ],
    [
      "streams what is no JSON",
      (_, r) => void r.writeHead(200, { "content-type": "text/event-stream" }).end("data: {oops\n\n"),
      "down",
      /no chat completion/,
    ],
    [
      "says nothing at all",
      (_, r) => void r.writeHead(200, { "content-type": "text/event-stream" }).write(": wait\n\n"),
      "down",
      /did not answer within 1 s/,
    ],
    ["never begins", () => {}, "down", /did not answer within 1 s/],
    ["answers empty", (_, r) => streamed(r, ""), "refused", /empty answer/],
    [
      "breaks off each time",
      (_, r) => {
        streamed(r, "half an ans", { end: false });
        r.end();
      },
      "down",
      /broke off in the middle/,
    ],
  ];

  it.each(FAILURES)("%s", async (_, answering, kind, sentence) => {
    const { ask } = await asking(answering, { timeout: 1 });
    const problem = await problemOf(ask());
    expect(problem.kind).toBe(kind);
    expect(problem.sentence).toMatch(sentence);
    expect(problem.sentence).not.toContain("\n");
    expect(problem.sentence).not.toContain(KEY);
  });

  it("is not there", async () => {
    const gone = createServer().listen(0, "127.0.0.1");
    await once(gone, "listening");
    // A listening TCP server's address is never a pipe's name.
    const { port } = gone.address() as AddressInfo;
    gone.close();
    const model = modelFrom({
      baseUrl: `http://127.0.0.1:${port}/v1`,
      model: "parrot",
      apiKey: undefined,
      timeout: 1,
      transcriptionModel: "whisper-1",
    });
    const problem = await problemOf(model?.ask(HELLO, NEVER) ?? Promise.resolve());
    expect(problem.sentence).toMatch(/can't be reached \(ECONNREFUSED\): is it running/);
  });
});

describe("Ollama", () => {
  it("is found where it answers, with the models that chat", async () => {
    const endpoint = await Endpoint.start();
    endpoint.models = ["llama3.2:latest", "nomic-embed-text:latest"];
    const { host, port, origin } = new URL(endpoint.url);
    const found = { baseUrl: `${origin}/v1`, models: ["llama3.2:latest"] };
    expect(await findOllama(host)).toEqual(found);
    expect(await findOllama(origin)).toEqual(found);
    expect(await findOllama(`0.0.0.0:${port}`)).toEqual(found);
  });

  it("is not found where something else answers, or nothing", async () => {
    const endpoint = await Endpoint.start();
    expect(await findOllama(new URL(endpoint.url).host)).toBeUndefined();
    expect(await findOllama("127.0.0.1:9")).toBeUndefined();
  });
});
