import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { queryObjects } from "node:v8";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Look, modelFrom } from "../../src/responder/model.js";
import { findOllama } from "../../src/responder/ollama.js";
import { ModelProblem, Unwanted } from "../../src/responder/problem.js";
import { type Answering, completion, Endpoint, failing, KEY, streamed, whole } from "../e2e/endpoint.js";

const HELLO = [{ role: "user", content: "hello" }] as const;
const NEVER = new AbortController().signal;

async function asking(
  answering: Answering,
  { timeout = 60, apiKey = KEY, clock }: { timeout?: number; apiKey?: string; clock?: () => number } = {},
) {
  const endpoint = await Endpoint.start();
  endpoint.answering = answering;
  const settings = { baseUrl: endpoint.url, model: "parrot", apiKey: apiKey || undefined, timeout };
  const model = modelFrom({ ...settings, transcriptionModel: "whisper-1" }, clock);
  return { endpoint, model, ask: (signal = NEVER, look?: Look) => model.ask(HELLO, signal, look) };
}

function onlyIf(isWanted: () => boolean): Look {
  return () => {
    if (!isWanted()) throw new Unwanted();
  };
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

  it.each([
    "<thinking>hm</thinking>Hello.",
    "<think budget=9>hm</think>\n<think>or so?</think>\nHello.",
    "Okay, who is it? A buddy.\n</think>\n\nHello.",
    "Hel\u0000lo\u001b.",
  ])("is heard without thoughts in other tags, an opening that its template kept, or controls: %j", async (said) => {
    const { ask, endpoint } = await asking((_, response) => whole(response, said));
    expect(await ask()).toBe("Hello.");
    endpoint.answering = (_, response) => streamed(response, said);
    expect(await ask()).toBe("Hello.");
  });

  it("may talk of thoughts, and half a character of it is not sent", async () => {
    const { ask, endpoint } = await asking((_, response) => whole(response, "Use <think> and </think>."));
    expect(await ask()).toBe("Use <think> and </think>.");
    endpoint.answering = (_, response) => whole(response, "It ends with `</think>`, always.");
    expect(await ask()).toBe("It ends with `</think>`, always.");
    endpoint.answering = (_, response) => whole(response, "a\ud800b");
    expect(await ask()).toBe("a\ufffdb");
  });

  it("that goes on and on is cut off at a length that people read", async () => {
    const { ask, endpoint } = await asking((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      const piece = `data: ${JSON.stringify({ choices: [{ delta: { content: "la ".repeat(1_000) } }] })}\n\n`;
      const sing = (): void => {
        if (!response.destroyed) response.write(piece, () => setImmediate(sing));
      };
      sing();
    });
    const answer = await ask();
    expect(answer.length).toBeGreaterThan(15_990);
    expect(answer.length).toBeLessThanOrEqual(16_000);
    expect(answer.endsWith("…")).toBe(true);
    endpoint.answering = (_, response) => whole(response, "la ".repeat(10_000));
    expect(await ask()).toBe(answer);
  });

  it("may think for as long as it likes", async () => {
    const thoughts = `<think>${"hm, ".repeat(20_000)}</think>`;
    const { ask, endpoint } = await asking((_, response) => streamed(response, `${thoughts}Hello.`));
    expect(await ask()).toBe("Hello.");
    endpoint.answering = (_, response) => whole(response, `${thoughts}Hello.`);
    expect(await ask()).toBe("Hello.");
    // Some templates keep the tag that begins them: then they are known by their end alone.
    const unopened = `${"hm, ".repeat(10_000)}</think>Hello.`;
    endpoint.answering = (_, response) => streamed(response, unopened);
    expect(await ask()).toBe("Hello.");
  });

  it("that has said more than goes out is not waited for any more", async () => {
    const { ask } = await asking((_, response) => streamed(response, "la ".repeat(7_000), { end: false }), {
      timeout: 1,
    });
    expect((await ask()).length).toBeGreaterThan(15_990);
  });

  it("ends a stream as it likes, and need not say what it sends", async () => {
    const { ask, endpoint } = await asking((_, response) => {
      streamed(response, "Done.", { end: false });
      response.end("data: [DONE]\n\n");
    });
    expect(await ask()).toBe("Done.");
    endpoint.answering = (_, response) => void response.end(completion("In one piece."));
    expect(await ask()).toBe("In one piece.");
  });

  it.each(["data: [DONE]\n\n", "data: [DONE]\n"])("need not close the connection after its stream: %j", async (end) => {
    const { ask } = await asking((_, response) => {
      streamed(response, "Done.", { end: false });
      response.write(end);
    });
    expect(await ask()).toBe("Done.");
  });

  it("may call an answer in one piece a stream", async () => {
    const stream = { "content-type": "text/event-stream" };
    const { endpoint, ask } = await asking((_, r) => {
      r.writeHead(200, stream).write("\r\n");
      r.end(completion("In one piece."));
    });
    expect(await ask()).toBe("In one piece.");
    endpoint.answering = (_, r) => void r.writeHead(200, stream).end(JSON.stringify({ error: { code: 401 } }));
    expect(await problemOf(ask())).toMatchObject({
      kind: "down",
      sentence: expect.stringContaining("refuses the key"),
    });
  });

  const STREAM = { "content-type": "text/event-stream" };
  const JSON_TYPE = { "content-type": "application/json" };
  const said = (choice: object) => JSON.stringify({ choices: [{ finish_reason: "stop", ...choice }] });
  const hello = said({ delta: { content: "Hello." } });
  it.each<[string, Record<string, string>, string]>([
    ["with empty data to keep alive", STREAM, `data:\n\ndata: ${hello}\n\n`],
    ["with events without data", STREAM, `event: ping\n\ndata: ${hello}\n\n`],
    ["in a stream without a type", {}, `data: ${hello}\n\ndata: [DONE]\n\n`],
    ["in a stream as text", { "content-type": "text/plain" }, `: ping\n\ndata: ${hello}\n\n`],
    ["without an empty line at the end", STREAM, `data: ${hello}`],
    ["in parts", JSON_TYPE, said({ message: { content: [{ type: "text", text: "Hel" }, { text: "lo." }] } })],
    ["in parts of a stream", STREAM, `data: ${said({ delta: { content: [{ type: "text", text: "Hello." }] } })}\n\n`],
    ["as a refusal", JSON_TYPE, said({ message: { content: null, refusal: "Hello." } })],
    ["as a refusal in a stream", STREAM, `data: ${said({ delta: { refusal: "Hello." } })}\n\n`],
  ])("may answer %s", async (_, headers, body) => {
    const { ask } = await asking((_, response) => void response.writeHead(200, headers).end(body));
    expect(await ask()).toBe("Hello.");
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

  it("that wants to be left alone for long is not waited for, and a pause ends when the gateway stops", async () => {
    const { ask, endpoint } = await asking((_, response) => failing(response, 429, { "retry-after": "3600" }));
    expect(await problemOf(ask())).toMatchObject({
      sentence: expect.stringMatching(/wants no more requests now/),
      pauseMs: 3_600_000,
    });
    expect(endpoint.asked).toHaveLength(1);
    const stopping = new AbortController();
    endpoint.answering = (_, response) => {
      failing(response, 429, { "retry-after": "19" });
      response.on("close", () => stopping.abort(new Error("the gateway stops")));
    };
    await expect(ask(stopping.signal)).rejects.toThrow("the gateway stops");
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

  it("is not asked again once that is not wanted any more", async () => {
    let isWanted = true;
    const { endpoint, ask } = await asking((_, response) => {
      isWanted = false;
      failing(response, 503, { "retry-after": "0" });
    });
    await expect(
      ask(
        NEVER,
        onlyIf(() => isWanted),
      ),
    ).rejects.toThrow(Unwanted);
    expect(endpoint.asked).toHaveLength(1);
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
      "says that it has no such address",
      (_, r) => void r.writeHead(200, { "content-type": "application/json" }).end('{"error":"Unexpected endpoint"}'),
      "down",
      /no chat completion: check responder\.baseUrl/,
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
      /did not answer in time: .*responder\.timeout \(1 s\)/,
    ],
    ["never begins", () => {}, "down", /did not answer in time: .*responder\.timeout \(1 s\)/],
    ["answers empty", (_, r) => streamed(r, ""), "refused", /empty answer/],
    ["answers what nobody can see", (_, r) => whole(r, "\u200b \u2060\n"), "refused", /empty answer/],
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

  /** Errors as endpoints say them although their status is 200. */
  const SAID: readonly (readonly [object, "down" | "refused", RegExp])[] = [
    [{ code: 400, message: "the request exceeds the available context size" }, "refused", /refuses a request \(400\)/],
    [{ status: 413 }, "refused", /refuses a request \(413\)/],
    [{ code: "422" }, "refused", /refuses a request \(422\)/],
    [{ code: "context_length_exceeded", type: "invalid_request_error" }, "refused", /refuses a request \(400\)/],
    [{ code: null, type: "invalid_request_error" }, "refused", /refuses a request \(400\)/],
    [{ code: "invalid_api_key", type: "invalid_request_error" }, "down", /refuses the key \(401\)/],
    [{ code: 503 }, "down", /fails \(503\)/],
    [{ code: "content_filter", message: "no" }, "refused", /refuses a request \(400\)/],
    [{ code: "rate_limit_exceeded" }, "down", /wants no more requests now \(429\)/],
    [{ code: "insufficient_quota", type: "insufficient_quota" }, "down", /wants no more requests now \(429\)/],
    [{ message: "Trying to keep the first 5000 tokens" }, "down", /fails \(500\)/],
  ];
  it.each(SAID)("says %j in a stream or in a body, as if it were the status", async (error, kind, sentence) => {
    const { ask, endpoint } = await asking((_, r) => {
      r.writeHead(200, { "content-type": "text/event-stream", ...no }).end(`data: ${JSON.stringify({ error })}\n\n`);
    });
    const problems = [await problemOf(ask())];
    endpoint.answering = (_, r) => {
      r.writeHead(200, { "content-type": "application/json", ...no }).end(JSON.stringify({ error }));
    };
    problems.push(await problemOf(ask()));
    // Some say it in the choice, behind what the model had said so far.
    const choice = { message: { content: "Half an" }, delta: { content: "Half an" }, finish_reason: "error", error };
    const body = JSON.stringify({ choices: [choice] });
    endpoint.answering = (_, r) => {
      r.writeHead(200, { "content-type": "text/event-stream", ...no }).end(`data: ${body}\n\ndata: [DONE]\n\n`);
    };
    problems.push(await problemOf(ask()));
    endpoint.answering = (_, r) => void r.writeHead(200, { "content-type": "application/json", ...no }).end(body);
    problems.push(await problemOf(ask()));
    for (const problem of problems) {
      expect(problem.kind).toBe(kind);
      expect(problem.sentence).toMatch(sentence);
    }
  });

  it("that breaks off each time may do so because of the question", async () => {
    const { ask } = await asking((_, response) => {
      streamed(response, "half an ans", { end: false });
      response.end();
    });
    expect(await problemOf(ask())).toMatchObject({ kind: "down", isAtQuestion: true });
  });

  it.each([302, 307, 308])("sends on to another address (%i), which gets nothing", async (status) => {
    const elsewhere = await Endpoint.start();
    const { ask } = await asking((_, response) => {
      response.writeHead(status, { location: `${elsewhere.url}/chat/completions` }).end();
    });
    expect((await problemOf(ask())).sentence).toMatch(/on to another address \(\d+\): set responder\.baseUrl/);
    expect(elsewhere.asked).toEqual([]);
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

/** Goes on and on, whatever it says. */
function flooding(response: ServerResponse, status: number): void {
  response.writeHead(status, { "content-type": "application/json" });
  const piece = Buffer.alloc(1024 * 1024, " ");
  const flood = (): void => {
    if (!response.destroyed) response.write(piece, () => setImmediate(flood));
  };
  flood();
}

describe("an endpoint that never stops, or stops in the middle,", () => {
  it.each([200, 500])("holds up nothing and fills no memory (%i)", async (status) => {
    const { ask } = await asking((_, response) => flooding(response, status));
    const problem = await problemOf(ask());
    expect(problem.kind).toBe("down");
  });

  it("with an error holds up nothing", async () => {
    const { ask } = await asking((_, response) => void response.writeHead(400).write("{"), { timeout: 1 });
    expect((await problemOf(ask())).sentence).toMatch(/did not answer in time: .*responder\.timeout \(1 s\)/);
  });
});

describe("voice notes", () => {
  async function listening(hearing: (response: ServerResponse) => void, options: Parameters<typeof asking>[1] = {}) {
    const { endpoint, model } = await asking(() => {}, options);
    endpoint.hearing = hearing;
    const folder = await mkdtemp(join(tmpdir(), "kafclaw-voice-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, "voice.ogg");
    await writeFile(path, "OggS");
    return { endpoint, hear: (look?: Look) => model.transcribe(path, NEVER, look) };
  }
  const saying = (text: string) => (response: ServerResponse) =>
    void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ text }));

  it("are heard again a moment later, where the endpoint was busy", async () => {
    let times = 0;
    const { hear } = await listening((response) => {
      times += 1;
      if (times < 3) failing(response, times === 1 ? 429 : 503, { "retry-after": "0" });
      else saying("hello")(response);
    });
    expect(await hear()).toBe("hello");
  });

  it("are not sent again once that is not wanted any more", async () => {
    let times = 0;
    const { hear } = await listening((response) => {
      times += 1;
      failing(response, 503, { "retry-after": "0" });
    });
    await expect(hear(onlyIf(() => times === 0))).rejects.toThrow(Unwanted);
    expect(times).toBe(1);
  });

  it.each([400, 401, 429, 503])("are heard however many were not taken before (%i)", async (status) => {
    const { hear, endpoint } = await listening((response) => failing(response, status, { "retry-after": "0" }));
    for (let count = 0; count < 5; count += 1) expect(await hear()).toBeUndefined();
    endpoint.hearing = saying("hello");
    expect(await hear()).toBe("hello");
  });

  it.each([404, 405, 501])("are not sent for an hour to what takes none (%i)", async (status) => {
    let now = 0;
    let asked = 0;
    const { hear, endpoint } = await listening(
      (response) => {
        asked += 1;
        failing(response, status);
      },
      { clock: () => now },
    );
    for (let count = 0; count < 5; count += 1) expect(await hear()).toBeUndefined();
    expect(asked).toBe(1);
    endpoint.hearing = saying("hello");
    now += 61 * 60_000;
    expect(await hear()).toBe("hello");
  });

  it("hold up nobody, where the endpoint is silent or floods", async () => {
    const { hear, endpoint } = await listening((response) => void response.writeHead(200).write("{"), { timeout: 1 });
    expect(await hear()).toBeUndefined();
    endpoint.hearing = (response) => flooding(response, 200);
    expect(await hear()).toBeUndefined();
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
