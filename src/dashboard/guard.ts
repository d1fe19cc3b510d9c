/** Who may ask the API: requests under one of our own names (DNS rebinding), and with the token. */
import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { RequestHandler } from "express";
import { problem } from "./problems.js";

/** Where the API is reached. */
export interface Place {
  /** As configured: `127.0.0.1`, `0.0.0.0`, `::1`. */
  readonly host: string;
  readonly publicUrl?: string | undefined;
}

/** Refuses requests whose Host header is not ours: a web page whose name was made to point here. */
export function onlyOurHost(place: Place): RequestHandler {
  return (request, response, next) => {
    if (isOurHost(request.headers.host ?? "", request.socket.localPort ?? 0, place)) return next();
    problem(response, 421, "wrong-host", "This API answers only under its own address.");
  };
}

/** Whether a Host header names this API. Pure. */
export function isOurHost(header: string, port: number, { host, publicUrl }: Place): boolean {
  if (publicUrl !== undefined && header.toLowerCase() === new URL(publicUrl).host) return true;
  const asked = URL.canParse(`http://${header}`) ? new URL(`http://${header}`) : undefined;
  if (asked === undefined || asked.host !== header.toLowerCase() || Number(asked.port || 80) !== port) return false;
  if (["localhost", "127.0.0.1", "[::1]"].includes(asked.hostname)) return true;
  // Beyond loopback the machine is known by its addresses; a rebinding page can only have a name.
  const isPublic = !/^(127\..*|::1|localhost)$/.test(host);
  return isPublic && isIP(asked.hostname.replace(/^\[|\]$/g, "")) !== 0;
}

/** Refuses requests without the bearer token. */
export function onlyWithToken(token: string): RequestHandler {
  const expected = digest(token);
  return (request, response, next) => {
    const given = /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
    // Digests are of one length, so the comparison tells neither length nor content.
    if (timingSafeEqual(digest(given), expected)) return next();
    response.setHeader("WWW-Authenticate", "Bearer");
    problem(response, 401, "unauthorized", "Send the token of gateway.json as Authorization: Bearer <token>.");
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
