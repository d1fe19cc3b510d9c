import { z } from "zod";
import { formatNumber, personFrom, phoneDigits } from "../access/index.js";
import { homeFrom, loadConfig } from "../config.js";
import { KafclawError } from "../errors.js";
import { homePaths } from "../home.js";
import { cleanText } from "../text.js";
import { runCommand, show } from "./admin.js";
import { type CliCommand, type Given, listFlag, type Terminal, textFlag } from "./command.js";
import { findGateway, openPlace } from "./home.js";
import { importSession, linkAlone, linkThrough, logOut } from "./linking.js";
import { Presenter } from "./presenter.js";

const DECISIONS = ["approve", "deny", "remove"] as const;
/** What the command can be about, besides decisions; one at a time. */
const MODES = ["list", "logout", "import", "phone"] as const;

export const whatsappAuth: CliCommand = {
  name: "whatsapp-auth",
  usage: "",
  summary: "links WhatsApp by QR or pairing code; also lists, approves, denies and removes",
  details:
    "Without options it links: scan the QR with WhatsApp → Linked devices → Link a device.\nUse a spare number: KafClaw is an unofficial client, and numbers that use one can be banned.",
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
    replace: {
      type: "boolean",
      help: "link anew, another account too; the present link is off until a phone has scanned",
    },
    logout: { type: "boolean", help: "unlink this device and forget the session" },
    approve: { type: "list", value: "WHO", help: "approve a number, JID or code" },
    deny: { type: "list", value: "WHO", help: "deny a number, JID or code" },
    remove: { type: "list", value: "WHO", help: "take a number, JID or code off all lists" },
    list: { type: "boolean", help: "list approved, denied and pending contacts" },
  },
  async run(given, terminal) {
    const mode = modeOf(given);
    if (mode === "decide") return decide(given, terminal);
    if (mode === "list") return list(given, terminal);
    try {
      return await aboutTheLink(given, terminal);
    } catch (error) {
      // Programs read events here, of which this is one.
      if (!given.json || !(error instanceof KafclawError)) throw error;
      const { code, message, kind } = error;
      terminal.out(JSON.stringify({ event: "error", code, message }));
      terminal.err(message);
      return kind === "usage" ? 2 : 1;
    }
  },
};

/** @throws KafclawError `wrong-usage` for options that don't go together */
function modeOf(given: Given): (typeof MODES)[number] | "decide" | "link" {
  const isDeciding = DECISIONS.some((name) => listFlag(given, name).length > 0);
  const modes = MODES.filter((name) => given.flags[name]);
  const [first, second] = [...(isDeciding ? (["decide"] as const) : []), ...modes];
  if (first !== undefined && second !== undefined) {
    const named = [...DECISIONS.filter((name) => listFlag(given, name).length > 0), ...modes];
    throw new KafclawError("wrong-usage", `--${named.join(" and --")} don't go together; give one at a time.`, "usage");
  }
  if (given.flags.replace && (first === "decide" || first === "list" || first === "logout")) {
    throw new KafclawError("wrong-usage", "--replace is for linking; leave it out here.", "usage");
  }
  return first ?? "link";
}

const Entry = z.object({
  code: z.string(),
  pn: z.string().nullable(),
  lid: z.string().nullable(),
  name: z.string(),
  since: z.number(),
});
const Lists = z.object({ approved: z.array(Entry), denied: z.array(Entry), pending: z.array(Entry) });

/** Everybody on the lists, one line each. */
async function list({ json }: Given, terminal: Terminal): Promise<number> {
  const answer = await runCommand("list", [], terminal);
  if (json || !answer.ok) return show(answer, json, terminal);
  // Without good settings, which a running gateway can do without, the machine's.
  const { env } = terminal;
  const settings = await loadConfig(homePaths(homeFrom(env)), env).catch(() => undefined);
  for (const [state, entries] of Object.entries(Lists.parse(answer.data))) {
    terminal.out(`${state} (${entries.length})`);
    for (const { code, pn, lid, name, since } of entries) {
      const person = personFrom(pn, lid);
      const number = person === undefined ? "" : formatNumber(person);
      terminal.out(
        `  ${[code, number, cleanText(name, 64) || "no name", dayOf(since, settings?.config.timezone)].join("  ")}`,
      );
    }
  }
  return 0;
}

/** `2026-11-23 14:02`, in the owner's time zone. */
function dayOf(at: number, timeZone: string | undefined): string {
  return new Date(at).toLocaleString("sv-SE", { dateStyle: "short", timeStyle: "short", timeZone });
}

/** @returns the worst exit code */
async function decide(given: Given, terminal: Terminal): Promise<number> {
  let worst = 0;
  for (const name of DECISIONS) {
    const whom = listFlag(given, name);
    if (whom.length === 0) continue;
    worst = Math.max(worst, show(await runCommand(name, whom, terminal), given.json, terminal));
  }
  return worst;
}

async function aboutTheLink(given: Given, terminal: Terminal): Promise<number> {
  const phone = textFlag(given, "phone");
  const folder = textFlag(given, "import");
  const replace = given.flags.replace === true;
  const wish = { ...(phone === undefined ? {} : { phone: phoneDigits(phone) }), replace };
  const place = await openPlace(terminal);
  const gateway = await findGateway(place.home, terminal);
  const presenter = new Presenter(given.json, terminal, place.home.qrPng);
  if (given.flags.logout === true) {
    const left = await logOut(place, gateway, terminal);
    if (left !== undefined) terminal.err(left);
    const text = "Logged out; contacts and settings are kept. To link again: kafclaw whatsapp-auth";
    terminal.out(given.json ? JSON.stringify({ event: "logged-out" }) : text);
    return 0;
  }
  if (folder !== undefined) {
    const code = await presenter.show(await importSession(folder, replace, place, gateway, terminal));
    if (!given.json) terminal.err("Don't start the other program with that session again. Next: kafclaw gateway");
    return code ?? 1;
  }
  const code = gateway
    ? await linkThrough(gateway, wish, presenter, terminal)
    : await linkAlone(place, wish, presenter, terminal);
  if (code === 0 && !given.json) terminal.err("Next: kafclaw whatsapp-setup (owner and token), then kafclaw gateway");
  return code;
}
