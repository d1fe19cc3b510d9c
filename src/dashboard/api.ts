/** The local API (JSON under `/api/v1/`), through which the command line changes a running gateway. */
import express, { type Express, type Request, type RequestHandler, Router } from "express";
import { z } from "zod";
import {
  type Access,
  type Actor,
  type Contact,
  type Door,
  isLive,
  KafclawError,
  phoneDigits,
} from "../access/index.js";
import { type Admin, answerOf, answerOfSetup, changeOwner, type Gateway, inviteLink, setUp } from "../admin/index.js";
import type { LoadedConfig } from "../config.js";
import { present } from "../present.js";
import type { LinkControl } from "../whatsapp/types.js";
import { type Activity, groupOf, MESSAGES_KEPT_MS, PARCEL_STATES, VERDICT_GROUPS } from "./activity.js";
import { decideAsShown, WISHES } from "./decide.js";
import { askerOf, onlyAtTheMachine, onlyOurHost, onlyWithToken, type Place } from "./guard.js";
import { openApi } from "./openapi.js";
import { contactData, inviteData } from "./people.js";
import { AT_MACHINE, NOT_JSON, onError, problem, send } from "./problems.js";
import { shownSettings } from "./settings.js";

/** What the API is made over. */
export interface ApiParts extends Place {
  readonly access: Access;
  readonly admin: Pick<Admin, "run" | "decide" | "decider" | "notices">;
  readonly gateway: Gateway;
  readonly link: LinkControl;
  readonly activity: Activity;
  readonly settings: LoadedConfig;
  readonly clock: () => number;
  /** The bearer token, new at each start. */
  readonly token: string;
  /** Who asks through it: whoever can read `gateway.json`. */
  readonly by: Actor;
  /** The browser that asks, where one is signed in. Throws where its request is not to be trusted. */
  readonly signedIn?: (request: Request) => Actor | undefined;
  /** Random bytes. */
  readonly random: (size: number) => Uint8Array;
  readonly log: { error(details: object, message: string): void };
}

/** Thousands of numbers in one order. */
const BODY_LIMIT = "1mb";
const PAGE = 50;
const DOORS = ["whatsapp", "dashboard", "cli", "kafka", "gateway"] as const satisfies Door[];
const STATES = ["pending", "approved", "denied"] as const;

const CommandRequest = z.strictObject({ name: z.string().max(100), args: z.array(z.string()).default([]) });
const DecisionRequest = z.strictObject({
  code: z.string().max(100),
  do: z.enum(WISHES.map(({ name }) => name)),
  state: z.enum([...STATES, "stranger"]),
  episode: z.int().exactOptional(),
});
const UndoRequest = z.strictObject({ decision: z.string().max(200) });
const People = z.array(z.string().max(200)).max(10_000).exactOptional();
const SetupRequest = z.strictObject({
  owner: z.string().max(200).exactOptional(),
  confirm: z.boolean().exactOptional(),
  token: z.string().max(1000).exactOptional(),
  generateToken: z.boolean().exactOptional(),
  allow: People,
  deny: People,
});
const OwnerRequest = z
  .strictObject({ owner: z.string().max(200).exactOptional(), lock: z.boolean().exactOptional() })
  .refine(({ owner, lock = false }) => lock !== (owner !== undefined), 'either {"lock":true} or {"owner":"…"}');
const LinkRequest = z.strictObject({ phone: z.string().optional(), replace: z.boolean().optional() });
const Page = z.coerce.number().int().min(1).max(1_000_000).default(1);
const ContactsQuery = z.strictObject({
  state: z.enum(STATES).optional(),
  page: Page,
  search: z.string().max(200).default(""),
});
const MessagesQuery = z.strictObject({ page: Page, verdict: z.enum(VERDICT_GROUPS.map(({ id }) => id)).optional() });
const SentQuery = z.strictObject({ page: Page, state: z.enum(PARCEL_STATES).optional() });
const InvitesQuery = z.strictObject({ page: Page });
const AuditQuery = z.strictObject({
  page: Page,
  contact: z.string().max(100).optional(),
  door: z.enum(DOORS).optional(),
});

