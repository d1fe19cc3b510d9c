import { setTimeout as pause } from "node:timers/promises";
import qrcode from "qrcode";
import { parseNumber } from "../access/index.js";
import { KafclawError } from "../errors.js";
import type { House } from "../gateway.js";
import { readBaileysFolder } from "../whatsapp/import.js";
import type { LinkEvent } from "../whatsapp/types.js";
import { runCommand, show } from "./admin.js";
import type { Client } from "./client.js";
import { type CliCommand, type Given, listFlag, type Terminal, textFlag } from "./command.js";
import { findGateway, onFiles, openPlace, type Place } from "./home.js";

const POLL_MS = 300;
/** After linking, WhatsApp hands over keys and history; the process that links alone stays for that long. */
const SETTLE_MS = 3_000;

export const whatsappAuth: CliCommand = {
  name: "whatsapp-auth",
  usage: "",
  summary: "links WhatsApp by QR or pairing code; also lists, approves, denies and removes",
  details:
    "Without flags it links: scan the QR with WhatsApp → Linked devices → Link a device.\nUse a spare number: KafClaw is an unofficial client, and numbers that use one can be banned.",
  flags: {
    phone: {
      type: "string",
      value: "+NUMBER",
      help: "link by pairing code instead of a QR: the number of the bot's phone",
    },
    import: {
      type: "string",
      value: "DIR",
      help: "take over the session in a folder of Baileys' useMultiFileAuthState",
    },
    replace: { type: "boolean", help: "allow another account than the one that this home belongs to" },
    logout: { type: "boolean", help: "unlink this device and forget the session" },
    approve: { type: "list", value: "WHO", help: "approve a number, JID or code" },
    deny: { type: "list", value: "WHO", help: "deny a number, JID or code" },
    remove: { type: "list", value: "WHO", help: "take a number, JID or code off all lists" },
    list: { type: "boolean", help: "list approved, denied and pending contacts" },
  },
  async run(given, terminal) {
    const decisions = (["approve", "deny", "remove"] as const).filter((name) => listFlag(given, name).length > 0);
    const modes = [...decisions, ...["list", "logout", "import", "phone"].filter((name) => given.flags[name])];
    if (modes.length > 1 && !(modes.length === decisions.length)) {
      throw new KafclawError(
        "wrong-usage",
        `--${modes.join(" and --")} don't go together; give one at a time.`,
        "usage",
      );
    }
    if (decisions.length > 0) return decide(decisions, given, terminal);
    if (given.flags.list) return list(given, terminal);
    const place = await openPlace(terminal);
    const gateway = await findGateway(place.home);
    if (given.flags.logout) return logout(place, gateway, given, terminal);
    const folder = textFlag(given, "import");
    if (folder !== undefined) return importFolder(folder, place, gateway, given, terminal);
    const phone = textFlag(given, "phone");
    const digits = phone === undefined ? undefined : digitsOf(phone);
    const options = { ...(digits === undefined ? {} : { phone: digits }), replace: given.flags.replace === true };
    const presenter = new Presenter(given, terminal, place.home.qrPng);
    return gateway
      ? linkThrough(gateway, options, presenter, terminal)
      : linkAlone(place, options, presenter, terminal);
  },
};

async function decide(
  names: readonly ("approve" | "deny" | "remove")[],
  given: Given,
  terminal: Terminal,
): Promise<number> {
  let worst = 0;
  for (const name of names) {
    const code = show(await runCommand(name, listFlag(given, name), terminal), given.json, terminal);
    worst = Math.max(worst, code);
  }
  return worst;
}

async function list(given: Given, terminal: Terminal): Promise<number> {
  const answer = await runCommand("list", [], terminal);
  return show(answer, given.json, terminal);
}

function digitsOf(phone: string): string {
  const pn = parseNumber(phone);
  if (pn === undefined) {
    throw new KafclawError(
      "bad-number",
      `"${phone}" is no phone number; write it with country code, e.g. --phone "+1 555 000 2000".`,
      "usage",
    );
  }
  return pn.slice(0, pn.indexOf("@"));
}

async function logout(place: Place, gateway: Client | undefined, given: Given, terminal: Terminal): Promise<number> {
  if (gateway) await gateway.logout();
  else {
    await onFiles(place, terminal, async ({ link }) => {
      // Only a connected device can tell WhatsApp that it goes.
      if (link.me) await connected(link, terminal);
      await link.logout();
    });
  }
  if (given.json) terminal.out(JSON.stringify({ event: "logged-out" }));
  else terminal.out("Logged out; contacts and settings are kept. To link again: kafclaw whatsapp-auth");
  return 0;
}

