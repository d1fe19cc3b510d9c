/** What is asked of WhatsApp's server now and then, and nobody but the server hears. */
import { setTimeout as pause } from "node:timers/promises";
import {
  jidNormalizedUser,
  USyncQuery,
  type USyncQueryResultList,
  USyncUser,
  type WASocket,
} from "@whiskeysockets/baileys";
import type { Person, Pn } from "../access/identity.js";

/** The owner waits for the answer to an order, and a number counts as typed where WhatsApp says nothing. */
const PATIENCE_MS = 5_000;

/**
 * WhatsApp's own form of a typed number.
 * @returns a JID; null when the number is not on WhatsApp; undefined when there was no answer
 */
export async function onWhatsApp(socket: WASocket, pn: Pn | string): Promise<string | null | undefined> {
  const [found] = await dialled(socket, [pn]);
  if (found?.contact === undefined) return undefined;
  return found.contact ? jidNormalizedUser(found.id) : null;
}

/**
 * Those of several typed numbers that WhatsApp writes just so. Its answers don't say for which number each is, so
 * {@link onWhatsApp} has to ask about the others one by one.
 * @returns undefined when there was no answer
 */
export async function writtenSo(socket: WASocket, pns: readonly Pn[]): Promise<readonly Pn[] | undefined> {
  const found = await dialled(socket, pns);
  if (found.length === 0) return undefined;
  const right = new Set(found.flatMap(({ contact, id }) => (contact ? [jidNormalizedUser(id)] : [])));
  return pns.filter((pn) => right.has(pn));
}

/** What WhatsApp says of typed numbers; nothing where it doesn't answer. */
async function dialled(socket: WASocket, pns: readonly string[]): Promise<USyncQueryResultList[]> {
  // Baileys' own function gives the same answer for "no" and for nothing said.
  const query = new USyncQuery().withContactProtocol();
  for (const pn of pns) query.withUser(new USyncUser().withPhone(`+${pn.split("@")[0]}`));
  const answer = socket.executeUSyncQuery(query).catch(() => undefined);
  return (await Promise.race([answer, pause(PATIENCE_MS, undefined, { ref: false })]))?.list ?? [];
}

/** The LIDs of numbers, where they are not known yet. What was learned arrives through the session. */
export async function askLids(socket: WASocket, pns: readonly Pn[]): Promise<void> {
  const answer = socket.signalRepository.lidMapping.getLIDsForPNs([...pns]).catch(() => null);
  await Promise.race([answer, pause(PATIENCE_MS, undefined, { ref: false })]);
}

/** Blocks or unblocks at WhatsApp, under both addresses. False when that could not be done. */
export async function block(socket: WASocket, { pn, lid }: Person, blocked: boolean): Promise<boolean> {
  const address = lid ?? pn;
  if (!address) return false;
  const done = socket.updateBlockStatus(address, blocked ? "block" : "unblock").then(
    () => true,
    () => false,
  );
  return Promise.race([done, pause(PATIENCE_MS, false, { ref: false })]);
}
