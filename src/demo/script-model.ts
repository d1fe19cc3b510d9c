/**
 * What stands behind the soul where no real model is named: a small OpenAI-compatible endpoint on loopback that answers
 * by a script, and says so.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import type { Closing } from "./closing.js";

/** A running endpoint. */
export interface ScriptModel {
  readonly model: string;
  readonly baseUrl: string;
}

const MODEL = "demo-script";
/** A model thinks for a moment; meanwhile the phone shows that the bot types. */
const THINKS_MS = 400;
/** More than the gateway ever asks with. */
const MOST_BYTES = 8_000_000;

const Part = z.object({ type: z.string(), text: z.string().optional() });
const Asked = z.object({
  messages: z.array(z.object({ role: z.string(), content: z.union([z.string(), z.array(Part)]) })),
});
type Messages = z.infer<typeof Asked>["messages"];

/** Starts it on any free port. */
export async function startScriptModel(closing: Closing): Promise<ScriptModel> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A listening TCP server's address is never the name of a pipe.
  const { port } = server.address() as AddressInfo;
  closing.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  return { model: MODEL, baseUrl: `http://127.0.0.1:${port}/v1` };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = "";
  for await (const chunk of request) {
    body += chunk;
    if (body.length > MOST_BYTES) return void response.writeHead(413).end();
  }
  if (request.method !== "POST" || request.url !== "/v1/chat/completions") return void response.writeHead(404).end();
  const { messages } = Asked.parse(JSON.parse(body));
  await pause(THINKS_MS);
  const message = { role: "assistant", content: scripted(messages) };
  response.writeHead(200, { "Content-Type": "application/json" });
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  response.end(JSON.stringify({ id: "demo", object: "chat.completion", model: MODEL, choices }));
}

/** What the script says to a conversation. Pure. */
export function scripted(messages: Messages): string {
  const soul = wordsOf(messages.find(({ role }) => role === "system"));
  const last = messages.findLast(({ role }) => role === "user");
  // Without a soul it is the set-up that tries whether anybody answers.
  if (soul === "") return "Hello!";
  const name = /calls themselves "([^"\\]+)"/.exec(soul)?.[1];
  const me = /\byou are (\p{L}+)/iu.exec(soul)?.[1] ?? "the bot";
  const turns = messages.filter(({ role }) => role === "assistant").length;
  const hasPicture = Array.isArray(last?.content) && last.content.some(({ type }) => type === "image_url");
  const said = hasPicture ? PICTURE : wordsOf(last);
  return `${line(said, turns, me, name)} (The demo's script answers here, no real model.)`;
}

/** How the gateway tells a model of a picture, where it can't show it. */
const PICTURE = "[image";

/** A message's words, without the pictures that go with them. */
function wordsOf(message: Messages[number] | undefined): string {
  const { content = "" } = message ?? {};
  return typeof content === "string" ? content : content.map(({ text = "" }) => text).join("");
}

function line(said: string, turns: number, me: string, name = "there"): string {
  if (said.startsWith(PICTURE)) return `A picture! Thank you, ${name}.`;
  if (turns === 0) return `Hello ${name}, I'm ${me}, as my soul file says. What can I do for you?`;
  if (said.trim().endsWith("?")) return `Good question, ${name}. A real model would know more than a script does.`;
  return `I see, ${name}. With a real model this would become a conversation.`;
}
