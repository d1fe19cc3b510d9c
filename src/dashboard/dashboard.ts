/** The dashboard: the owner's pages, and beside them the local API, on one address. */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
  Router,
} from "express";
import { KafclawError } from "../errors.js";
import { type ApiParts, createApi } from "./api.js";
import { isOurHost } from "./guard.js";
import { Live } from "./live.js";
import { activityPages } from "./pages/activity.js";
import { backTo, Desk, type DeskParts, sessionOf, setSession } from "./pages/desk.js";
import { linkPages } from "./pages/link.js";
import { overview } from "./pages/overview.js";
import { settingsPages } from "./pages/settings.js";
import { signInPages, signOut, toSignIn } from "./pages/sign-in.js";
import { whatsappPages } from "./pages/whatsapp.js";
import { problem, statusOfError } from "./problems.js";
import { type Csrf, cookieName, cookieOf, cookies, createCsrf, headers, isOurOrigin } from "./safety.js";
import type { Session } from "./session.js";
import { createViews } from "./views.js";

/** What the dashboard is made over: what its pages and its API need. */
export interface DashboardParts extends DeskParts, Omit<ApiParts, "signedIn" | "admin"> {}

/** The app, and what has to be ended with it. */
export interface Dashboard {
  readonly app: Express;
  /** Ends the connections of open pages. */
  stop(): void;
}

const FORM_LIMIT = "64kb";
const ASSETS = fileURLToPath(new URL("../../templates/assets/", import.meta.url));

/** Makes the dashboard; `listen` serves it. */
export function createDashboard(parts: DashboardParts): Dashboard {
  const { access, signIn, random, log } = parts;
  const sessionIn = (request: Request): Session | undefined =>
    signIn.find(cookieOf(request, cookieName("session", request)), access);
  const csrf = createCsrf(parts, random, (request) => sessionIn(request)?.id ?? "");
  const live = new Live(() => fingerprint(parts));
  const desk = new Desk(parts, createViews(), csrf, live);

  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use(headers(), onlyFromHere(parts));
  // Browsers keep them, and ask each time whether they are the newest: pages of a new version don't go with an old script.
  app.use("/assets", express.static(ASSETS, { index: false }));
  app.get("/assets/pico.css", sendPico());
  app.use(cookies());
  app.use(["/api", "/healthz"], forApi(parts, csrf, sessionIn));
  app.use((_request, response, next) => {
    response.setHeader("Cache-Control", "no-store");
    next();
  });
  app.use(express.urlencoded({ extended: false, limit: FORM_LIMIT }));
  app.use(pages(parts, desk, csrf, live, sessionIn));
  app.use((request, response) => {
    fail(desk, request, response, 404, "There is nothing under this address; the menu leads to what there is.");
  });
  app.use(onPageError(desk, log));
  return { app, stop: () => live.stop() };
}

function pages(
  parts: DashboardParts,
  desk: Desk,
  csrf: Csrf,
  live: Live,
  sessionIn: (request: Request) => Session | undefined,
): Router {
  const router = Router();
  router.use((request, response, next) => {
    const session = sessionIn(request);
    setSession(response, session);
    if (session === undefined && request.path !== "/sign-in") return toSignIn(request, response);
    if (!METHODS.includes(request.method)) {
      response.setHeader("Allow", METHODS.join(", "));
      return fail(desk, request, response, 405, "Pages are read and their forms are sent; nothing was changed.");
    }
    if (request.method !== "POST" || csrf.isRight(request)) return next();
    // Signed in meanwhile, by another tab or by the first of two presses.
    if (session && request.path === "/sign-in") return response.redirect(303, backTo(request, "/"));
    fail(desk, request, response, 403, STALE_FORM);
  });
  signInPages(router, desk, parts);
  signOut(router, desk, parts, live);
  router.get("/", overview(desk));
  whatsappPages(router, desk);
  settingsPages(router, desk);
  activityPages(router, desk);
  linkPages(router, desk);
  router.get("/live", (request, response) => live.watch(request, response, sessionOf(response).id));
  return router;
}

