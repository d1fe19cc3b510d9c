/** What the owner sets while the gateway runs: silent mode, responder, pairing token, invites; and what only the file sets. */
import type { Request, Response, Router } from "express";
import qrcode from "qrcode";
import { formatNumber, type Invite, nameOrNumber } from "../../access/index.js";
import { count, inviteLink } from "../../admin/index.js";
import { renderPage, say } from "../../text.js";
import { NOT_SAID } from "../decide.js";
import type { Said } from "../session.js";
import { shownSettings } from "../settings.js";
import { trustedHtml } from "../views.js";
import { asked, backTo, type Desk, field, LONGEST_ADDRESS } from "./desk.js";
import { silentModel } from "./overview.js";

/** Open invites first; of the others so many. */
const OLD_INVITES_SHOWN = 20;

export function settingsPages(router: Router, desk: Desk): void {
  const { access, admin, gateway } = desk.parts;
  /** Runs a command and tells the result on the page. */
  const run = async (response: Response, to: string, name: string, args: readonly string[]): Promise<void> => {
    desk.answer(response, to, desk.told(await admin.run(name, args, desk.by(response))));
  };

  router.get("/settings", (request, response) => {
    const token = access.token();
    const owner = access.owner();
    desk.show(request, response, "settings", "Settings", {
      ...silentModel(desk),
      responder: gateway.responder,
      wrote: whoWrote(desk),
      token: token && { masked: token.masked, since: desk.time(token.since) },
      ...cameWithOldToken(desk),
      isOpen: access.isOpen(),
      invites: invitesOf(desk),
      draft: inviteDraft(request),
      owner: owner && {
        number: formatNumber(owner.person),
        self: owner.setup === "self",
        confirmed: owner.confirmed,
        locked: owner.locked,
      },
      fixed: fixedSettings(desk),
    });
  });

  router.post("/settings/silent", async (request, response) => {
    const back = backTo(request, "/settings");
    const time = field(request, "for");
    if (field(request, "to") === "on") return run(response, back, "silent", ["on"]);
    if (field(request, "to") !== "off") return desk.answer(response, back, { ok: false, text: NOT_SAID });
    return run(response, back, "silent", time === "" ? ["off"] : ["off", "--for", time]);
  });

  router.post("/settings/responder", async (request, response) => {
    const back = backTo(request, "/settings");
    const order = RESPONDER_ORDERS.find(({ to }) => to === field(request, "to"));
    if (order === undefined) return desk.answer(response, back, { ok: false, text: NOT_SAID });
    await run(response, back, order.command, order.args);
  });

  router.post("/settings/token", async (request, response) => {
    if (field(request, "do") === "reveal") {
      const secret = access.revealToken();
      const said = secret === undefined ? { ok: false, text: "There is no pairing token yet." } : REVEALED;
      return desk.answer(response, "/settings", { ...said, secret });
    }
    if (field(request, "do") !== "rotate") return desk.answer(response, "/settings", { ok: false, text: NOT_SAID });
    const result = await admin.run("token", ["rotate"], desk.by(response));
    desk.answer(response, "/settings", desk.told(result));
  });

  router.post("/settings/old-token", async (request, response) => {
    const shown = field(request, "codes", LONGEST_ADDRESS).split(" ");
    const other = access.pendingWithOldToken().find(({ code }) => !shown.includes(code));
    if (other === undefined) return run(response, "/settings", "remove", ["old-token"]);
    const text = `Nothing changed: ${nameOrNumber(other)} (${other.code}) came with an old token, too, which this page had not shown; look again.`;
    desk.answer(response, "/settings", { ok: false, text });
  });

  router.post("/settings/invites", async (request, response) => {
    const label = field(request, "label");
    const days = field(request, "days");
    const number = field(request, "number");
    const isAuto = field(request, "auto") === "yes";
    const refused = `/settings?${new URLSearchParams({ label, days, number, auto: isAuto ? "yes" : "" })}`;
    if (INVITE_WORDS.includes(label.toLowerCase())) {
      const text = `"${label}" is a word of the command invite; write another name.`;
      return desk.answer(response, refused, { ok: false, text });
    }
    const args = [
      label,
      ...(days === "" ? [] : [`--days=${days}`]),
      ...(isAuto ? ["--auto"] : []),
      ...(number === "" ? [] : [`--for=${number}`]),
    ];
    const result = await admin.run("invite", /^(-|$)/.test(label) ? [] : args, desk.by(response));
    const id = result.ok ? idOf(result.data) : undefined;
    if (id === undefined) return desk.answer(response, refused, asFields(desk.told(result)));
    desk.answer(response, `/settings/invites/${encodeURIComponent(id)}`, {
      ok: true,
      text: renderPage(say`Made an invite for ${label}.`),
    });
  });

  router.get("/settings/invites/:id", async (request, response, next) => {
    const invite = access.invites().find(({ _id }) => _id === request.params.id);
    if (invite === undefined) return next();
    const state = stateOf(desk, invite);
    const link = state.open ? inviteLink(invite, gateway.me()) : undefined;
    desk.show(request, response, "invite", `Invite for ${invite.label}`, {
      invite: inviteModel(desk, invite),
      token: state.open ? invite.token : undefined,
      link,
      qr: link && trustedHtml(await qrcode.toString(link, { type: "svg", margin: 2 })),
    });
  });

  router.post("/settings/invites/revoke", (request, response) =>
    run(response, "/settings", "invite", ["revoke", field(request, "id")]),
  );
}

