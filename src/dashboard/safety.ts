/** What keeps other web pages and other machines out of the dashboard: headers, Host, Origin, CSRF tokens, sign-in limit. */
import cookieParser from "cookie-parser";
import { type DoubleCsrfUtilities, doubleCsrf } from "csrf-csrf";
import type { Request, RequestHandler, Response } from "express";
import { rateLimit } from "express-rate-limit";
import helmet from "helmet";
import { MINUTE } from "../clock.js";
import type { Place } from "./guard.js";

/** The field of every form, and the header of scripts, that holds the CSRF token. */
export const CSRF_FIELD = "csrf";
export const CSRF_HEADER = "x-csrf-token";

const TRIES = 10;
const TRIES_WITHIN_MS = 15 * MINUTE;

/** Security headers: nothing from elsewhere, no inline script, no frame around it. */
export function headers(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        // Pico draws its arrows and ticks as data: pictures.
        imgSrc: ["'self'", "data:"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    xFrameOptions: { action: "deny" },
    // With "no-referrer" browsers send "Origin: null" with our own forms.
    referrerPolicy: { policy: "same-origin" },
    // The dashboard speaks plain HTTP; whoever puts TLS before it decides on this.
    strictTransportSecurity: false,
  });
}

/** Whether an Origin header is ours. The port counts, since cookies don't know ports. Pure. */
export function isOurOrigin(origin: string | undefined, host: string, { publicUrl }: Place): boolean {
  if (origin === undefined) return true;
  const open = publicUrl === undefined ? undefined : new URL(publicUrl);
  // A proxy in front may pass its own name on, or ours; a page under the public name is ours only as it is public.
  if (origin === open?.origin) return true;
  return host.toLowerCase() !== open?.host && origin === `http://${host.toLowerCase()}`;
}

/** Whether a request came over TLS, as far as we can know it: its cookies then never travel without. */
export function isSecure(request: Request, { publicUrl }: Place): boolean {
  return publicUrl !== undefined && request.headers.host?.toLowerCase() === new URL(publicUrl).host;
}

/** The name of a cookie of ours. The port is part of it: browsers send a cookie to every port of a machine. */
export function cookieName(kind: "session" | "csrf", request: Request): string {
  return `kafclaw-${kind}-${portOf(request)}`;
}

function portOf(request: Request): number {
  return request.socket.localPort ?? 0;
}

/** Reads cookies. */
export function cookies(): RequestHandler {
  return cookieParser();
}

/** The value of one cookie. */
export function cookieOf(request: Request, name: string): string | undefined {
  // cookie-parser makes an object of strings of it (of anything, for values that begin with "j:").
  const value = (request.cookies as Record<string, unknown> | undefined)?.[name];
  return typeof value === "string" ? value : undefined;
}

/** CSRF tokens, bound to the session. */
export interface Csrf {
  /** The token of this browser, for its forms. */
  token(request: Request, response: Response): string;
  isRight(request: Request): boolean;
}

/** @param sessionOf what the token is bound to; "" for a browser that is not signed in */
export function createCsrf(
  place: Place,
  random: (size: number) => Uint8Array,
  sessionOf: (request: Request) => string,
): Csrf {
  const key = Buffer.from(random(32)).toString("base64url");
  // The name of the cookie depends on the port, which is known with the first request only.
  const byPort = new Map<number, DoubleCsrfUtilities>();
  const at = (request: Request): DoubleCsrfUtilities => {
    const known = byPort.get(portOf(request));
    if (known) return known;
    const made = doubleCsrf({
      getSecret: () => key,
      getSessionIdentifier: sessionOf,
      cookieName: cookieName("csrf", request),
      cookieOptions: { sameSite: "strict", path: "/", secure: false, httpOnly: true },
      getCsrfTokenFromRequest: (request) => {
        const field = (request.body as Record<string, unknown> | undefined)?.[CSRF_FIELD];
        return typeof field === "string" ? field : request.headers[CSRF_HEADER];
      },
    });
    byPort.set(portOf(request), made);
    return made;
  };
  return {
    token: (request, response) =>
      at(request).generateCsrfToken(request, response, {
        validateOnReuse: false,
        cookieOptions: { sameSite: "strict", path: "/", secure: isSecure(request, place), httpOnly: true },
      }),
    isRight: (request) => at(request).validateRequest(request),
  };
}

/**
 * Slows guessing down: 10 failed tries in 15 minutes from one address.
 * @param isSure whether a try is no guess: those go through, so that nobody who guesses locks the others out
 */
export function limitTries(
  isSure: (request: Request) => boolean,
  onTooMany: (request: Request, response: Response) => void,
): RequestHandler {
  return rateLimit({
    windowMs: TRIES_WITHIN_MS,
    limit: TRIES,
    skipSuccessfulRequests: true,
    skip: isSure,
    standardHeaders: "draft-8",
    legacyHeaders: false,
    // A proxy in front shares one allowance among all: stricter, not looser.
    validate: { xForwardedForHeader: false, forwardedHeader: false },
    handler: onTooMany,
  });
}
