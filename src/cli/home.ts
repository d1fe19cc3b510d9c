import { homeFrom, type LoadedConfig, loadConfig } from "../config.js";
import { KafclawError } from "../errors.js";
import { type House, openHouse } from "../gateway.js";
import { type Home, homePaths, openHome, readGateway } from "../home.js";
import { readLock } from "../store/index.js";
import { Client } from "./client.js";
import type { Terminal } from "./command.js";

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
 * The running gateway of a home, or undefined when none runs. Its token goes out only while the very process that wrote
 * `gateway.json` holds the store's lock.
 * @throws KafclawError `gateway-silent` when a process holds the home but can't be spoken to
 */
export async function findGateway(home: Home): Promise<Client | undefined> {
  const holder = await readLock(home.root);
  if (!holder?.alive) return undefined;
  const info = await readGateway(home);
  if (info?.pid === holder.pid) return new Client(info);
  throw new KafclawError(
    "gateway-silent",
    `Process ${holder.pid} is using ${home.root} and can't be spoken to yet; try again in a moment, or stop it.`,
    "failed",
  );
}

/** Runs `work` on the files of a home, under its lock, with nothing connected. */
export async function onFiles<T>(
  { home, loaded }: Place,
  terminal: Terminal,
  work: (house: House) => Promise<T>,
): Promise<T> {
  const { config } = loaded;
  const house = await openHouse({
    home,
    config,
    version: terminal.version,
    log: terminal.log(quieter(config.log.level)),
  });
  try {
    return await work(house);
  } finally {
    await house.close();
  }
}

/** On the command line the log is for what goes wrong; what a command did, it says itself. */
function quieter(level: string): string {
  return level === "info" ? "warn" : level;
}
