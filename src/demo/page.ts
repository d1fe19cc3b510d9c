/** The page with the phones: served on loopback under an address that only the terminal knows. */
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response, Router } from "express";
import { type Listening, listen } from "../dashboard/index.js";
import { createViews, headers, isOurHost, isOurOrigin, Live } from "../dashboard/web.js";
import { KafclawError } from "../errors.js";
import type { Handset } from "./handset.js";
import { keyOf, screenOf } from "./screen.js";
import type { Stage } from "./stage.js";

const HOST = "127.0.0.1";
const PLACE = { host: HOST };
const TEMPLATES = fileURLToPath(new URL("../../templates/demo/", import.meta.url));
const ASSETS = ["../../templates/demo/assets/", "../../templates/assets/"].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);
const FORM_LIMIT = "64kb";
/** WhatsApp takes longer texts, but nobody types them here. */
const LONGEST = 4_000;
/** What the script of the page sends along, to get no page back. */
const BY_SCRIPT = "x-demo";

/** Serves the phones on any free port. */
export async function servePhones(stage: Stage): Promise<Listening> {
  const views = createViews(TEMPLATES);
  let version = 0;
  const live = new Live(() => String(version));
  stage.onChange(() => {
    version += 1;
    live.tellChanges();
  });
  // Whoever knows this address may do everything here; no other web page can guess it.
  const path = `/${randomBytes(16).toString("base64url")}/`;

  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use(headers(), onlyFromHere);
  for (const folder of ASSETS) app.use("/assets", express.static(folder, { index: false }));
  app.use((_request, response, next) => {
    response.setHeader("Cache-Control", "no-store");
    next();
  });
  app.use(path, express.urlencoded({ extended: false, limit: FORM_LIMIT }), phones(stage, views, live));
  app.use((_request, response) => {
    say(response, 404, "Nothing is here. The demo's terminal shows the address of the phones.");
  });
  app.use(onError);
  const listening = await listen(app, HOST, 0);
  return {
    address: `${listening.address}${path}`,
    async close() {
      live.stop();
      await listening.close();
    },
  };
}

function phones(stage: Stage, views: (page: string, model: object) => string, live: Live): Router {
  const router = Router();
  router.get("/", (request, response) => {
    const { phone, reply, fill } = request.query;
    const chosen = { phone: textOf(phone), reply: textOf(reply), fill: fill !== undefined };
    response.type("html").send(views("phones", screenOf(stage, chosen)));
  });
  router.get("/live", (request, response) => live.watch(request, response));
  router.get("/dashboard", async (_request, response) => {
    if (!stage.view) throw new KafclawError("no-gateway", "The gateway does not answer.", "failed");
    response.redirect(303, await stage.view.signInLink());
  });
  router.post(
    "/say",
    onPhone(stage, async (handset, { text, quote }) => {
      const words = field(text).trim().slice(0, LONGEST);
      if (words === "") throw new KafclawError("empty", "Write something first.", "usage");
      await handset.write(words, field(quote) || undefined);
    }),
  );
  router.post(
    "/picture",
    onPhone(stage, (handset, { text }) => handset.sendPicture(field(text).trim().slice(0, LONGEST))),
  );
  router.post(
    "/react",
    onPhone(stage, (handset, { id, emoji }) => handset.react(field(id), field(emoji) === "👎" ? "👎" : "👍")),
  );
  router.post(
    "/addressing",
    onPhone(stage, async (handset, { addressing }) => {
      handset.addressing = field(addressing) === "pn" ? "pn" : "lid";
      stage.changed();
    }),
  );
  router.post("/connection", (request, response) => {
    stage.setAway(field(request.body?.away) === "yes");
    done(request, response);
  });
  return router;
}

/** Does something on the phone that the form names. */
function onPhone(
  stage: Stage,
  work: (handset: Handset, form: Readonly<Record<string, unknown>>) => Promise<void>,
): RequestHandler {
  return async (request, response) => {
    const key = keyOf(request.body?.phone);
    if (!key) throw new KafclawError("no-phone", "There is no such phone here.", "usage");
    await work(stage.phone(key), request.body);
    done(request, response, key);
  };
}

/** The page again, or nothing where its script asks and hears of the change by itself. */
function done(request: Request, response: Response, key?: string): void {
  if (request.headers[BY_SCRIPT] !== undefined) return void response.status(204).end();
  response.redirect(303, `${request.baseUrl}/${key === undefined ? "" : `#${key}`}`);
}

/** Refuses other names than ours (DNS rebinding), and what other web pages send. */
const onlyFromHere: RequestHandler = (request, response, next) => {
  const { host = "", origin } = request.headers;
  if (!isOurHost(host, request.socket.localPort ?? 0, PLACE)) {
    return say(response, 421, "The demo answers only under its own address.");
  }
  if (request.method === "GET" || request.method === "HEAD" || isOurOrigin(origin, host, PLACE)) return next();
  say(response, 403, "Another web page asked for this, so nothing was done.");
};

// Express tells an error handler by its four parameters.
const onError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  if (error instanceof KafclawError) return say(response, error.kind === "usage" ? 400 : 503, error.message);
  // What express refuses by itself (a body too large, a broken address) brings its status.
  const status = error instanceof Error && "status" in error && typeof error.status === "number" ? error.status : 500;
  say(response, status, status < 500 ? "The request is not as it should be." : "Something went wrong in the demo.");
};

function say(response: Response, status: number, text: string): void {
  response.status(status).type("text").send(`${text}\n`);
}

function field(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