const RESPONDER_ORDERS = [
  { to: "pause", command: "pause", args: [] },
  { to: "resume", command: "resume", args: [] },
  { to: "answer", command: "answer", args: ["all"] },
] as const;
/** What the command takes for something else than whom an invite is for. */
const INVITE_WORDS: readonly string[] = ["list", "revoke"];
/** The fields of the form for what the command has as words and options. */
const INVITE_FIELDS: readonly (readonly [command: RegExp, field: string])[] = [
  [/\/invite and a name.*/, "Write a name that begins with no dash."],
  [/--days/g, "“Works for so many days”"],
  [/--auto/g, "“Approve at once whoever uses it”"],
  [/--for/g, "“Only for this number”"],
];

/** What was said of an invite, in the words of its form. */
function asFields(said: Said): Said {
  return { ...said, text: INVITE_FIELDS.reduce((text, [command, field]) => text.replace(command, field), said.text) };
}

const REVEALED = { ok: true, text: "This is the pairing token; share it only with people you know." };

/** Who is pending by a token that was replaced since; nothing where nobody is. */
function cameWithOldToken({ parts: { access } }: Desk): object {
  const old = access.pendingWithOldToken();
  const people = old.map((contact) => ({ code: contact.code, name: nameOrNumber(contact) }));
  const codes = people.map(({ code }) => code).join(" ");
  return { oldToken: people.length > 0 ? people : undefined, oldTokenOne: people.length === 1, oldTokenCodes: codes };
}

/** An invite that was refused, as it was typed. */
function inviteDraft(request: Request): object | undefined {
  const draft = { label: asked(request, "label"), days: asked(request, "days"), number: asked(request, "number") };
  const auto = asked(request, "auto") === "yes";
  return auto || Object.values(draft).some((text) => text !== "") ? { ...draft, auto } : undefined;
}

/** Whom the responder has still to answer, as a page says it. */
function whoWrote({ parts: { access, gateway } }: Desk): object | undefined {
  const { silent, responder } = gateway;
  const waiting = [...(responder.backlog?.() ?? [])].flatMap(([id, messages]) => {
    const contact = access.byId(id);
    return contact === undefined ? [] : [{ code: contact.code, name: nameOrNumber(contact), messages }];
  });
  if (waiting.length === 0) return undefined;
  // A relay goes to the admin chat, which is never silent.
  const isSilent = silent.on() && responder.mode !== "relay";
  const inTheWay = isSilent ? "silent mode is off" : responder.paused ? "the responder goes on" : undefined;
  return { many: count(waiting.length, "buddy", "buddies"), people: waiting, inTheWay };
}

function idOf(data: unknown): string | undefined {
  return data instanceof Object && "id" in data && typeof data.id === "string" ? data.id : undefined;
}

function invitesOf(desk: Desk): object[] {
  const all = desk.parts.access.invites().map((invite) => inviteModel(desk, invite));
  const open = all.filter((invite) => invite.open);
  return [...open, ...all.filter((invite) => !invite.open).slice(0, OLD_INVITES_SHOWN)];
}

function inviteModel(desk: Desk, invite: Invite) {
  const { _id: id, label, auto, expires } = invite;
  const bound = invite.for && formatNumber(invite.for);
  return { id, label, auto, bound, expires: desk.time(expires), ...stateOf(desk, invite) };
}

function stateOf(desk: Desk, { used, revoked, expires }: Invite): { open: boolean; state: string } {
  if (used) return { open: false, state: `used, ${desk.time(used.at)}` };
  if (revoked !== undefined) return { open: false, state: `revoked, ${desk.time(revoked)}` };
  if (expires <= desk.parts.clock()) return { open: false, state: `over since ${desk.time(expires)}` };
  return { open: true, state: `open until ${desk.time(expires)}` };
}

const ORIGINS = { file: "config.json", environment: "the environment", default: "the default" } as const;

/** What can only be set in the config file. */
function fixedSettings({ parts: { settings } }: Desk): object[] {
  return shownSettings(settings).map((setting) => ({ ...setting, origin: ORIGINS[setting.origin] }));
}
