import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeEach, expect, it, onTestFinished, vi } from "vitest";
import { fetchMediaFrom } from "../../src/whatsapp/media.js";

const NEVER = new AbortController().signal;
const FILE = {
  directPath: "/x",
  mediaKey: Buffer.alloc(32).toString("base64"),
  sha256: "",
  encryptedSha256: "",
  length: 1_000,
  mimetype: "image/png",
};
const UNREACHABLE = { why: "unreachable" };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
});

/** A server that answers as the test says, and the fetching of a file from it. */
async function fetching() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.closeAllConnections());
  onTestFinished(() => void server.close());
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo;
  const fetched = fetchMediaFrom(`ws://127.0.0.1:${port}/ws`)(FILE, "image", NEVER);
  fetched.catch(() => {});
  // What a server emits with a request.
  const [, response] = (await once(server, "request")) as [IncomingMessage, ServerResponse];
  return { fetched, response };
}

it("a download that stalls is given up, one that is slow is not", async () => {
  const { fetched, response } = await fetching();
  response.writeHead(200);
  response.write(Buffer.alloc(64));
  const bytes = (await fetched)[Symbol.asyncIterator]();
  for (let block = 0; block < 4; block++) {
    expect(await bytes.next()).toMatchObject({ done: false });
    vi.advanceTimersByTime(15_000);
    response.write(Buffer.alloc(64));
  }
  await bytes.next();
  vi.advanceTimersByTime(20_000);
  await expect(bytes.next()).rejects.toMatchObject(UNREACHABLE);
});

it("a server that takes the question and says nothing is given up too", async () => {
  const { fetched } = await fetching();
  vi.advanceTimersByTime(20_000);
  await expect(fetched).rejects.toMatchObject(UNREACHABLE);
});
