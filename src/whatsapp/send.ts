import {
  type AnyMessageContent,
  type BinaryNode,
  generateWAMessage,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  isPnUser,
  jidDecode,
  jidEncode,
  jidNormalizedUser,
  type MiscMessageGenerationOptions,
  parseAndInjectE2ESessions,
  S_WHATSAPP_NET,
  type WAMessageContent,
  type WAMessageKey,
  type WASocket,
} from "@whiskeysockets/baileys";
import { type Person, personOf, same } from "../access/identity.js";
import { mediaMessage } from "./media.js";
import type { Ack, Me, WireContent } from "./types.js";

const ACK_TIMEOUT_MS = 15_000;
/** The device of a business that Meta hosts, which alone is addressed under another server. */
const HOSTED = 99;

/** A device, as Baileys lists it. */
type Device = Awaited<ReturnType<WASocket["getUSyncDevices"]>>[number];

/** One message to send. */
interface Sending {
  readonly jid: string;
  readonly id: string;
  readonly content: WireContent;
  /** Asked right before the message leaves. */
  readonly mayLeave: () => boolean;
  /** The connection's end: no answer comes after it. */
  readonly ended: AbortSignal;
}

/**
 * Sends one message under the given id and waits for WhatsApp's ack. `sendMessage` alone resolves before the server has
 * answered, and also when it sent nothing because the recipient's devices could not be asked for.
 */
export async function sendAndWait(socket: WASocket, { jid, id, content, mayLeave, ended }: Sending): Promise<Ack> {
  let answer: Promise<BinaryNode | undefined>;
  try {
    // What Baileys would ask the server for on the way is asked first, so that nothing waits after the last look.
    const isReady = await unlessEnded(prepare(socket, jid), ended);
    if (!isReady || ended.aborted) return { kind: "lost" };
    if (!mayLeave()) return { kind: "withheld" };
    answer = firstAnswer(socket, id, ended);
    if (content.kind === "media") {
      await socket.relayMessage(jid, mediaMessage(content), { messageId: id });
    } else {
      const { message, options } = toBaileys(jid, content);
      await socket.sendMessage(jid, message, { ...options, messageId: id });
    }
  } catch {
    return { kind: "lost" };
  }
  const node = await answer;
  if (!node) return { kind: "lost" };
  const error = node.tag === "ack" ? node.attrs.error : undefined;
  return error === undefined ? { kind: "acked" } : { kind: "refused", error: Number(error) || 500 };
}

/** What some work comes to; undefined where the connection ends before. Baileys lets what was asked on it hang. */
async function unlessEnded<T>(work: Promise<T>, ended: AbortSignal): Promise<T | undefined> {
  let stop = (): void => {};
  const over = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
  });
  ended.addEventListener("abort", stop);
  try {
    return await Promise.race([work, over]);
  } finally {
    ended.removeEventListener("abort", stop);
  }
}

/** Learns the devices of a chat and opens sessions with them. @returns false where none of the recipient's can be reached */
async function prepare(socket: WASocket, jid: string): Promise<boolean> {
  const me = jid.endsWith("@lid") ? socket.user?.lid : socket.user?.id;
  const devices = await devicesOf(socket, me ? [jidNormalizedUser(me), jid] : [jid]);
  const missing = await withoutSession(
    socket,
    devices.map((device) => device.jid),
  );
  // Where WhatsApp gives no keys, who has a session is written to all the same.
  if (missing.length > 0) await openSessions(socket, missing).catch(() => {});
  const unreachable = new Set(await withoutSession(socket, missing));
  const user = jidDecode(jid)?.user;
  if (!devices.some((device) => device.user === user && !unreachable.has(device.jid))) return false;
  // Baileys gives up on all devices where one has no keys, a stale companion of the bot's own, say; it reads these again.
  for (const each of new Set(devices.map((device) => device.user))) {
    if (unreachable.size === 0) break;
    const reachable = devices.filter((device) => device.user === each && !unreachable.has(device.jid));
    await socket.userDevicesCache.set(each, reachable);
  }
  return true;
}

/**
 * The devices of people, as WhatsApp lists them. Where it lists none of somebody (an error, a limit, an empty answer), those
 * that it listed last and the phone, which everybody has: who wrote to us is not to wait for that list.
 */
async function devicesOf(socket: WASocket, jids: readonly string[]): Promise<Device[]> {
  const devices: Device[] = await socket.getUSyncDevices([...jids], true, false).catch(() => []);
  for (const jid of jids) {
    const { user, server } = jidDecode(jid) ?? {};
    if (user === undefined || server === undefined || devices.some((device) => device.user === user)) continue;
    const last = (await socket.authState.keys.get("device-list", [user]))[user] ?? [];
    const own = [socket.user?.id, socket.user?.lid];
    const known = [...new Set([0, ...last.map(Number)])].map((device) => {
      const hosted = server === "lid" ? "hosted.lid" : "hosted";
      const host = device === HOSTED ? hosted : server;
      return { user, server: host, device, jid: jidEncode(user, host, device) };
    });
    const others = known.filter((device) => !own.includes(device.jid));
    // Baileys asks again right before it sends; it finds them here.
    await socket.userDevicesCache.set(user, others);
    devices.push(...others);
  }
  return devices;
}

