/** Who may ask the API: requests under one of our own names (DNS rebinding), and with the token. */
import { createHash, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { Request, RequestHandler, Response } from "express";
import type { Actor } from "../access/index.js";
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
  if (["localhost", "127.0.0.1", "[::1]", host].includes(asked.hostname)) return true;
  // Beyond loopback the machine is known by its addresses; a rebinding page can only have a name.
  const isPublic = !/^(127\..*|::1|localhost)$/.test(host);
  return isPublic && isIP(asked.hostname.replace(/^\[|\]$/g, "")) !== 0;
}

/**
 * Refuses requests without the bearer token, and tells the others apart: `response.locals.by` is who asks.
 * @param signedIn the browser that asks, where one is signed in and may
 */
export function onlyWithToken(
  token: string,
  by: Actor,
  signedIn?: (request: Request) => Actor | undefined,
): RequestHandler {
  const expected = digest(token);
  return (request, response, next) => {
    const given = /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? "")?.[1];
    // Digests are of one length, so the comparison tells neither length nor content.
    const isProgram = given !== undefined && timingSafeEqual(digest(given), expected);
    // Who sends a wrong token is not let in by a cookie.
    const who = isProgram ? by : given === undefined ? signedIn?.(request) : undefined;
    if (who !== undefined) {
      response.locals.by = who;
      return next();
    }
    response.setHeader("WWW-Authenticate", "Bearer");
    problem(response, 401, "unauthorized", "Send the token of gateway.json as Authorization: Bearer <token>.");
  };
}

/** Who asks, once {@link onlyWithToken} let them in. */
export function askerOf(response: Response): Actor {
  // Only onlyWithToken writes it.
  return response.locals.by as Actor;
}

/** Refuses browsers: who owns the bot is set at the machine alone. */
export const onlyAtTheMachine: RequestHandler = (_request, response, next) => {
  if (askerOf(response).door !== "dashboard") return next();
  problem(
    response,
    403,
    "at-the-machine",
    "Owner and set-up are changed at the machine alone: kafclaw owner, kafclaw whatsapp-setup.",
  );
};

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