const METHODS = ["GET", "HEAD", "POST"];
const STALE_FORM =
  "This form is from an older page (before a sign-in or a restart), so nothing was changed. Open the page again and repeat it.";

/** The API lets signed-in browsers in as well: with the cookie, and for changes with the CSRF token. */
function forApi(
  parts: DashboardParts,
  csrf: Csrf,
  sessionIn: (request: Request) => Session | undefined,
): RequestHandler {
  const api = createApi({
    ...parts,
    signedIn: (request) => {
      const session = sessionIn(request);
      if (session === undefined) return undefined;
      if (request.method !== "GET" && request.method !== "HEAD" && !csrf.isRight(request)) {
        throw new KafclawError("csrf", "Send the CSRF token of a page in the header X-CSRF-Token.");
      }
      return { door: "dashboard", who: `browser ${session.name}` };
    },
  });
  return (request, response, next) => {
    // The API knows its own full addresses.
    request.url = request.originalUrl;
    api(request, response, next);
  };
}

/** Refuses requests under another name than ours (DNS rebinding), and changes that another web page asks for. */
function onlyFromHere(parts: DashboardParts): RequestHandler {
  return (request, response, next) => {
    const { host = "", origin } = request.headers;
    if (!isOurHost(host, request.socket.localPort ?? 0, parts)) {
      const address = parts.publicUrl ?? `http://127.0.0.1:${request.socket.localPort}`;
      const text = `This is KafClaw, which answers only under its own address: open ${address}, or set dashboard.publicUrl to the address that you use.`;
      return refuse(request, response, 421, "wrong-host", text);
    }
    if (request.method === "GET" || request.method === "HEAD" || isOurOrigin(origin, host, parts)) return next();
    const text =
      "Another web page asked for this, so nothing was changed. Open the dashboard by its own address and do it there.";
    refuse(request, response, 403, "wrong-origin", text);
  };
}

/** To programs as JSON; people read it as text, since under another name or from another page there is no page of ours. */
function refuse(request: Request, response: Response, status: number, code: string, text: string): void {
  if (request.accepts(["json", "html"]) === "html") return void response.status(status).type("text").send(`${text}\n`);
  problem(response, status, code, text);
}

function sendPico(): RequestHandler {
  const require = createRequire(import.meta.url);
  const file = require.resolve("@picocss/pico");
  return (_request, response) => response.sendFile(file);
}

/** What open pages may show, in short. */
function fingerprint({ access, gateway, link }: DashboardParts): string {
  const pending = access.list("pending").map(({ code, episode, name, held }) => [code, episode, name, held]);
  const { silent, responder } = gateway;
  return JSON.stringify([
    pending,
    access.counts(),
    gateway.link(),
    link.event,
    silent.on(),
    silent.until(),
    responder.paused,
    [...(responder.backlog?.() ?? [])],
    gateway.trouble?.(),
    // Another owner, or a lock, ends sessions: their open pages are to find out.
    access.owner(),
  ]);
}

/** Says on a page what went wrong. */
function fail(
  desk: Desk,
  request: Request,
  response: Parameters<RequestHandler>[1],
  status: number,
  text: string,
): void {
  desk.show(request, response, "error", status === 404 ? "Not found" : "That did not work", { text }, status);
}

/** The last resort of the pages: nobody outside sees a stack trace. */
function onPageError(desk: Desk, log: DashboardParts["log"]): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    if (error instanceof KafclawError) return fail(desk, request, response, statusOfError(error), error.message);
    const status = error instanceof Error && "status" in error ? Number(error.status) : 500;
    if (status === 413)
      return fail(
        desk,
        request,
        response,
        413,
        "That was too much at once: a form holds at most 64 kB. Nothing was changed.",
      );
    if (status >= 400 && status < 500)
      return fail(
        desk,
        request,
        response,
        status,
        "The request can't be read, and nothing was changed; use the forms of these pages.",
      );
    log.error({ err: error }, "a page could not be shown");
    fail(desk, request, response, 500, "Something went wrong inside KafClaw; its log says more.");
  };
}
