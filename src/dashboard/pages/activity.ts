/** What happened: decisions, messages by verdict, and what was sent or held back. */
import type { Request, Router } from "express";
import { type AuditRecord, eventOf } from "../../access/index.js";
import { groupOf, type Incoming, MESSAGES_KEPT_MS, type Outgoing, PARCEL_STATES, VERDICT_GROUPS } from "../activity.js";
import { asked, type Desk, type Paged, paged, placeIn } from "./desk.js";

const SHOWS = [
  { name: "decisions", title: "Decisions" },
  { name: "messages", title: "Messages" },
  { name: "sent", title: "Sent" },
] as const;

export function activityPages(router: Router, desk: Desk): void {
  router.get("/activity", async (request, response) => {
    const show = SHOWS.find(({ name }) => name === asked(request, "show"))?.name ?? "decisions";
    const only = asked(request, "only");
    const { rows, filters } = await listed(desk, request, show, only);
    desk.show(request, response, "activity", "Activity", {
      shows: SHOWS.map(({ name, title }) => ({
        title,
        href: `/activity?show=${name}`,
        current: name === show,
      })),
      show,
      filters: filters.map(({ name, title }) => ({ name, title, current: name === only })),
      isDecisions: show === "decisions",
      isMessages: show === "messages",
      isSent: show === "sent",
      rows,
    });
  });
}

interface Listed {
  readonly rows: Paged<object>;
  readonly filters: readonly { readonly name: string; readonly title: string }[];
}

async function listed(desk: Desk, request: Request, show: string, only: string): Promise<Listed> {
  const { access, activity, clock } = desk.parts;
  const query = { show, only };
  if (show === "messages") {
    const all = activity.seen(clock() - MESSAGES_KEPT_MS);
    const kept = only === "" ? all : all.filter(({ verdict }) => groupOf(verdict).id === only);
    const filters = VERDICT_GROUPS.map(({ id, title }) => ({ name: id, title }));
    const place = placeIn(request, kept.length, query);
    const messages = await activity.incoming(kept.slice(place.from, place.to));
    return { rows: { ...place, rows: messages.map((row) => incomingRow(desk, row)) }, filters };
  }
  if (show === "sent") {
    const all = activity.outgoing();
    const kept = only === "" ? all : all.filter(({ state }) => state === only);
    const filters = PARCEL_STATES.map((state) => ({ name: state, title: state }));
    return { rows: paged(request, kept, (row) => outgoingRow(desk, row.inWords()), query), filters };
  }
  const door = DOORS.find(({ name }) => name === only)?.name;
  const place = placeIn(request, access.auditCount({ door }), query);
  const records = await access.audit({ door, skip: place.from, limit: place.to - place.from });
  return { rows: { ...place, rows: records.map((record) => auditRow(desk, record)) }, filters: DOORS };
}

const DOORS = [
  { name: "whatsapp", title: "WhatsApp" },
  { name: "dashboard", title: "dashboard" },
  { name: "cli", title: "command line" },
  { name: "gateway", title: "gateway" },
] as const;

function auditRow(desk: Desk, { at, action, by, code, name, from, to, note }: AuditRecord): object {
  return {
    at: desk.time(at),
    action: eventOf({ action }),
    code,
    name: code === undefined ? undefined : name || "no name",
    change: from !== undefined && to !== undefined && from !== to ? `${from} → ${to}` : undefined,
    note,
    door: DOORS.find((door) => door.name === by.door)?.title ?? by.door,
    who: by.who,
  };
}

function incomingRow(desk: Desk, { at, verdict, who, name, what }: Incoming): object {
  return { at: desk.time(at), verdict, group: groupOf(verdict).id, who: who || "not kept", name, what };
}

function outgoingRow(desk: Desk, { at, to, name, state, error, why, what }: Outgoing): object {
  const heldBack = why === "no-buddy" ? "held back, as this was no buddy" : "held back by silent mode";
  return { at: desk.time(at), to, name, state, error, what, heldBack: state === "suppressed" && heldBack };
}
