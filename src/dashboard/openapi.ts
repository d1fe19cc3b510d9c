/** The description of the local API, served at `/api/v1/openapi.json`. A test holds it against the routes. */
import { z } from "zod";
import { commands } from "../admin/index.js";
import { PARCEL_STATES, VERDICT_GROUPS } from "./activity.js";

/** What the API takes, as zod checks it. */
export interface Requests {
  readonly command: z.ZodType;
  readonly decision: z.ZodType;
  readonly undo: z.ZodType;
  readonly setup: z.ZodType;
  readonly owner: z.ZodType;
  readonly link: z.ZodType;
}

/** The document, of which the routes need the paths. */
interface OpenApi {
  /** By path and method in small letters. */
  readonly paths: Readonly<Record<string, object>>;
  readonly [part: string]: unknown;
}

/** The OpenAPI document. */
export function openApi(requests: Requests): OpenApi {
  const problem = { $ref: "#/components/schemas/Problem" };
  const fails = (status: string, description: string): object => ({
    [status]: { description, content: { "application/json": { schema: problem } } },
  });
  const refused = {
    ...fails("400", "Wrong input"),
    ...fails("401", "No or wrong token, and no session"),
    ...fails(
      "403",
      "A session without its CSRF token, another web page, or an operation that is for the machine alone",
    ),
    ...fails("404", "Nobody and nothing fits"),
    ...fails("405", "Another method; the header Allow names those that there are"),
    ...fails("409", "Refused: the message says why, and the next step"),
    ...fails("413", "More than 1 MB"),
    ...fails("415", "A body that is not sent as JSON"),
    ...fails("421", "A Host header that is not the gateway's own"),
    ...fails("500", "Failed inside; the log says more"),
    ...fails("507", "The disk is full"),
  };
  const answers = (description: string, schema: object = { type: "object" }, status = "200"): object => ({
    responses: { [status]: { description, content: { "application/json": { schema } } }, ...refused },
  });
  const takes = (schema: z.ZodType): object => ({
    requestBody: { content: { "application/json": { schema: jsonSchema(schema) } } },
  });
  const answer = { $ref: "#/components/schemas/Answer" };
  const link = { $ref: "#/components/schemas/LinkEvent" };
  const page = query("page", "From 1; 50 entries each", { type: "integer", minimum: 1 });

  return {
    openapi: "3.1.0",
    info: {
      title: "KafClaw",
      version: "1",
      description:
        "What the dashboard and the command line do. Programs send the token of gateway.json (new at each start); browsers that are signed in send their cookie, and for changes the CSRF token of a page as X-CSRF-Token.",
    },
    servers: [{ url: "/api/v1" }],
    security: [{ token: [] }, { session: [] }],
    paths: {
      "/openapi.json": { get: { summary: "This document", ...answers("OpenAPI 3.1") } },
      "/status": { get: { summary: "Link, silent mode, counts, responder, owner", ...answers("How it stands") } },
      "/contacts": {
        get: {
          summary: "Pending, approved and denied contacts",
          parameters: [
            query("state", "Only these", { enum: ["pending", "approved", "denied"] }),
            query("search", "Part of a name or number, or a code", { type: "string" }),
            page,
          ],
          ...answers("One page", { $ref: "#/components/schemas/Contacts" }),
        },
      },
      "/audit": {
        get: {
          summary: "Who decided what through which door, newest first",
          parameters: [
            query("contact", "Only about the contact with this code, or with the id that a record names", {
              type: "string",
            }),
            query("door", "Only what came through this door", {
              enum: ["whatsapp", "dashboard", "cli", "kafka", "gateway"],
            }),
            page,
          ],
          ...answers("One page", { $ref: "#/components/schemas/Audit" }),
        },
      },
      "/invites": {
        get: {
          summary: "Invites, without their tokens; made and revoked by the command invite",
          parameters: [page],
          ...answers("One page", pageOf("invites")),
        },
      },
      "/invites/{id}": {
        get: {
          summary: "One invite; while it is open, with its token and, where an account is linked, its wa.me link",
          parameters: [{ name: "id", in: "path", required: true, description: "As /invites lists it", schema: text }],
          ...answers("The invite"),
        },
      },
      "/settings": {
        get: {
          summary: "What only the config file and the environment set: what holds and where it comes from",
          ...answers("All of them, secrets not shown", { $ref: "#/components/schemas/Settings" }),
        },
      },
      "/messages": {
        get: {
          summary: "What came in during the last month and what the gate said, newest first",
          parameters: [query("verdict", "Only these", { enum: VERDICT_GROUPS.map(({ id }) => id) }), page],
          ...answers("One page", pageOf("messages")),
        },
      },
      "/sent": {
        get: {
          summary: "What was to go out lately and what became of it, suppressed ones too, newest first",
          parameters: [query("state", "Only these", { enum: PARCEL_STATES }), page],
          ...answers("One page", pageOf("sent")),
        },
      },
      "/commands": {
        post: {
          summary: `Runs one of the owner's commands: ${commands.map(({ name }) => name).join(", ")}`,
          ...takes(requests.command),
          ...answers("What was done", answer),
        },
      },
      "/decisions": {
        post: {
          summary:
            "Decides about a contact as /contacts showed it; refused where its state, or the episode in which it is pending, is another by now",
          ...takes(requests.decision),
          ...answers("What was done, or was so already", answer),
        },
      },
      "/decisions/undo": {
        post: {
          summary: "Takes one decision back, by the _id that /audit shows, within 10 minutes",
          ...takes(requests.undo),
          ...answers("What was done", answer),
        },
      },
      "/token/reveal": {
        post: {
          summary: "Shows the pairing token, which the command token only masks or replaces",
          ...answers("The token", object({ token: text })),
        },
      },
      "/setup": {
        post: {
          summary: "Sets owner, token and lists; at the machine alone",
          ...takes(requests.setup),
          ...answers("What was set", answer),
        },
      },
      "/owner": {
        post: {
          summary: "Locks or changes the owner; at the machine alone",
          ...takes(requests.owner),
          ...answers("What was done"),
        },
      },
      "/link/cancel": {
        post: { summary: "Ends an attempt to link; the session that was there connects again", ...answers("Ended") },
      },
      "/link": {
        get: { summary: "How linking stands", ...answers("The last event", link) },
        post: {
          summary: "Begins to link, by QR or pairing code",
          ...takes(requests.link),
          ...answers("Begun", link, "202"),
        },
        delete: { summary: "Unlinks this device", ...answers("Unlinked") },
      },
    },
    components: { securitySchemes: SECURITY, schemas: SCHEMAS },
  };
}