/** Makes the express app; {@link listen} serves it. */
export function createApi(parts: ApiParts): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use((_request, response, next) => {
    response.setHeader("Cache-Control", "no-store");
    response.setHeader("X-Content-Type-Options", "nosniff");
    next();
  });
  app.use(onlyOurHost(parts));
  app.get("/healthz", (_request, response) => {
    const { gateway } = parts;
    response.json({ status: "ok", link: gateway.link().code, silent: gateway.silent.on() });
  });
  app.all("/healthz", wrongMethod(["get"]));
  app.use(
    "/api/v1",
    onlyWithToken(parts.token, parts.by, parts.signedIn),
    onlyJson,
    express.json({ limit: BODY_LIMIT }),
    routes(parts),
  );
  app.use((_request, response) => problem(response, 404, "not-found", "There is nothing under this address."));
  app.use(onError(parts.log));
  return app;
}

function routes(parts: ApiParts): Router {
  const { access, activity, admin, clock, gateway, link, random } = parts;
  const router = Router();
  const description = openApi({
    command: CommandRequest,
    decision: DecisionRequest,
    undo: UndoRequest,
    setup: SetupRequest,
    owner: OwnerRequest,
    link: LinkRequest,
  });

  router.get("/openapi.json", (_request, response) => void response.json(description));

  router.get("/status", async (_request, response) => {
    const { data } = await admin.run("status", [], askerOf(response));
    response.json(data);
  });

  router.get("/contacts", (request, response) => {
    const { state, page, search } = checked(ContactsQuery, request.query);
    const found = (state ? [state] : STATES).flatMap((each): readonly Contact[] => access.list(each, { search }));
    const { rows, ...rest } = paged(found, page);
    response.json({ contacts: rows.map(contactData), ...rest });
  });

  router.get("/invites", (request, response) => {
    const { page } = checked(InvitesQuery, request.query);
    const { rows, ...rest } = paged(access.invites(), page);
    response.json({ invites: rows.map(inviteData), ...rest });
  });

  router.get("/invites/:id", (request, response) => {
    const invite = access.invites().find(({ _id }) => _id === request.params.id);
    if (invite === undefined)
      throw new KafclawError("unknown-reference", "No invite has that id; /invites lists them.");
    const open = isLive(invite, clock());
    const link = open ? inviteLink(invite, gateway.me()) : undefined;
    response.json({ ...inviteData(invite), open, token: open ? invite.token : null, link: link ?? null });
  });

  router.get("/settings", (_request, response) => {
    response.json({ settings: shownSettings(parts.settings) });
  });

  router.get("/messages", async (request, response) => {
    const { page, verdict } = checked(MessagesQuery, request.query);
    const all = activity.seen(clock() - MESSAGES_KEPT_MS);
    const { rows, ...rest } = paged(
      all.filter((message) => verdict === undefined || groupOf(message.verdict).id === verdict),
      page,
    );
    response.json({ messages: await activity.incoming(rows), ...rest });
  });

  router.get("/sent", (request, response) => {
    const { page, state } = checked(SentQuery, request.query);
    const { rows, ...rest } = paged(
      activity.outgoing().filter((sent) => state === undefined || sent.state === state),
      page,
    );
    response.json({ sent: rows.map((row) => row.inWords()), ...rest });
  });

  router.get("/audit", async (request, response) => {
    const { page, contact: who, door } = checked(AuditQuery, request.query);
    // Lists name people by their codes, records by their ids.
    const contact = who && (access.byCode(who)?._id ?? who);
    const total = access.auditCount({ contact, door });
    const records = await access.audit({ contact, door, skip: (page - 1) * PAGE, limit: PAGE });
    response.json({ records, total, page, pages: Math.max(1, Math.ceil(total / PAGE)) });
  });

  router.post("/commands", async (request, response) => {
    const { name, args } = checked(CommandRequest, jsonOf(request));
    send(response, answerOf(await admin.run(name, args, askerOf(response))));
  });

  router.post("/decisions", async (request, response) => {
    const wish = checked(DecisionRequest, jsonOf(request));
    send(response, answerOf(await decideAsShown(parts, wish, askerOf(response))));
  });

  router.post("/decisions/undo", async (request, response) => {
    const { decision: decisionId } = checked(UndoRequest, jsonOf(request));
    send(response, answerOf(await admin.decide({ kind: "undo", decisionId }, askerOf(response))));
  });

  router.post("/token/reveal", (_request, response) => {
    const token = access.revealToken();
    if (token !== undefined) return void response.json({ token });
    problem(response, 404, "no-token", "There is no pairing token yet; the command token rotate makes one.");
  });

  router.post("/setup", onlyAtTheMachine, async (request, response) => {
    const input = checked(SetupRequest, jsonOf(request));
    const outcome = await setUp(input, { access, admin, gateway, random }, askerOf(response));
    send(response, answerOfSetup(outcome));
  });

  router.post("/owner", onlyAtTheMachine, async (request, response) => {
    const input = checked(OwnerRequest, jsonOf(request));
    const text = await changeOwner(input, { access, admin, gateway, random }, askerOf(response));
    response.json({ ok: true, text });
  });

  router.get("/link", (_request, response) => void response.json(link.event));
  router.post("/link", async (request, response) => {
    const { phone, replace } = checked(LinkRequest, jsonOf(request));
    if (replace && access.owner()?.setup === "self" && askerOf(response).door === "dashboard") {
      return problem(response, 403, "at-the-machine", AT_MACHINE);
    }
    await link.beginLinking({
      ...(phone === undefined ? {} : { phone: phoneDigits(phone) }),
      ...present({ replace }),
    });
    response.status(202).json(link.event);
  });
  router.post("/link/cancel", async (_request, response) => {
    await link.cancelLinking();
    response.json({ ok: true });
  });
  router.delete("/link", async (_request, response) => {
    response.json({ ok: true, ...present({ left: await link.logout() }) });
  });
  for (const [path, methods] of Object.entries(description.paths)) {
    router.all(path.replace(/\{(\w+)\}/g, ":$1"), wrongMethod(Object.keys(methods)));
  }
  return router;
}

