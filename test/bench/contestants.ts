/** What is measured against each other: the gateway and bare Baileys, each as its own process, seen from WhatsApp's side. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { type Phone, WhatsApp } from "../../src/simulator/index.js";
import { TestHome } from "../e2e/gateway-process.js";

/** A machine under load may take its time. */
export const PATIENCE_MS = 120_000;

/** How long a first link may go on writing. */
const SETTLE_MS = 2_000;

/** A linked and running process with a WhatsApp of its own around it. */
export interface Contestant {
  readonly wa: WhatsApp;
  readonly bot: Phone;
  /** Who is approved, where that means something. */
  readonly buddy: Phone;
  /** Starts the process again, after {@link stop}. */
  launch(): void;
  stop(): Promise<void>;
  /** Resolves when so many messages are through since the link: past the gate; for bare Baileys once the receipts are there. */
  through(total: number): Promise<void>;
  /** Resident memory, bytes. */
  memory(): Promise<number>;
  remove(): Promise<void>;
}

/** What a gateway is measured with. */
export interface GatewayOptions {
  readonly env?: Record<string, string>;
  readonly nodeArgs?: readonly string[];
  /** Gets the home before its first start. */
  readonly fill?: (home: string) => Promise<void>;
}

/** A gateway with one buddy, and neither an owner to tell nor a model to ask. */
export async function gateway({
  env = {},
  nodeArgs,
  fill,
}: GatewayOptions = {}): Promise<Contestant & { home: TestHome }> {
  const { wa, bot, buddy } = await people();
  const home = await TestHome.create(wa, { KAFCLAW_LOG_LEVEL: "info", ...env }, nodeArgs);
  await home.run(["onboard"]);
  await fill?.(home.path);
  await home.run(["approve", buddy.pnJid]);
  let pid = home.launch();
  await home.until(async () => {
    const link = (await home.get("/api/v1/link").catch(() => ({}))) as { event?: string; data?: string };
    if (link.event === "qr" && link.data !== undefined) await bot.scan(link.data);
    return link.event === "qr";
  }, "there is a QR");
  await linked(wa);
  return {
    home,
    wa,
    bot,
    buddy,
    launch() {
      pid = home.launch();
    },
    async stop() {
      await home.stop();
    },
    async through(total) {
      await wa.waitUntilTaken({ timeoutMs: PATIENCE_MS });
      const count = async () => ((await home.get("/api/v1/messages")) as { total: number }).total;
      await home.until(async () => (await count()) >= total, `${total} messages are through`, PATIENCE_MS);
    },
    memory: () => residentBytes(pid),
    async remove() {
      await home.remove();
      await wa.close();
    },
  };
}

/** Bare Baileys with an empty handler, its keys in files (its own store) or in memory. */
export async function bare(keys: "file" | "memory", nodeArgs: readonly string[] = []): Promise<Contestant> {
  const { wa, bot, buddy } = await people();
  const folder = await mkdtemp(join(tmpdir(), "kafclaw-bare-"));
  const script = new URL("./bare.mjs", import.meta.url).pathname;
  const args = [...nodeArgs, script, wa.url, wa.rootKeyHex, keys === "file" ? folder : "memory"];
  const start = (): ChildProcess => spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  let child = start();
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill();
    await once(child, "close");
  };
  if (!child.stdout) throw new Error("no output");
  const [qr] = await once(createInterface(child.stdout), "line");
  await bot.scan(qr);
  await linked(wa);
  return {
    wa,
    bot,
    buddy,
    launch() {
      child = start();
    },
    stop: end,
    through: () => wa.waitUntilTaken({ timeoutMs: PATIENCE_MS }),
    memory: () => residentBytes(child.pid),
    async remove() {
      await end();
      await wa.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function people(): Promise<{ wa: WhatsApp; bot: Phone; buddy: Phone }> {
  const wa = await WhatsApp.start();
  return { wa, bot: wa.phone({ pn: "15550009000" }), buddy: wa.phone({ pn: "15550002000", name: "Alice" }) };
}

/** Waits until the first link is over, with its restart, keys and history. */
async function linked(wa: WhatsApp): Promise<void> {
  await wa.waitForStanza(({ node }) => node.attrs.xmlns === "w:sync:app:state", { timeoutMs: PATIENCE_MS });
  await wa.waitUntilTaken({ timeoutMs: PATIENCE_MS });
  // Baileys' own file store loses everything where it is stopped while it writes.
  await pause(SETTLE_MS);
}

async function residentBytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