async function withoutSession(socket: WASocket, jids: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const jid of jids) if (!(await socket.signalRepository.validateSession(jid)).exists) missing.push(jid);
  return missing;
}

/**
 * Opens Signal sessions, with those devices that WhatsApp has keys of. rc14 asks for keys only under LIDs, so for a
 * number without one nothing could ever be sent first; its keys are asked for under the number.
 */
async function openSessions(socket: WASocket, jids: readonly string[]): Promise<void> {
  const { lidMapping } = socket.signalRepository;
  const users: BinaryNode[] = [];
  for (const jid of jids) {
    const lid = isPnUser(jid) ? await lidMapping.getLIDForPN(jid) : null;
    users.push({ tag: "user", attrs: { jid: lid ?? jid } });
  }
  const attrs = { xmlns: "encrypt", type: "get", to: S_WHATSAPP_NET };
  const bundles = await socket.query({ tag: "iq", attrs, content: [{ tag: "key", attrs: {}, content: users }] });
  const list = getBinaryNodeChild(bundles, "list");
  const known = getBinaryNodeChildren(list, "user").filter((user) => !getBinaryNodeChild(user, "error"));
  const good: BinaryNode = { ...bundles, content: [{ tag: "list", attrs: {}, content: known }] };
  await parseAndInjectE2ESessions(good, socket.signalRepository);
}

/** The server's ack, or the receipt that can overtake it; undefined when neither came in time or the connection ended. */
function firstAnswer(socket: WASocket, id: string, ended: AbortSignal): Promise<BinaryNode | undefined> {
  return new Promise((resolve) => {
    const event = `TAG:${id}`;
    const done = (node?: BinaryNode) => {
      clearTimeout(timer);
      socket.ws.off(event, done);
      ended.removeEventListener("abort", end);
      resolve(node);
    };
    const end = () => done();
    const timer = setTimeout(end, ACK_TIMEOUT_MS);
    socket.ws.on(event, done);
    ended.addEventListener("abort", end, { once: true });
  });
}

/** What is needed to answer a device that asks for a message again. */
export interface Asked {
  readonly socket: WASocket;
  readonly me: Me | undefined;
  /** What the outbox sent to that very chat and would still send now. */
  readonly recall: (id: string, chat: Person) => Promise<WireContent | undefined>;
}

/**
 * What may go out again for a retry receipt: only what the outbox sent to that very chat, and only to that person or to
 * our own devices (I3).
 */
export async function sendAgain(
  key: WAMessageKey,
  { socket, me, recall }: Asked,
): Promise<WAMessageContent | undefined> {
  const { remoteJid, id, participant } = key;
  const chat = remoteJid ? personOf(remoteJid) : undefined;
  if (!me || !remoteJid || !chat || !id) return undefined;
  const asker = participant ? personOf(participant) : chat;
  if (!asker || !(same(asker, chat) || same(asker, me))) return undefined;
  const content = await recall(id, chat);
  if (!content) return undefined;
  // Baileys would ask for this while it sends: nothing else could leave before the answer, and much may be decided until then.
  await prepare(socket, chat.lid ?? chat.pn ?? remoteJid);
  return rebuild(socket, remoteJid, id, content);
}

/** The protobuf of something that was sent, for a recipient who asks for it again. */
async function rebuild(
  socket: WASocket,
  jid: string,
  id: string,
  content: WireContent,
): Promise<WAMessageContent | undefined> {
  const userJid = socket.user?.id;
  if (userJid === undefined) return undefined;
  if (content.kind === "media") return mediaMessage(content);
  const { message, options } = toBaileys(jid, content);
  const upload = () => Promise.reject(new Error("text needs no upload"));
  const built = await generateWAMessage(jid, message, { ...options, userJid, messageId: id, upload });
  return built.message ?? undefined;
}

function toBaileys(
  jid: string,
  content: Exclude<WireContent, { kind: "media" }>,
): { message: AnyMessageContent; options: MiscMessageGenerationOptions } {
  switch (content.kind) {
    case "text": {
      const { quote, expiration } = content;
      const options: MiscMessageGenerationOptions = {};
      if (quote) {
        const key = { remoteJid: jid, id: quote.id, fromMe: quote.fromMe };
        options.quoted = { key, message: { conversation: quote.text } };
      }
      if (expiration !== undefined) options.ephemeralExpiration = expiration;
      // Without `linkPreview: null` Baileys would fetch the URLs in a text, a stranger's quoted ones too (I3).
      return { message: { text: content.text, linkPreview: null }, options };
    }
    case "reaction": {
      const key = { remoteJid: jid, id: content.target.id, fromMe: content.target.fromMe };
      return { message: { react: { text: content.emoji, key } }, options: {} };
    }
    case "delete":
      return { message: { delete: { remoteJid: jid, id: content.target, fromMe: true } }, options: {} };
  }
}
