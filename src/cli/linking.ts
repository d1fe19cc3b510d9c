/** Linking to WhatsApp, and the end of it: through the running gateway, or in this process on the files. */
import { setTimeout as pause } from "node:timers/promises";
import { KafclawError } from "../errors.js";
import type { House } from "../gateway.js";
import { remedyAlone } from "../whatsapp/disconnects.js";
import type { LinkEvent } from "../whatsapp/types.js";
import type { Client } from "./client.js";
import type { Terminal } from "./command.js";
import { actorAt, onFiles, type Place } from "./home.js";
import type { Presenter } from "./presenter.js";

const POLL_MS = 300;
/** After linking, WhatsApp hands over keys and history; the process that links alone stays for that long. */
const SETTLE_MS = 5_000;

const NOT_LINKED = "Not linked; nothing was changed. To try again: kafclaw whatsapp-auth";

/** How to link. */
export interface Wish {
  /** Digits of the number to link by pairing code. */
  readonly phone?: string;
  readonly replace: boolean;
}

/** Links through the running gateway, which holds the files. @returns the exit code */
export async function linkThrough(
  gateway: Client,
  wish: Wish,
  presenter: Presenter,
  terminal: Terminal,
): Promise<number> {
  const { stop } = terminal;
  const now = await gateway.link();
  const isShown = now.event === "qr" && wish.phone === undefined && !wish.replace;
  if (now.event === "linked" && !wish.replace) {
    refuseAnother(now, wish);
    return (await presenter.show(now)) ?? 1;
  }
  // A QR that the gateway shows already is as good as a new one.
  if (!isShown) await gateway.beginLinking(wish);
  let code: number | undefined;
  while (!stop.aborted && code === undefined) {
    code = await presenter.show(await gateway.link());
    if (code === undefined) await pause(POLL_MS, undefined, { signal: stop }).catch(() => {});
  }
  // The bot that was linked before is off the air while another is waited for.
  if (code !== 0 && wish.replace) await gateway.cancelLinking();
  if (code === undefined) terminal.err(NOT_LINKED);
  return code ?? 1;
}

/** Who asks for a pairing code for another number than the linked one has not got what they want. */
function refuseAnother({ jid }: { readonly jid: string }, { phone }: Wish): void {
  const linked = jid.split("@")[0] ?? "";
  if (phone === undefined || phone === linked) return;
  throw new KafclawError(
    "already-linked",
    `Already linked as +${linked}; to link +${phone} in its place add --replace.`,
  );
}

/** Links in this process, on the files. @returns the exit code */
export function linkAlone(place: Place, wish: Wish, presenter: Presenter, terminal: Terminal): Promise<number> {
  return onFiles(place, terminal, async ({ link }) => {
    terminal.err("Connecting to WhatsApp …");
    if (link.me && !wish.replace && (await stillHolds(link))) {
      const { pn, lid } = link.me;
      const linked = { event: "linked", jid: pn, lid: lid ?? null } as const;
      refuseAnother(linked, wish);
      return (await presenter.show(linked)) ?? 1;
    }
    const over = new Promise<number>((resolve) => {
      let shown: Promise<unknown> = Promise.resolve();
      link.on("event", (event) => {
        const told = toldAlone(event, link.state);
        shown = shown.then(async () => {
          const code = await presenter.show(told);
          if (code !== undefined) resolve(code);
        });
      });
      const stopped = (): void => {
        terminal.err(NOT_LINKED);
        resolve(1);
      };
      terminal.stop.addEventListener("abort", stopped, { once: true });
    });
    await link.beginLinking(wish);
    const code = await over;
    if (code === 0) await Promise.race([link.synced(), pause(SETTLE_MS)]);
    return code;
  });
}

/** This process ends with the first error, so it promises nothing that only a running gateway does. */
function toldAlone(event: LinkEvent, { sentence }: House["link"]["state"]): LinkEvent {
  if (event.event !== "error") return event;
  const remedy = remedyAlone(event.code);
  return remedy === undefined ? event : { ...event, message: `${sentence} ${remedy}` };
}

/** Whether the session on the files is still good at WhatsApp; where that can't be asked, it is taken to be. */
async function stillHolds(link: House["link"]): Promise<boolean> {
  link.start();
  await link.settled();
  return link.state.code !== "loggedOut";
}

/** Unlinks at WhatsApp and forgets the session. @returns what is left to do, where WhatsApp could not be told */
export async function logOut(
  place: Place,
  gateway: Client | undefined,
  terminal: Terminal,
): Promise<string | undefined> {
  if (gateway) return gateway.logout();
  return onFiles(place, terminal, async ({ link }) => {
    if (link.me) {
      // Only a connected device can tell WhatsApp that it goes.
      terminal.err("Connecting to WhatsApp, to tell it …");
      link.start();
      await link.settled();
    }
    return link.logout();
  });
}

/**
 * Takes over the session in a folder of another Baileys program.
 * @throws KafclawError `import-failed`, `gateway-running`, `already-linked`, `other-account`
 */
export async function importSession(
  folder: string,
  replace: boolean,
  place: Place,
  gateway: Client | undefined,
  terminal: Terminal,
): Promise<LinkEvent> {
  if (gateway) {
    throw new KafclawError(
      "gateway-running",
      "A gateway is running on this home; stop it, import, and start it again.",
    );
  }
  const { readBaileysFolder } = await import("../whatsapp/import.js");
  const session = await readBaileysFolder(folder);
  return onFiles(place, terminal, async ({ link, access }) => {
    if (link.me && !replace) {
      throw new KafclawError("already-linked", "This home is linked already; to replace that session add --replace.");
    }
    await link.adopt(session, replace);
    const { me } = link;
    if (!me) throw new KafclawError("import-failed", `The session in ${folder} names no account.`, "failed");
    await access.record("linked", actorAt(terminal), `${me.pn}, imported`);
    return { event: "linked", jid: me.pn, lid: me.lid ?? null };
  });
}
