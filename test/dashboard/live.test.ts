import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Request, Response } from "express";
import { expect, it, onTestFinished } from "vitest";
import { Live } from "../../src/dashboard/live.js";

it("an open page hears of what changed and changed back, where a page was rendered in between", async () => {
  let silent = true;
  const live = new Live(() => String(silent));
  // Express' request and response are Node's own with more on them.
  const server = createServer((request, response) => live.watch(request as Request, response as Response));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    live.stop();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const { body } = await fetch(`http://127.0.0.1:${port}`);
  if (!body) throw new Error("no stream");
  const chunks = body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  const changes = async (count: number): Promise<void> => {
    for (let seen = 0; seen < count; ) seen += String((await chunks.next()).value).split("event: change").length - 1;
  };
  await changes(1);
  silent = false;
  live.tellChanges();
  silent = true;
  live.tellChanges();
  await changes(2);
  expect(silent).toBe(true);
});
