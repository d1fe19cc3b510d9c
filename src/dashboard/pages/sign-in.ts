/** Signing in with the access token or a link, and out. */
import type { CookieOptions, Request, RequestHandler, Response, Router } from "express";
import type { Place } from "../guard.js";
import type { Live } from "../live.js";
import { cookieName, cookieOf, isSecure, limitTries } from "../safety.js";
import { asked, backTo, type Desk, field, isSignedIn, LONGEST_ADDRESS, sessionOf } from "./desk.js";

/** What the sign-in page can say, by a word in its address. */
const SAYINGS: ReadonlyMap<string, string> = new Map([
  ["signed-out", "You are signed out."],
  ["needed", "This browser is not signed in, or was signed out meanwhile; sign in to see that page."],
  ["not-done", "This browser is not signed in, so nothing was changed. Sign in and repeat it."],
  [
    "ended",
    "Your session has ended: the gateway was restarted, the bot's owner changed or was locked, or this browser was not used for a day. Nothing was changed; sign in again.",
  ],
]);

/** The routes that work without being signed in. */
export function signInPages(router: Router, desk: Desk, place: Place): void {
  const { access, admin, signIn } = desk.parts;

  router.get("/sign-in", (request, response) => {
    const link = asked(request, "link");
    const isDead = link !== "" && !signIn.isLink(link, access);
    // The way back leads whoever is signed in to where they began.
    if ((isDead || link === "") && isSignedIn(response)) return response.redirect(303, "/");
    if (isDead) return refuse(desk, request, response, DEAD_LINK, 410);
    show(desk, request, response, { link: link || undefined, saying: SAYINGS.get(asked(request, "said")) });
  });

  const tooMany = (request: Request, response: Response): void => {
    refuse(desk, request, response, TOO_MANY, 429);
  };
  const signedIn: RequestHandler = async (request, response) => {
    const link = field(request, "link");
    if (link !== "" && !signIn.useLink(link, access)) return refuse(desk, request, response, DEAD_LINK, 410);
    if (link !== "") await admin.loginUsed();
    if (link === "" && !signIn.isAccessToken(field(request, "token", 1000))) {
      return refuse(desk, request, response, `That is not the access token. ${whereToken(desk)}`, 403);
    }
    response.cookie(cookieName("session", request), signIn.open(access), cookieOptions(request, place));
    response.redirect(303, backTo(request, "/"));
  };
  router.post(
    "/sign-in",
    limitTries((request) => signIn.isLink(field(request, "link"), access), tooMany),
    signedIn,
  );
}

/** Signing out ends the session here, not just in the browser, and what its open pages hear. */
export function signOut(router: Router, desk: Desk, place: Place, live: Live): void {
  router.post("/sign-out", (request, response) => {
    const session = sessionOf(response);
    desk.parts.signIn.close(session);
    live.endSession(session.id);
    response.clearCookie(cookieName("session", request), cookieOptions(request, place));
    response.redirect(303, "/sign-in?said=signed-out");
  });
}

/** Sends who is not signed in to where they can be. */
export function toSignIn(request: Request, response: Response): void {
  const hadSession = cookieOf(request, cookieName("session", request)) !== undefined;
  const isLook = request.method === "GET" || request.method === "HEAD";
  const said = hadSession ? "ended" : isLook ? "needed" : "not-done";
  // What was looked at is gone to after the sign-in; the first page is in any case, and needs no reason.
  const back = isLook && !["/", "/live"].includes(request.path) ? { back: request.originalUrl } : {};
  const query = new URLSearchParams({ ...(said === "needed" && !("back" in back) ? {} : { said }), ...back });
  response.redirect(303, query.size === 0 ? "/sign-in" : `/sign-in?${query}`);
}

const TOO_MANY =
  "Too many tries: wait 15 minutes, then sign in again; or run kafclaw dashboard, whose link works at once.";
const DEAD_LINK =
  "This sign-in link was used already, is older than 5 minutes, or was replaced by a newer one. Run kafclaw dashboard at the machine for another.";

/** Where who runs the gateway finds the access token. */
function whereToken({ parts: { signIn } }: Desk): string {
  if (signIn.printable !== undefined) return "It was printed when the gateway started.";
  return "It is what dashboard.accessToken is set to (KAFCLAW_DASHBOARD_ACCESS_TOKEN in the environment).";
}

function refuse(desk: Desk, request: Request, response: Response, error: string, status: number): void {
  show(desk, request, response, { error }, status);
}

function show(desk: Desk, request: Request, response: Response, model: object, status = 200): void {
  const back = request.method === "POST" ? backTo(request, "") : asked(request, "back", LONGEST_ADDRESS);
  const always = { back, whereToken: whereToken(desk), byChat: desk.parts.signIn.isOnPhones };
  desk.show(request, response, "sign-in", "Sign in", { ...always, ...model }, status);
}

function cookieOptions(request: Request, place: Place): CookieOptions {
  return { httpOnly: true, sameSite: "strict", path: "/", secure: isSecure(request, place) };
}
