/**
 * The home: one private directory that holds everything of one gateway (DESIGN 8).
 *
 * Directories are 0700 and files 0600, since they hold the keys to somebody's WhatsApp account.
 */
import { chmod, lstat, mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { KafclawError } from "./errors.js";
import { isTemporary, PRIVATE_DIRECTORY, systemCode, writeNew, writePrivate } from "./files.js";

/** Where everything lies, as absolute paths. */
export interface Home {
  readonly root: string;
  readonly config: string;
  readonly qrPng: string;
  readonly gatewayJson: string;
  readonly data: string;
  readonly workspace: string;
  readonly soul: string;
  readonly media: string;
}

/** What a running gateway tells the command line: where its local API is, and the token for it. */
export interface GatewayInfo {
  readonly pid: number;
  /** `http://127.0.0.1:18791` */
  readonly address: string;
  /** New at each start. */
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly version: string;
}

const DEFAULT_SOUL = `# Soul

You are Kaf, a friendly assistant on WhatsApp. People write to you as they would to a friend.

- Be warm and get to the point: a phone screen is small, so two or three sentences mostly do.
- Answer in the language that you are written to in, as casually or formally as they write.
- When you don't know something, say so. Never make up facts, prices, dates or promises.
- You are a bot: say so when somebody asks. What only a person can decide, leave to the person whose bot you are.
`;

/** The paths of a home, without touching the disk. */
export function homePaths(path: string): Home {
  const root = resolve(path);
  const workspace = join(root, "workspace");
  return {
    root,
    config: join(root, "config.json"),
    qrPng: join(root, "whatsapp-qr.png"),
    gatewayJson: join(root, "gateway.json"),
    data: join(root, "data"),
    workspace,
    soul: join(workspace, "SOUL.md"),
    media: join(workspace, "media"),
  };
}

/**
 * Opens a home: makes its directories where they are missing, and private.
 * @throws KafclawError `home-unusable`
 */
export async function openHome(path: string): Promise<Home> {
  const home = homePaths(path);
  try {
    await checkRoot(home.root);
    await makeDirectory(home.root);
    await makePrivate(home);
    for (const directory of [home.data, home.workspace, home.media]) {
      await makeDirectory(directory);
      await chmod(directory, PRIVATE_DIRECTORY);
    }
  } catch (error) {
    throw unusable(home.root, error);
  }
  return home;
}

/**
 * Opens a home and writes the files that a new one starts with, `config.json` and `workspace/SOUL.md`. What is there
 * already is never overwritten.
 * @param config what goes into a new `config.json`
 * @returns the home, and the files that were written
 * @throws KafclawError `home-unusable`
 */
export async function createHome(
  path: string,
  config: object = {},
): Promise<{ readonly home: Home; readonly written: readonly string[] }> {
  const home = await openHome(path);
  const written: string[] = [];
  try {
    if (await writeNew(home.config, `${JSON.stringify(config, null, 2)}\n`)) written.push(home.config);
    if (await writeNew(home.soul, DEFAULT_SOUL)) written.push(home.soul);
  } catch (error) {
    throw unusable(home.root, error);
  }
  return { home, written };
}

/** Tells the command line where the running gateway is. */
export async function writeGateway(home: Home, info: GatewayInfo): Promise<void> {
  await writePrivate(home.gatewayJson, `${JSON.stringify(info, null, 2)}\n`);
}

const GatewayInfoFile = z.object({
  pid: z.int().positive(),
  address: z.string().regex(/^http:\/\/(127\.\d+\.\d+\.\d+|\[::1\]|localhost):\d+$/),
  token: z.string().min(1),
  startedAt: z.number(),
  version: z.string(),
});

/**
 * What the last gateway told; undefined where there is nothing, or nothing usable. Whether it still runs is for the
 * store's lock to say: the token is sent only while the lock's holder is this pid.
 */
export async function readGateway(home: Home): Promise<GatewayInfo | undefined> {
  try {
    return GatewayInfoFile.parse(JSON.parse(await readFile(home.gatewayJson, "utf8")));
  } catch {
    return undefined;
  }
}

/** Takes back what {@link writeGateway} told, unless another gateway has told since. */
export async function removeGateway(home: Home, pid: number): Promise<void> {
  if ((await readGateway(home))?.pid === pid) await rm(home.gatewayJson, { force: true });
}

/**
 * Makes a private directory and what is missing above it. Node's own recursive mkdir never ends where the system refuses
 * with ENOENT what is plainly there (`/proc/x`), and hides why a read-only disk refuses.
 */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: PRIVATE_DIRECTORY });
  } catch (error) {
    const code = systemCode(error);
    if (await isDirectory(path)) return;
    const above = dirname(path);
    if (code !== "ENOENT" || above === path || (await isDirectory(above))) throw error;
    await makeDirectory(above);
    await mkdir(path, { mode: PRIVATE_DIRECTORY });
  }
}

function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Names what a plain mkdir would report as EEXIST or ENOENT. */
async function checkRoot(root: string): Promise<void> {
  const found = await stat(root).catch(async (error: unknown) => {
    if (systemCode(error) !== "ENOENT") throw error;
    if (await lstat(root).catch(() => undefined))
      throw new KafclawError(
        "home-unusable",
        `${root} is a link to a directory that does not exist; create that directory, or set KAFCLAW_HOME to another one.`,
        "failed",
      );
    return undefined;
  });
  if (!found) return;
  if (!found.isDirectory()) {
    throw new KafclawError(
      "home-unusable",
      `${root} is a file, and KafClaw needs a directory there; move the file away, or set KAFCLAW_HOME to another place.`,
      "failed",
    );
  }
  const me = process.getuid?.();
  if (me !== undefined && me !== 0 && found.uid !== me) {
    throw new KafclawError(
      "home-unusable",
      `${root} belongs to another user (uid ${found.uid}); run KafClaw as that user, or set KAFCLAW_HOME to a directory of your own.`,
      "failed",
    );
  }
}

/** A directory that holds other things too (KAFCLAW_HOME=/tmp) keeps its mode: all in it that is ours is private anyway. */
async function makePrivate(home: Home): Promise<void> {
  const { mode } = await stat(home.root);
  const isPrivate = (mode & 0o777) === PRIVATE_DIRECTORY;
  const isSticky = (mode & 0o1000) !== 0;
  if (!isPrivate && !isSticky && (await isOurs(home))) await chmod(home.root, PRIVATE_DIRECTORY);
}

/** Whether a home's directory holds nothing but the home. */
export async function isOurs({ root, config, qrPng, gatewayJson, data, workspace }: Home): Promise<boolean> {
  const ours = new Set([config, qrPng, gatewayJson, data, workspace].map((path) => basename(path)));
  return (await readdir(root)).every((name) => ours.has(name) || isTemporary(name));
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "it, or the directory above it, may not be written by this user",
  EPERM: "this user may not change it",
  ENOENT: "directories can't be made there",
  EROFS: "it lies on a read-only disk",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  ENOTDIR: "a part of the path is a file",
  ELOOP: "its links go in a circle",
  ENAMETOOLONG: "the path is too long",
};

/** Why a directory can't be the home, from what the system said of it. @returns a KafclawError, or `error` where it is no system's */
export function unusable(root: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined || error instanceof KafclawError) return error;
  const reason = REASONS[code] ?? `the system says ${code}`;
  return new KafclawError(
    "home-unusable",
    `KafClaw can't use ${root} as its home: ${reason}; mend that, or set KAFCLAW_HOME to another directory.`,
    "failed",
  );
}
