/** The home that a command works on: through the gateway that runs there, or on its files. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Actor } from "../access/index.js";
import { homeFrom, type LoadedConfig, loadConfig } from "../config.js";
import { KafclawError } from "../errors.js";
import type { House } from "../gateway.js";
import { type GatewayInfo, type Home, homePaths, openHome, readGateway } from "../home.js";
import { holderName, type LockHolder, readLock } from "../store/index.js";
import { Client } from "./client.js";
import type { Terminal } from "./command.js";

/** How long another process may hold the home without telling where its API is: a gateway that starts, a short command. */
const WAIT_MS = 10_000;
const LOOK_AGAIN_MS = 100;
/** From here on the wait is worth a word. */
const SAY_AFTER_MS = 1_000;

/** A home with its settings. */
export interface Place {
  readonly home: Home;
  readonly loaded: LoadedConfig;
}

/**
 * Opens the home that the environment names; makes it where there is none.
 * @throws KafclawError `home-unusable`, `bad-config`
 */
export async function openPlace({ env }: Terminal): Promise<Place> {
  const loaded = await loadConfig(homePaths(homeFrom(env)), env);
  return { home: await openHome(homeFrom(env)), loaded };
}

/**
 * The gateway that runs on the home that the environment names, or undefined when none runs. What it needs is in that
 * home's `gateway.json`: no mistake in `config.json` keeps the owner from a gateway that runs.
 * @throws KafclawError as {@link findGateway}
 */
export function runningGateway(terminal: Terminal): Promise<Client | undefined> {
  return findGateway(homePaths(homeFrom(terminal.env)), terminal);
}

/**
 * The running gateway of a home, or undefined when none runs. Its token goes out only while the very process that wrote
 * `gateway.json` holds the store's lock.
 * @throws KafclawError `gateway-silent` when a process holds the home for long and can't be spoken to
 */
export async function findGateway(home: Home, terminal: Terminal): Promise<Client | undefined> {
  const waiting = new Waiting(home, terminal);
  for (;;) {
    const { holder, info } = await holderOf(home);
    if (!holder) return undefined;
    if (info) return new Client(info, async () => (await holderOf(home)).info?.token === info.token);
    waiting.say(holder);
    if (waiting.isOver) {
      const sentence = holder.isHere
        ? `Process ${holder.pid} is using ${home.root}, and no gateway.json says how to reach it: a kafclaw command such as whatsapp-auth, or a gateway that lost that file; wait until it is done, or end it (kill ${holder.pid}) and start the gateway again.`
        : `${capital(holderName(holder))} is using ${home.root}, a gateway perhaps; run the command there, or stop it first.`;
      throw new KafclawError("gateway-silent", sentence, "failed");
    }
    await pause(LOOK_AGAIN_MS);
  }
}

/** Who holds a home, if anybody, and what it told of itself where it is a gateway that is up. */
async function holderOf(home: Home): Promise<{ readonly holder?: LockHolder; readonly info?: GatewayInfo }> {
  const holder = await readLock(home.root);
  if (!holder?.alive) return {};
  const info = await readGateway(home);
  // In a container every gateway has the same pid; only one that began after the lock was taken is its holder.
  const isHolder = info?.pid === holder.pid && info.startedAt >= holder.since && holder.isHere;
  return { holder, ...(isHolder ? { info } : {}) };
}

/**
 * Runs `work` on the files of a home, under its lock, with nothing connected.
 * @throws KafclawError `gateway-started` where a gateway took the home since it was looked for: to be done through it
 */
export async function onFiles<T>(
  { home, loaded }: Place,
  terminal: Terminal,
  work: (house: House) => Promise<T>,
): Promise<T> {
  const { config } = loaded;
  // Only here: Baileys takes half a second to load, and most commands go through a running gateway.
  const { openHouse } = await import("../gateway.js");
  const options = { home, config, version: terminal.version, log: terminal.log(quieter(config.log.level)) };
  const house = await patiently(home, terminal, () => openHouse(options)).catch(async (error: unknown) => {
    const { info } = await holderOf(home);
    if (!info) throw error;
    throw new KafclawError("gateway-started", `A gateway started on ${home.root} meanwhile; run that again.`, "failed");
  });
  try {
    return await work(house);
  } finally {
    await house.close();
  }
}

/** Waits for a home that another process has taken: a short command is soon done with it, a gateway is not. */
export async function patiently(home: Home, terminal: Terminal, open: () => Promise<House>): Promise<House> {
  const waiting = new Waiting(home, terminal);
  for (;;) {
    try {
      return await open();
    } catch (error) {
      const isLocked = error instanceof KafclawError && error.code === "store-locked";
      if (!isLocked || waiting.isOver) throw error;
      const { holder, info } = await holderOf(home);
      if (info) throw error;
      if (holder) waiting.say(holder);
      await pause(LOOK_AGAIN_MS);
    }
  }
}

/** Who decides here, for the audit: the user at the machine, once per command. */
export function actorAt({ user }: Terminal): Actor {
  return { door: "cli", who: user, cause: randomUUID() };
}

/** A wait for another process, measured by time: one try to take the lock may take seconds. */
class Waiting {
  private readonly begun = performance.now();
  private isSaid = false;

  constructor(
    private readonly home: Home,
    private readonly terminal: Terminal,
  ) {}

  get isOver(): boolean {
    return this.waited >= WAIT_MS;
  }

  /** Says for whom, once it is worth a word. */
  say(holder: LockHolder): void {
    if (this.isSaid || this.waited < SAY_AFTER_MS) return;
    this.isSaid = true;
    this.terminal.err(`${capital(holderName(holder))} is using ${this.home.root}; waiting for it …`);
  }

  private get waited(): number {
    return performance.now() - this.begun;
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** On the command line the log is for what goes wrong; what a command did, it says itself. */
function quieter(level: string): string {
  return level === "info" ? "warn" : level;
}