async function connected(link: House["link"], terminal: Terminal): Promise<void> {
  terminal.err("Telling WhatsApp…");
  const open = new Promise<void>((resolve) => link.once("open", resolve));
  link.start();
  const patience = new AbortController();
  await Promise.race([open, pause(15_000, undefined, { signal: patience.signal }).catch(() => {})]);
  patience.abort();
}

async function importFolder(
  folder: string,
  place: Place,
  gateway: Client | undefined,
  given: Given,
  terminal: Terminal,
): Promise<number> {
  if (gateway) {
    throw new KafclawError(
      "gateway-running",
      "A gateway is running on this home; stop it, import, and start it again.",
    );
  }
  const session = await readBaileysFolder(folder);
  return onFiles(place, terminal, async ({ link }) => {
    if (link.me && !given.flags.replace) {
      throw new KafclawError("already-linked", "This home is linked already; to replace that session add --replace.");
    }
    await link.adopt(session, given.flags.replace === true);
    const { me } = link;
    if (given.json) terminal.out(JSON.stringify({ event: "linked", jid: me?.pn ?? null, lid: me?.lid ?? null }));
    else
      terminal.out(
        `Imported the session of +${me?.pn.split("@")[0] ?? "?"}. Don't start the other program with it again. Next: kafclaw gateway`,
      );
    return 0;
  });
}

/** Links through the running gateway, which holds the files. */
async function linkThrough(
  gateway: Client,
  options: { phone?: string; replace: boolean },
  presenter: Presenter,
  { stop }: Terminal,
): Promise<number> {
  const before = await gateway.link();
  if (before.event === "linked" && !options.replace) return (await presenter.show(before)) ?? 1;
  await gateway.beginLinking(options);
  while (!stop.aborted) {
    const done = await presenter.show(await gateway.link());
    if (done !== undefined) return done;
    await pause(POLL_MS, undefined, { signal: stop }).catch(() => {});
  }
  return 1;
}

/** Links in this process, on the files. */
async function linkAlone(
  place: Place,
  options: { phone?: string; replace: boolean },
  presenter: Presenter,
  terminal: Terminal,
): Promise<number> {
  return onFiles(place, terminal, async ({ link }) => {
    const { me } = link;
    if (me && !options.replace)
      return (await presenter.show({ event: "linked", jid: me.pn, lid: me.lid ?? null })) ?? 1;
    const ended = new Promise<number>((resolve) => {
      let shown: Promise<unknown> = Promise.resolve();
      link.on("event", (event) => {
        shown = shown.then(async () => {
          const done = await presenter.show(event);
          if (done !== undefined) resolve(done);
        });
      });
      terminal.stop.addEventListener("abort", () => resolve(1), { once: true });
    });
    terminal.err("Connecting to WhatsApp…");
    await link.beginLinking(options);
    const code = await ended;
    if (code === 0) await Promise.race([link.synced(), pause(SETTLE_MS)]);
    return code;
  });
}

/** Shows what happens while linking, each thing once. */
class Presenter {
  private last = "";

  constructor(
    private readonly given: Given,
    private readonly terminal: Terminal,
    private readonly png: string,
  ) {}

  /** @returns the exit code, once it is over */
  async show(event: LinkEvent): Promise<number | undefined> {
    const line = JSON.stringify(event);
    if (line !== this.last) await this.say(event, line);
    this.last = line;
    if (event.event === "linked") return 0;
    return event.event === "error" ? 1 : undefined;
  }

  private async say(event: LinkEvent, line: string): Promise<void> {
    const { out, err } = this.terminal;
    if (this.given.json) {
      if (event.event !== "connecting") out(line);
      return;
    }
    switch (event.event) {
      case "qr":
        out(await qrcode.toString(event.data, { type: "terminal", small: true, errorCorrectionLevel: "L" }));
        return err(
          `Scan it with WhatsApp → Linked devices → Link a device. Also in ${this.png}; it changes every 20 to 60 seconds.`,
        );
      case "pairing-code":
        out(`${event.code.slice(0, 4)}-${event.code.slice(4)}`);
        return err("Type this code on the phone: WhatsApp → Linked devices → Link a device → Link with phone number.");
      case "linked":
        return out(`Linked as +${event.jid.split("@")[0]}. Next: kafclaw whatsapp-setup`);
      case "error":
        return err(event.message);
      case "connecting":
        return;
    }
  }
}
