import { createHash, timingSafeEqual } from "node:crypto";
import type { Access, Owner } from "../access/index.js";
import { addressesOf, same } from "../access/index.js";
import type { Door } from "../access/types.js";
import { HOUR, isWithin, MINUTE } from "../clock.js";

/** How long a sign-in link works. */
const LINK_MS = 5 * MINUTE;
/** A browser that was not used for a day has to sign in again. */
const IDLE_MS = 24 * HOUR;
/** At most 50 browsers are signed in at a time, as each is held in memory; the one that was longest unused makes room. */
const SESSIONS = 50;

/** One signed-in browser. */
export interface Session {
  /** Names the browser in the audit: four hex digits, no secret. */
  readonly name: string;
  /** What CSRF tokens are bound to. */
  readonly id: string;
  /** What the page at `path` says about the last action, once. */
  said?: (Said & { readonly path: string }) | undefined;
  used: number;
  /** Who owned the bot at the signing in, or was named first after it. */
  owner: Owner | undefined;
}

/** What came of an action. */
export interface Said {
  readonly ok: boolean;
  readonly text: string;
  /** A secret to show with it, once. */
  readonly secret?: string | undefined;
}

/** What sign-in is made of. */
export interface SignInParts {
  readonly clock: () => number;
  /** Random bytes. */
  readonly random: (size: number) => Uint8Array;
  /** `dashboard.accessToken`; without it one is made for this run. */
  readonly accessToken?: string | undefined;
  /** `dashboard.publicUrl` */
  readonly publicUrl?: string | undefined;
}

/**
 * Signing in to the dashboard: the access token, sign-in links, and who is signed in. Lives for one run of the gateway;
 * after a restart browsers are told to sign in again.
 */
export class SignIn {
  readonly #parts: SignInParts;
  readonly #accessToken: string;
  /** By the digest of what the cookie holds, so that nothing in memory or a dump signs anyone in. */
  readonly #sessions = new Map<string, Session>();
  #link: { readonly digest: Buffer; readonly since: number; readonly owner: Owner | undefined } | undefined;
  /** How this machine reaches the dashboard, once it listens. */
  address: string | undefined;

  constructor(parts: SignInParts) {
    this.#parts = parts;
    this.#accessToken = parts.accessToken ?? secret(parts.random, 18);
  }

  /** The access token, where it is not the configured one: to be printed at the start. */
  get printable(): string | undefined {
    return this.#parts.accessToken === undefined ? this.#accessToken : undefined;
  }

  /** Whether the owner's phone gets here, so that the chat gives a link as well. */
  get isOnPhones(): boolean {
    return this.#parts.publicUrl !== undefined;
  }

  /**
   * A new sign-in link, which voids the last. For the owner's phone there is one only where `dashboard.publicUrl` says how
   * the phone gets here.
   */
  link(door: Door, access: Pick<Access, "owner">): { readonly url: string; readonly until: number } | undefined {
    const base = door === "whatsapp" ? this.#parts.publicUrl : (this.#parts.publicUrl ?? this.address);
    if (base === undefined) return undefined;
    const token = secret(this.#parts.random, 24);
    const since = this.#parts.clock();
    this.#link = { digest: digest(token), since, owner: ownerOf(access) };
    return { url: `${base}/sign-in?link=${token}`, until: since + LINK_MS };
  }

  /** Takes the access token. */
  isAccessToken(given: string): boolean {
    return timingSafeEqual(digest(given.trim()), digest(this.#accessToken));
  }

  /** Whether a sign-in link would work, without using it up. */
  isLink(given: string, access: Pick<Access, "owner">): boolean {
    const link = this.#link;
    if (link === undefined || isOver(link.owner, access)) return false;
    return isWithin(LINK_MS, link.since, this.#parts.clock()) && timingSafeEqual(digest(given), link.digest);
  }

  /** Uses a sign-in link up. */
  useLink(given: string, access: Pick<Access, "owner">): boolean {
    const works = this.isLink(given, access);
    if (works) this.#link = undefined;
    return works;
  }

  /** Signs a browser in. @returns what its cookie is to hold */
  open(access: Pick<Access, "owner">): string {
    const { clock, random } = this.#parts;
    const cookie = secret(random, 32);
    const id = digest(cookie).toString("hex");
    const longestUnused = [...this.#sessions.values()].sort((a, b) => a.used - b.used)[0];
    if (this.#sessions.size >= SESSIONS && longestUnused) this.#sessions.delete(longestUnused.id);
    this.#sessions.set(id, { id, name: id.slice(0, 4), used: clock(), owner: ownerOf(access) });
    return cookie;
  }

  /** The session of a cookie, unless it is over: unused for a day, or the bot's owner was locked or is somebody else now. */
  find(cookie: string | undefined, access: Pick<Access, "owner">): Session | undefined {
    if (cookie === undefined || cookie === "") return undefined;
    const id = digest(cookie).toString("hex");
    const session = this.#sessions.get(id);
    if (session === undefined) return undefined;
    const now = this.#parts.clock();
    if (now - session.used > IDLE_MS || isOver(session.owner, access)) {
      this.#sessions.delete(id);
      return undefined;
    }
    session.owner ??= ownerOf(access);
    session.used = now;
    return session;
  }

  /** Signs a browser out. */
  close(session: Session): void {
    this.#sessions.delete(session.id);
  }
}

/** The owner, once it is known who that is: one who is to talk to themselves has no address before the link. */
function ownerOf(access: Pick<Access, "owner">): Owner | undefined {
  const owner = access.owner();
  return owner && addressesOf(owner.person).length > 0 ? owner : undefined;
}

/** Whether the owner of then is another now, or was locked since, as with a lost phone. */
function isOver(then: Owner | undefined, access: Pick<Access, "owner">): boolean {
  const owner = ownerOf(access);
  if (owner?.locked !== undefined && owner.locked !== then?.locked) return true;
  return then !== undefined && (owner === undefined || !same(then.person, owner.person));
}

function secret(random: SignInParts["random"], size: number): string {
  return Buffer.from(random(size)).toString("base64url");
}

/** Digests are of one length, so comparing them tells neither length nor content. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
