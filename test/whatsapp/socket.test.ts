import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type ConnectionState, DEFAULT_CONNECTION_CONFIG } from "@whiskeysockets/baileys";
import pino from "pino";
import { expect, it, onTestFinished } from "vitest";
import { WebSocketServer } from "ws";
import { Journal, type JournalRecord } from "../../src/whatsapp/journal.js";
import { ResendRequests } from "../../src/whatsapp/resend.js";
import { Session, type SessionDoc } from "../../src/whatsapp/session.js";
import { boundedCache, openSocket } from "../../src/whatsapp/socket.js";
import { tempStore } from "./temp-store.js";

/** Connects to a port on which somebody else than WhatsApp listens. @returns how it ended */
async function endOf(port: number): Promise<Partial<ConnectionState>> {
  const store = await tempStore();
  const journal = await Journal.open(await store.open<JournalRecord>("journal"), Date.now);
  const collection = await store.open<SessionDoc>("session");
  const nothing = (): void => {};
  const options = { collection, journal, isKnown: () => false, onMapping: nothing, onFailure: nothing };
  const session = await Session.open(options);
  const log = pino({ level: "silent" });
  const socket = openSocket({
    session,
    journal,
    creds: session.credentials(),
    version: DEFAULT_CONNECTION_CONFIG.version,
    url: `ws://127.0.0.1:${port}`,
    connectTimeoutMs: 50,
    log,
    isKnown: () => false,
    mayHear: () => false,
    resends: new ResendRequests({ journal, isKnown: () => false, log }),
    recall: async () => undefined,
  });
  return new Promise((resolve) => {
    socket.ev.on("connection.update", (update) => update.connection === "close" && resolve(update));
  });
}

it("gives up a connection that is never made", async () => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket)).listen(0, "127.0.0.1");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, "listening");
  const { lastDisconnect } = await endOf((server.address() as AddressInfo).port);
  expect(lastDisconnect?.error).toMatchObject({ output: { statusCode: 408 } });
});

it("gives up a connection on which nothing comes", async () => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  await once(server, "listening");
  const { lastDisconnect } = await endOf((server.address() as AddressInfo).port);
  expect(lastDisconnect?.error).toMatchObject({ output: { statusCode: 408 } });
});

it("counts the retries of so many messages and no more: a flood of what can't be read does not fill memory", async () => {
  const cache = boundedCache(2);
  for (const [id, count] of [
    ["a", 1],
    ["b", 1],
    ["a", 2],
    ["c", 1],
  ] as const)
    await cache.set(id, count);
  expect(["a", "b", "c"].map((id) => cache.get(id))).toEqual([2, undefined, 1]);
  await cache.del("a");
  expect(cache.get("a")).toBeUndefined();
});