const text = { type: "string" } as const;
const list = (items: object): object => ({ type: "array", items });
const object = (properties: Record<string, object>): object => ({
  type: "object",
  properties,
  required: Object.keys(properties),
});

const pageOf = (name: string, items: object = { type: "object" }): object =>
  object({ [name]: list(items), total: { type: "integer" }, page: { type: "integer" }, pages: { type: "integer" } });

const SECURITY = {
  token: { type: "http", scheme: "bearer" },
  session: {
    type: "apiKey",
    in: "cookie",
    name: "kafclaw-session-{port}",
    description: "With the port that the dashboard listens on: kafclaw-session-18791",
  },
};

const SCHEMAS = {
  Problem: object({ error: object({ code: text, message: text, kind: { enum: ["usage", "refused", "failed"] } }) }),
  Answer: object({ ok: { type: "boolean" }, text, data: {}, error: {} }),
  Contact: object({
    code: text,
    pn: { type: ["string", "null"] },
    lid: { type: ["string", "null"] },
    name: text,
    state: { enum: ["pending", "approved", "denied", "stranger"] },
    since: { type: "integer", description: "Milliseconds since 1970" },
    episode: { type: "integer", description: "Counts how often it was pending" },
  }),
  Contacts: pageOf("contacts", { $ref: "#/components/schemas/Contact" }),
  Audit: pageOf("records"),
  Settings: object({
    settings: list(
      object({ key: text, what: text, value: text, origin: { enum: ["file", "environment", "default"] } }),
    ),
  }),
  LinkEvent: object({ event: { enum: ["connecting", "qr", "pairing-code", "linked", "error"] } }),
};

function query(name: string, description: string, schema: object): object {
  return { name, in: "query", required: false, description, schema };
}

function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return rest;
}
