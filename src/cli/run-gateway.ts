/** The gateway as a process: everything of the house, the local API, and the end of both. */
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { homeFrom, type LoadedConfig, loadConfig } from "../config.js";
import { LateDashboard, listen, SignIn } from "../dashboard/index.js";
import { clearAbandoned } from "../files.js";
import { type House, openHouse } from "../gateway.js";
import { createHome, type Home, removeGateway, writeGateway } from "../home.js";
import type { LinkEvent } from "../whatsapp/types.js";
import type { Terminal } from "./command.js";
import { patiently } from "./home.js";
import { qrText } from "./presenter.js";

/** How long a tidy end may take before the process ends anyway. */
const STOP_WITHIN_MS = 10_000;

/**
 * Runs the gateway until it is stopped, or can't go on.
 * @param json prints what happens as JSON lines on stdout
 * @returns the exit code
 * @throws KafclawError `home-unusable`, `bad-config`, `store-locked`, `port-in-use`
 */
export async function runGateway(json: boolean, terminal: Terminal): Promise<number> {
  const { home, written } = await createHome(homeFrom(terminal.env));
  if (written.includes(home.config)) terminal.err(`Created ${home.root} with safe defaults.`);
  const settings = await loadConfig(home, terminal.env);
  const { config } = settings;
  const log = terminal.log(config.log.level);
  const lost = new AbortController();
  const signIn = new SignIn({ clock: Date.now, random: randomBytes, ...config.dashboard });
  const house = await patiently(home, terminal, () =>
    openHouse({
      home,
      config,
      version: terminal.version,
      log,
      signIn,
      onLost: (error) => lost.abort(error),
    }),
  );
  try {
    return await untilStopped({ house, home, settings, signIn, log, json, terminal, lost: lost.signal });
  } finally {
    await withinTime(house.close(), log);
  }
}

interface Running {
  readonly house: House;
  readonly home: Home;
  readonly settings: LoadedConfig;
  readonly signIn: SignIn;
  readonly log: Logger;
  /** Programs read what happens on stdout. */
  readonly json: boolean;
  readonly terminal: Terminal;
  /** The gateway can't go on; the reason says why. */
  readonly lost: AbortSignal;
}

/** The API comes first: where its port is taken, WhatsApp is not touched. */
async function untilStopped(running: Running): Promise<number> {
  const { house, home, settings, signIn, log, json, terminal, lost } = running;
  // What a crashed gateway left behind must not be taken for ours.
  await rm(home.gatewayJson, { force: true });
  for (const directory of [home.root, home.data, home.workspace]) await clearAbandoned(directory, Date.now());
  const token = randomBytes(32).toString("base64url");
  const { host, port, publicUrl } = settings.config.dashboard;
  const { access, admin, link, activity } = house;
  const by = { door: "cli", who: terminal.user } as const;
  const dashboard = new LateDashboard({
    access,
    admin,
    gateway: house.gateway,
    link,
    token,
    by,
    activity,
    settings,
    signIn,
    clock: Date.now,
    random: randomBytes,
    host,
    publicUrl,
    log,
  });
  const api = await listen(dashboard.serve, host, port);
  signIn.address = api.address;
  try {
    await writeGateway(home, {
      pid: process.pid,
      address: api.address,
      token,
      startedAt: Date.now(),
      version: terminal.version,
    });
    if (json) terminal.out(JSON.stringify({ event: "running", home: home.root, address: api.address }));
    terminal.err(`KafClaw ${terminal.version} runs on ${home.root}. Silent mode is on.`);
    const how = signIn.printable === undefined ? "dashboard.accessToken" : `the access token ${signIn.printable}`;
    terminal.err(`Dashboard: ${publicUrl ?? api.address} (sign in with ${how}, or by a link: kafclaw dashboard)`);
    link.on("event", (event) => void show(event, running));
    await house.start(api.address);
    dashboard.loadSoon();
    await aborted(AbortSignal.any([terminal.stop, lost]));
    lost.throwIfAborted();
    terminal.err("Stopping …");
    return 0;
  } finally {
    await removeGateway(home, process.pid);
    await dashboard.stop();
    await api.close();
  }
}

/** Shows what there is to scan, at a terminal and in a log alike: on a server the log is where one looks for it. */
async function show(
  event: LinkEvent,
  { home, json, terminal }: Pick<Running, "home" | "json" | "terminal">,
): Promise<void> {
  if (json && event.event !== "connecting") terminal.out(JSON.stringify(event));
  switch (event.event) {
    case "qr":
      terminal.err(await qrText(event.data, terminal.colour.err, terminal.columns.err));
      return terminal.err(
        `Not linked yet: scan the QR code (${home.qrPng}) with WhatsApp → Linked devices → Link a device.`,
      );
    case "pairing-code":
      return terminal.err("A pairing code was asked for; kafclaw whatsapp-auth shows it.");
    case "linked":
      return terminal.err(`Linked as +${event.jid.split("@")[0]}.`);
    case "error":
      return terminal.err(event.message);
    case "connecting":
      return;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Waits for the tidy end, but not for ever. */
async function withinTime(closing: Promise<void>, log: Logger): Promise<void> {
  const patience = new AbortController();
  const late = pause(STOP_WITHIN_MS, undefined, { signal: patience.signal }).then(
    () => log.warn("not everything could be ended in time; what is on disk is whole"),
    () => {},
  );
  await Promise.race([closing, late]);
  patience.abort();
}
