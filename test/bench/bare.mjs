/** Bare Baileys with an empty handler, to measure KafClaw against: `node bare.mjs <url> <root key> <folder | "memory">`. */
import {
  DEFAULT_CONNECTION_CONFIG,
  initAuthCreds,
  makeWASocket,
  useMultiFileAuthState,
  WA_CERT_DETAILS,
} from "@whiskeysockets/baileys";
import pino from "pino";

const [url, rootKey, folder] = process.argv.slice(2);
WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(rootKey, "hex");
for (const method of ["info", "warn", "error"]) console[method] = () => {};
const { state, saveCreds } = folder === "memory" ? inMemory() : await useMultiFileAuthState(folder);

function connect() {
  const socket = makeWASocket({
    ...DEFAULT_CONNECTION_CONFIG,
    auth: state,
    waWebSocketUrl: url,
    logger: pino({ level: "silent" }),
    markOnlineOnConnect: false,
  });
  socket.ev.on("creds.update", saveCreds);
  socket.ev.on("messages.upsert", () => {});
  socket.ev.on("connection.update", ({ qr, connection }) => {
    if (qr) process.stdout.write(`${qr}\n`);
    if (connection === "close") connect();
  });
}

function inMemory() {
  const lines = new Map();
  const get = (type, ids) =>
    Object.fromEntries(ids.flatMap((id) => (lines.has(type + id) ? [[id, lines.get(type + id)]] : [])));
  const set = (data) => {
    for (const type in data) for (const id in data[type]) lines.set(type + id, data[type][id] ?? undefined);
  };
  return { state: { creds: initAuthCreds(), keys: { get, set } }, saveCreds: () => {} };
}

process.on("SIGTERM", () => process.exit());
// Whoever measures is gone: without WhatsApp this would reconnect for ever.
process.stdin.on("end", () => process.exit()).resume();
connect();