/** Answers what asks an address in a way that it does not know. */
function wrongMethod(methods: readonly string[]): RequestHandler {
  const known = methods.flatMap((method) => (method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()])).join(", ");
  return (request, response) => {
    response.setHeader("Allow", known);
    if (request.method === "OPTIONS") return void response.status(204).end();
    problem(response, 405, "wrong-method", `This address takes ${known}, not ${request.method}.`, "usage");
  };
}

/** Refuses a body that is no JSON: it would count as none, and so ask for something else. */
const onlyJson: RequestHandler = (request, response, next) => {
  const isEmpty = request.headers["content-length"] === "0";
  if (isEmpty || request.is("application/json") !== false) return next();
  problem(response, 415, "not-json", NOT_JSON, "usage");
};

/** One page of a list. A page beyond the end is empty. */
function paged<T>(all: readonly T[], page: number): { rows: readonly T[]; total: number; page: number; pages: number } {
  const pages = Math.max(1, Math.ceil(all.length / PAGE));
  return { rows: all.slice((page - 1) * PAGE, page * PAGE), total: all.length, page, pages };
}

/** The body; an absent one is empty. */
function jsonOf(request: Request): unknown {
  return request.body ?? {};
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const wrong = result.error.issues.map(({ path, message }) => `${path.join(".") || "request"}: ${message}`);
  throw new KafclawError("bad-request", `The request is not as it should be (${wrong.join("; ")}).`, "usage");
}
