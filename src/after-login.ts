import { type Access, same } from "./access/index.js";
import { type Admin, LOCKED_AT_MACHINE, type SilentMode } from "./admin/index.js";
import { DAY, MINUTE, type Scheduler } from "./clock.js";
import type { Lids } from "./lids.js";
import { present } from "./present.js";
import type { Link } from "./whatsapp/link.js";
import type { Phone } from "./whatsapp/phone.js";
import type { Me } from "./whatsapp/types.js";

/** What is seen to after a login. */
export interface AfterLoginParts {
  readonly access: Access;
  readonly admin: Pick<Admin, "linkOpened" | "notices">;
  readonly link: Pick<Link, "me" | "state">;
  readonly lids: Lids;
  readonly phone: Phone;
  readonly silent: SilentMode;
  readonly clock: () => number;
  readonly scheduler: Scheduler;
  readonly log: { error(details: object, message: string): void };
}

const BY_LINK = { door: "gateway", who: "link" } as const;
/** After so long what WhatsApp kept while nothing was connected has come, with the signs that the phone gave meanwhile. */
const QUEUE_MS = 10 * MINUTE;

/** What the house does when it was linked anew, and each time that the link opens. */
export class AfterLogin {
  private stopLooking = (): void => {};

  constructor(private readonly parts: AfterLoginParts) {}

  /** A new link: silent again (I4). */
  async linked(me: Me): Promise<void> {
    const { access, phone, silent } = this.parts;
    const silenced = silent.set(true, { door: "gateway", who: "new link" });
    // Before anybody looks whether the phone is away.
    await phone.seen();
    await silenced;
    await access.record("linked", BY_LINK, me.pn);
  }

  /** The link is open: whoever is to be known and told is. */
  async opened(): Promise<void> {
    const { admin, lids } = this.parts;
    const login = lids.loggedIn();
    this.lookForPhoneIn(QUEUE_MS);
    try {
      // First, so that what the owner is told goes to the right number.
      if (await lids.askOwner(login)) await admin.notices.ownerChanged();
      await this.followSelf();
    } finally {
      // On a full disk, too: others wait for the answers.
      const [isOther] = await Promise.all([lids.askAll(login), admin.linkOpened()]);
      // Whom WhatsApp was to block by a number that is written otherwise.
      if (isOther) await admin.linkOpened();
    }
  }

  stop(): void {
    this.stopLooking();
  }

  /** An owner on the linked number itself talks to the bot in "Message yourself", whatever the set-up said. */
  private async followSelf(): Promise<void> {
    const { access, link } = this.parts;
    const { me } = link;
    const owner = access.owner();
    const isSelf = owner !== undefined && me !== undefined && (owner.setup === "self" || same(owner.person, me));
    if (isSelf && !(owner.setup === "self" && owner.person.pn === me.pn && owner.person.lid === me.lid)) {
      await this.makeOwner(me);
    }
  }

  /** The owner is whoever has the linked account. What was locked at the machine stays locked until it is set there. */
  private async makeOwner(me: Me): Promise<void> {
    const { access, admin } = this.parts;
    const { setup, locked, person = {} } = access.owner() ?? {};
    const isLocked = setup === "own-number" || locked === LOCKED_AT_MACHINE;
    const owner = { setup: "self", person: me, confirmed: true, ...(isLocked ? present({ locked }) : {}) } as const;
    await access.setOwner(owner, BY_LINK);
    if (!same(person, me)) await admin.notices.ownerChanged();
  }

  /** Looks every day whether the phone is still there, as WhatsApp unlinks what has no phone. */
  private lookForPhoneIn(ms: number): void {
    const { clock, scheduler, log } = this.parts;
    this.stopLooking();
    this.stopLooking = scheduler.at(clock() + ms, () => {
      this.lookForPhone().catch((err) => log.error({ err }, "the phone was not looked for"));
    });
  }

  private async lookForPhone(): Promise<void> {
    const { admin, link, phone } = this.parts;
    // Without a connection nothing can be seen; the next login looks.
    if (link.state.code !== "open") return;
    this.lookForPhoneIn(DAY);
    const days = await phone.absence();
    if (days !== undefined) await admin.notices.phoneAway(days);
  }
}
