import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type AuthenticationCreds, BufferJSON } from "@whiskeysockets/baileys";
import { parseJid } from "../access/identity.js";
import { KafclawError } from "../access/types.js";
import { keyId } from "./session.js";

/**
 * The key types that Baileys' `useMultiFileAuthState` writes, longest first, so that prefixes don't shadow each other.
 * Those of groups are left out: groups are dropped here.
 */
const TYPES = [
  "app-state-sync-version",
  "app-state-sync-key",
  "identity-key",
  "lid-mapping",
  "device-list",
  "pre-key",
  "tctoken",
  "session",
];

/** What an existing Baileys folder holds. */
export interface ImportedSession {
  readonly creds: AuthenticationCreds;
  readonly keys: ReadonlyMap<string, unknown>;
}

/**
 * Reads a folder that Baileys' `useMultiFileAuthState` wrote (`creds.json`, `session-….json`, …). Reads only; nothing
 * is changed there.
 * @throws KafclawError `import-failed` when the folder can't be read, is not linked, or a file is damaged.
 */
export async function readBaileysFolder(folder: string): Promise<ImportedSession> {
  const names = await readdir(folder).catch(() => {
    throw failed(`${folder} can't be read as a folder; name the folder that holds creds.json.`);
  });
  if (!names.includes("creds.json"))
    throw failed(`${folder} holds no creds.json; name the folder of a linked Baileys session.`);
  // The file is a Baileys credential dump; what matters in it is checked below.
  const creds = (await readJson(join(folder, "creds.json"))) as Partial<AuthenticationCreds> | null;
  const isOfAccount = parseJid(creds?.me?.id ?? "").kind === "pn";
  if (!creds?.account || !isOfAccount || !creds.noiseKey || !creds.signedIdentityKey || !creds.signedPreKey) {
    throw failed(`${join(folder, "creds.json")} is not of a linked session; link with kafclaw whatsapp-auth instead.`);
  }
  const keys = new Map<string, unknown>();
  for (const name of names) {
    const id = idOf(name);
    if (id !== undefined) keys.set(id, await readJson(join(folder, name)));
  }
  return { creds: creds as AuthenticationCreds, keys };
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"), BufferJSON.reviver);
  } catch {
    throw failed(`${file} is damaged or can't be read; nothing was imported. Link with kafclaw whatsapp-auth instead.`);
  }
}

/** `session-4917_1.0.json` → `session/4917_1.0`. Baileys writes `/` as `__` in file names. */
function idOf(name: string): string | undefined {
  const type = TYPES.find((prefix) => name.startsWith(`${prefix}-`) && name.endsWith(".json"));
  if (type === undefined) return undefined;
  return keyId(type, name.slice(type.length + 1, -".json".length).replaceAll("__", "/"));
}

function failed(message: string): KafclawError {
  return new KafclawError("import-failed", message, "failed");
}
