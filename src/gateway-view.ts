import { type Access, type Person, type Pn, personOf } from "./access/index.js";
import type { Gateway, ResponderControl, SilentMode } from "./admin/index.js";
import type { SignIn } from "./dashboard/index.js";
import type { People } from "./people.js";
import type { RunningResponder } from "./responder/index.js";
import type { Journal } from "./whatsapp/journal.js";
import type { Link } from "./whatsapp/link.js";
import type { RunningOutbox } from "./whatsapp/outbox/index.js";

/** What of the house the view shows. */
export interface ViewParts {
  readonly version: string;
  readonly access: Access;
  readonly journal: Journal;
  readonly link: Link;
  readonly outbox: RunningOutbox;
  readonly people: People;
  readonly responder: ResponderControl;
  readonly silent: SilentMode;
  /** What is wrong with the disk just now. */
  readonly trouble: () => string | undefined;
  /** Signing in to the dashboard, where it is served. */
  readonly signIn?: Pick<SignIn, "link"> | undefined;
  /** Since when the gateway runs and where its local API listens; empty before the start. */
  readonly running: { readonly startedAt?: number; readonly dashboardUrl?: string | undefined };
  /** Handles messages that were held while their sender was pending. */
  readonly release: Gateway["release"];
  /** The person of a number, with the LID where WhatsApp tells it. */
  readonly whose: (pn: Pn) => Promise<Person>;
}

/** How many strangers `/missed` shows. */
const MISSED_SHOWN = 50;

/** The running gateway as the owner's commands see it. */
export function gatewayView(parts: ViewParts): Gateway {
  const {
    version,
    access,
    journal,
    link,
    outbox,
    people,
    responder,
    silent,
    trouble,
    signIn,
    running,
    release,
    whose,
  } = parts;
  return {
    version,
    get startedAt() {
      return running.startedAt;
    },
    get dashboardUrl() {
      return running.dashboardUrl;
    },
    link: () => link.state,
    trouble,
    me: () => link.me,
    silent,
    responder,
    outbox,
    release,
    block: (contact, blocked) => link.block(contact, blocked),
    onWhatsApp: async (pn) => {
      const jid = await link.onWhatsApp(pn);
      if (jid === null) return null;
      const found = jid === undefined ? undefined : personOf(jid);
      return found?.pn === undefined ? found : whose(found.pn);
    },
    loginLink: async (door) => signIn?.link(door, access),
    missed: async () => {
      const found = await journal.missed(MISSED_SHOWN, (jid) => people.isStranger(jid));
      return found.map(({ at, who = "number hidden", what = "", messages }) => ({ at, who, what, messages }));
    },
  };
}

/** The responder as the owner's commands see it. @param pausing what the responder looks at before it answers */
export function responderControl(responder: RunningResponder, pausing: { paused: boolean }): ResponderControl {
  return {
    get mode() {
      return responder.mode;
    },
    get name() {
      return responder.name;
    },
    get paused() {
      return pausing.paused;
    },
    pause: () => {
      pausing.paused = true;
    },
    resume: () => {
      pausing.paused = false;
    },
    fromOwner: (message) => responder.fromOwner(message),
    backlog: () => responder.backlog(),
    answer: (contactId) => responder.answer(contactId),
    forget: (contactId) => responder.forget(contactId),
  };
}
