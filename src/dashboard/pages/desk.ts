/** What all pages share: who asks, what is said, how a page is put together. */
import type { Request, Response } from "express";
import type { Access, Actor, Contact } from "../../access/index.js";
import { formatNumber } from "../../access/index.js";
import type { Admin, CommandResult, Gateway } from "../../admin/index.js";
import { formatTime, viaOf } from "../../admin/index.js";
import type { LoadedConfig } from "../../config.js";
import { KafclawError } from "../../errors.js";
import { renderPage } from "../../text.js";
import type { LinkControl } from "../../whatsapp/types.js";
import type { Activity } from "../activity.js";
import type { Live } from "../live.js";
import type { Csrf } from "../safety.js";
import type { Said, Session, SignIn } from "../session.js";
import type { Views } from "../views.js";

/** What the pages are made over. */
export interface DeskParts {
  readonly access: Access;
  readonly admin: Pick<Admin, "run" | "decide" | "decider" | "notices" | "loginUsed">;
  readonly gateway: Gateway;
  readonly link: LinkControl;
  readonly activity: Activity;
  readonly settings: LoadedConfig;
  readonly signIn: SignIn;
  readonly clock: () => number;
}

/** What our own addresses are taken apart with. */
const HERE = "http://dashboard";
/** An address of ours: the longest search takes twelve characters for each of its own. */
export const LONGEST_ADDRESS = 4000;
/** How many entries a page holds. */
export const PAGE_SIZE = 50;

const SECTIONS = [
  { href: "/", label: "Overview" },
  { href: "/whatsapp", label: "WhatsApp" },
  { href: "/settings", label: "Settings" },
  { href: "/activity", label: "Activity" },
  { href: "/link", label: "Link" },
] as const;

/** Where in a longer list a page stands, with the way to the others. */
interface Place {
  readonly total: number;
  readonly page: number;
  readonly pages: number;
  /** The first entry of the page, and the one behind its last. */
  readonly from: number;
  readonly to: number;
  /** Addresses of the neighbours; absent at the ends. */
  readonly earlier?: string | undefined;
  readonly later?: string | undefined;
  readonly several: boolean;
}

/** One page of a longer list. */
export interface Paged<T> extends Place {
  readonly rows: readonly T[];
}

/** The pages' common tools. */
export class Desk {
  constructor(
    readonly parts: DeskParts,
    private readonly views: Views,
    private readonly csrf: Csrf,
    private readonly live: Live,
  ) {}

  /**
   * Sends a page. What the last action said is shown once, on the page that the action led to: another tab has others. A
   * script that only looks for changes, or a browser that fetches ahead, does not use it up.
   */
  show(request: Request, response: Response, view: string, title: string, model: object, status = 200): void {
    const { access, gateway } = this.parts;
    this.live.tellChanges();
    const session = optionalSession(response);
    const said = session?.said?.path === request.path ? session.said : undefined;
    if (session && said && isSeen(request)) session.said = undefined;
    const pending = access.counts().pending;
    const html = this.views(view, {
      title,
      said,
      csrf: this.csrf.token(request, response),
      signedIn: session !== undefined,
      here: request.originalUrl,
      silent: gateway.silent.on(),
      nav: SECTIONS.map(({ href, label }) => ({
        href,
        label,
        current: href === "/" ? request.path === "/" : request.path.startsWith(href),
        badge: href === "/whatsapp" && pending > 0 ? pending : undefined,
      })),
      ...model,
    });
    response.status(status).type("html").send(html);
  }

  /** After a POST: the result is told on the page that is shown next. */
  answer(response: Response, to: string, said?: Said): void {
    const session = optionalSession(response);
    if (session) session.said = said && { ...said, path: new URL(to, HERE).pathname };
    response.redirect(303, to);
  }

  /** What a command or decision said, for a page. */
  told(result: CommandResult, secret?: string): Said {
    return { ok: result.ok, text: forPages(renderPage(result.message)), secret };
  }

  /** Who decides: this browser. */
  by(response: Response): Actor {
    return { door: "dashboard", who: `browser ${sessionOf(response).name}` };
  }

  /** A time in the owner's time zone. */
  time(at: number): string {
    return formatTime(at, this.parts.clock(), this.parts.settings.config.timezone);
  }

  /** A contact as lists show it. */
  contact(contact: Contact): object {
    const { code, name, state, since, episode, held, blocked = false } = contact;
    return {
      code,
      name: name || "no name",
      number: formatNumber(contact),
      state,
      since: this.time(since),
      sinceIso: new Date(since).toISOString(),
      via: state === "pending" ? renderPage(viaOf(contact)) : undefined,
      words: held.flatMap(({ preview }) => (preview === "" ? [] : [preview])),
      episode,
      blocked,
      isUndecided: state === "pending" || state === "stranger",
      isApproved: state === "approved",
      isDenied: state === "denied",
      canBlock: state === "denied" && !blocked,
    };
  }
}

