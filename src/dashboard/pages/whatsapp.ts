/** Who may talk: pending, approved, denied; and what is decided about them. */
import type { Request, Response, Router } from "express";
import { type Contact, looksLikeNumber, nameOrNumber, pastTense } from "../../access/index.js";
import { count, doorOf, type Order, whatHappened } from "../../admin/index.js";
import { renderPage } from "../../text.js";
import { decideAsShown, NOT_SAID } from "../decide.js";
import { asked, backTo, type Desk, field, paged } from "./desk.js";

const LISTS = ["pending", "approved", "denied"] as const;
const HISTORY_SHOWN = 50;

export function whatsappPages(router: Router, desk: Desk): void {
  const { access, admin } = desk.parts;
  router.get("/whatsapp", async (request, response) => {
    const list = LISTS.find((known) => known === asked(request, "list")) ?? "pending";
    const search = asked(request, "search");
    const found = access.list(list, { search });
    const counts = access.counts();
    desk.show(request, response, "whatsapp", "WhatsApp", {
      lists: LISTS.map((name) => ({
        name,
        count: counts[name],
        href: `/whatsapp?${new URLSearchParams({ list: name, ...(search === "" ? {} : { search }) })}`,
        current: name === list,
      })),
      list,
      search,
      people: paged(request, found, (contact) => desk.contact(contact), { list, search }),
      isPendingList: list === "pending",
      hasToken: access.token() !== undefined,
      isOpen: access.isOpen(),
      number: asked(request, "number"),
      last: lastDecision(desk),
    });
  });

  router.get("/whatsapp/:code", async (request, response, next) => {
    const contact = access.byCode(request.params.code);
    if (contact === undefined) return next();
    const { timezone } = desk.parts.settings.config;
    const title = nameOrNumber(contact);
    desk.show(request, response, "contact", title, {
      contact: desk.contact(contact),
      aliases: contact.aliases.join(", "),
      lid: contact.lid,
      ...talkWith(desk, contact),
      history: contact.history
        .slice(-HISTORY_SHOWN)
        .reverse()
        .map((decision) => ({
          text: renderPage(whatHappened(decision, desk.parts.clock(), timezone)),
          note: decision.note,
        })),
      last: lastDecision(desk, contact),
    });
  });

  router.post("/whatsapp/decide", async (request, response) => {
    const back = backTo(request, "/whatsapp");
    const wish = {
      do: field(request, "do"),
      code: field(request, "code"),
      state: field(request, "state"),
      episode: Number(field(request, "episode")),
    };
    desk.answer(response, back, desk.told(await decideAsShown(desk.parts, wish, desk.by(response))));
  });

  router.post("/whatsapp/undo", async (request, response) => {
    const order: Order = { kind: "undo", decisionId: field(request, "decision") };
    desk.answer(response, backTo(request, "/whatsapp"), desk.told(await admin.decide(order, desk.by(response))));
  });

  router.post("/whatsapp/allow", (request, response) => allow(desk, request, response));

  router.post("/whatsapp/talk", async (request, response) => {
    const contact = access.byCode(field(request, "code"));
    const command = TALK_ORDERS.find((known) => known === field(request, "do"));
    if (contact === undefined || command === undefined) {
      return desk.answer(response, "/whatsapp", { ok: false, text: NOT_SAID });
    }
    const result = await admin.run(command, [contact.code], desk.by(response));
    desk.answer(response, `/whatsapp/${contact.code}`, desk.told(result));
  });
}

const TALK_ORDERS = ["answer", "forget"] as const;
/** What becomes of a number, and the list that shows it. */
const NUMBER_ORDERS = [
  { name: "approve", list: "approved" },
  { name: "deny", list: "denied" },
] as const;

/** Lets a number in, or shuts it out, before it ever wrote. A number that was refused stays in its box. */
async function allow(desk: Desk, request: Request, response: Response): Promise<void> {
  const number = field(request, "number");
  const order = NUMBER_ORDERS.find(({ name }) => name === field(request, "do"));
  if (order === undefined) return desk.answer(response, "/whatsapp", { ok: false, text: NOT_SAID });
  const refused = `/whatsapp?${new URLSearchParams({ list: order.list, number })}`;
  if (!looksLikeNumber(number)) {
    const text = "That is no phone number; write it with its country code, like +1 555 000 2000.";
    return desk.answer(response, refused, { ok: false, text });
  }
  const result = await desk.parts.admin.run(order.name, number.split(/\s+/), desk.by(response));
  desk.answer(response, result.ok ? `/whatsapp?list=${order.list}` : refused, desk.told(result));
}

/** What can be done about the talk with somebody, besides deciding. */
function talkWith({ parts: { gateway } }: Desk, { _id, state }: Contact): object {
  const { responder } = gateway;
  const wrote = state === "approved" ? (responder.backlog?.().get(_id) ?? 0) : 0;
  return {
    wrote: wrote > 0 ? count(wrote, "message") : undefined,
    wroteOne: wrote === 1,
    canForget: responder.forget !== undefined && (state === "approved" || state === "denied"),
  };
}

/** The last decision that can still be taken back, of all or about one contact. */
export function lastDecision(desk: Desk, about?: Contact): object | undefined {
  const last = desk.parts.access.lastUndoable(about?._id);
  if (last === undefined) return undefined;
  const { contact, decision } = last;
  return {
    id: decision.id,
    what: pastTense(decision),
    name: nameOrNumber(contact),
    code: contact.code,
    door: doorOf(decision),
    at: desk.time(decision.at),
  };
}
