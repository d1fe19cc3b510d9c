/** What is asked of WhatsApp's server now and then, and nobody but the server hears. */
import { setTimeout as pause } from "node:timers/promises";
import { jidNormalizedUser, USyncQuery, USyncUser, type WASocket } from "@whiskeysockets/baileys";
import type { Person, Pn } from "../access/identity.js";

/** The owner waits for the answer to an order, and a number counts as typed where WhatsApp says nothing. */
const PATIENCE_MS = 5_000;

/**
 * WhatsApp's own form of a typed number.
 * @returns a JID; null when the number is not on WhatsApp; undefined when there was no answer
 */
export async function onWhatsApp(socket: WASocket, pn: Pn | string): Promise<string | null | undefined> {
  const phone = `+${pn.split("@")[0]}`;
  try {
    // Baileys' own function gives the same answer for "no" and for nothing said.
    const query = new USyncQuery().withContactProtocol().withUser(new USyncUser().withPhone(phone));
    const answer = await Promise.race([socket.executeUSyncQuery(query), pause(PATIENCE_MS, undefined, { ref: false })]);
    const [found] = answer?.list ?? [];
    if (found?.contact === undefined) return undefined;
    return found.contact ? jidNormalizedUser(found.id) : null;
  } catch {
    return undefined;
  }
}

/** The LID of a number, where it is not known yet. What was learned arrives through the session. */
export async function askLid(socket: WASocket, pn: Pn): Promise<void> {
  const answer = socket.signalRepository.lidMapping.getLIDForPN(pn).catch(() => null);
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