/** The signed-in browser of a request that was let through to the pages. */
export function sessionOf(response: Response): Session {
  const session = optionalSession(response);
  if (session === undefined) throw new Error("a page was reached without a session");
  return session;
}

/** Whether the browser of a request is signed in. */
export function isSignedIn(response: Response): boolean {
  return optionalSession(response) !== undefined;
}

/** Tells the pages who is signed in. */
export function setSession(response: Response, session: Session | undefined): void {
  response.locals.session = session;
}

/** Whether a person is to see the page that is asked for. */
function isSeen({ method, headers }: Request): boolean {
  const purpose = headers["sec-purpose"] ?? headers.purpose ?? "";
  return method === "GET" && headers["x-live"] === undefined && !purpose.includes("prefetch");
}

function optionalSession(response: Response): Session | undefined {
  // Only setSession writes it.
  return response.locals.session as Session | undefined;
}

/**
 * One field of a form, as text; what is absent is "".
 * @throws KafclawError `bad-request` for what is doubled or over-long: taken for absent, it could mean more than was wished for
 */
export function field(request: Request, name: string, most = 200): string {
  const value = (request.body as Record<string, unknown> | undefined)?.[name] ?? "";
  if (typeof value === "string" && value.length <= most) return value.trim();
  throw new KafclawError(
    "bad-request",
    `The field "${name}" takes one text of at most ${most} characters; nothing changed.`,
    "usage",
  );
}

/** One part of the query, as text. */
export function asked(request: Request, name: string, most = 200): string {
  const value = request.query[name];
  return typeof value === "string" && value.length <= most ? value.trim() : "";
}

/** Where a form came from, if that is a page of ours; else `otherwise`. */
export function backTo(request: Request, otherwise: string): string {
  const given = field(request, "back", LONGEST_ADDRESS);
  if (!given.startsWith("/") || !URL.canParse(given, HERE)) return otherwise;
  const { origin, pathname, search } = new URL(given, HERE);
  return origin === HERE && !pathname.startsWith("//") ? pathname + search : otherwise;
}

/** Which page of a list of `total` entries is asked for. A page beyond the end is the last. */
export function placeIn(request: Request, total: number, query: Readonly<Record<string, string>>): Place {
  const wanted = /^[1-9]\d{0,6}$/.test(asked(request, "page")) ? Number(asked(request, "page")) : 1;
  const pages = Math.max(1, Math.ceil(total / PAGE_SIZE));
  const page = Math.min(wanted, pages);
  const address = (number: number): string | undefined => {
    if (number < 1 || number > pages) return undefined;
    const given = Object.entries(query).filter(([, value]) => value !== "");
    const search = new URLSearchParams(given);
    if (number > 1) search.set("page", String(number));
    return search.size === 0 ? request.path : `${request.path}?${search}`;
  };
  const [from, to] = [(page - 1) * PAGE_SIZE, page * PAGE_SIZE];
  return { total, page, pages, from, to, earlier: address(page - 1), later: address(page + 1), several: pages > 1 };
}

/** Cuts one page out of a list. */
export function paged<T, U>(
  request: Request,
  all: readonly T[],
  row: (entry: T) => U,
  query: Readonly<Record<string, string>>,
): Paged<U> {
  const place = placeIn(request, all.length, query);
  return { ...place, rows: all.slice(place.from, place.to).map(row) };
}

/** What does on a page what a command does in the chat; commands without a button are told as they are. */
const BUTTONS: readonly (readonly [command: RegExp, button: string])[] = [
  [/\/silent (?:on|off)\b/g, "“Silent Mode”"],
  [/\/pause\b/g, "“Pause”"],
  [/\/resume\b/g, "“Resume”"],
  [/\/undo\b/g, "“Undo”"],
  [/\/remove old-token\b/g, "“Remove everyone pending who came with an old token”"],
  [/\/remove [0-9A-Z]{4}\b|\/remove\b/g, "“Remove”"],
  [/\/approve [0-9A-Z]{4}\b/g, "“Approve”"],
  [/\/deny [0-9A-Z]{4}\b/g, "“Deny”"],
];

/** What a command said, in the words of a page: it has no chat to type commands into, and says itself whether it went well. */
function forPages(text: string): string {
  const named = BUTTONS.reduce((said, [command, button]) => said.replace(command, button), text);
  return named.replace(/^(✅|⛔|↩️|🔇|🔊|⏸|▶️)\s*/u, "");
}
