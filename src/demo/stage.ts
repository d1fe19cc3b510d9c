import { randomInt } from "node:crypto";
import { KafclawError } from "../errors.js";
import { writePrivate } from "../files.js";
import { type Home, openHome } from "../home.js";
import { type Phone, WhatsApp } from "../simulator/index.js";
import { Bin, type Running } from "./bin.js";
import { BOT, CAST, type Key } from "./cast.js";
import type { Closing } from "./closing.js";
import { GatewayView } from "./gateway-view.js";
import { Handset, shownText } from "./handset.js";
import { startScriptModel } from "./script-model.js";
import { createThrowaway } from "./throwaway.js";
import type { Transcript } from "./transcript.js";

/** A real model, where one was named. */
export interface RealModel {
  readonly model: string;
  readonly baseUrl?: string | undefined;
  readonly apiKey?: string | undefined;
}

export interface StageOptions {
  /** `PATH`, `LANG` and the like of whoever runs the demo; no setting of KafClaw. */
  readonly env: Readonly<Record<string, string>>;
  readonly keep: boolean;
  /** The temporary folder; the system's unless given. */
  readonly folder?: string | undefined;
  readonly real: RealModel | undefined;
  readonly transcript: Transcript;
  readonly signal: AbortSignal;
}

/** What the demo's gateway is set to: the owner's undo window before a greeting is 5 seconds, too long to watch. */
const CONFIG = { timezone: "UTC", approve: { grace: 1 } };
/** How often a look is taken at what the wire does not show, a decision on the dashboard for one. */
const LOOK_EVERY_MS = 1_000;
/** For anything that is waited for, on a busy machine. */
const PATIENCE_MS = 30_000;

/** Everything that plays: a simulated WhatsApp with phones, a model, a home, and the real gateway as its own process. */
export class Stage {
  readonly bot: Phone;
  readonly phones: ReadonlyMap<Key, Handset>;
  /** The pairing token of this run. */
  readonly token = `DEMO-${randomInt(1000, 10_000)}-${word()}`;
  view: GatewayView | undefined;
  /** Whether the connection was taken away from the gateway. */
  away = false;
  /** Rejects when the gateway ends by itself, which it should not. */
  readonly gatewayEnded: Promise<never>;
  private fail: (error: Error) => void = () => {};
  private gateway: Running | undefined;
  private readonly shown = new Map<Key, number>();
  private readonly listeners = new Set<() => void>();
  private looking: Promise<void> | undefined;
  private isStale = false;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  private constructor(
    private readonly options: StageOptions,
    readonly home: Home,
    readonly wa: WhatsApp,
    readonly model: RealModel & { readonly isReal: boolean },
    readonly bin: Bin,
  ) {
    const { transcript } = options;
    this.gatewayEnded = new Promise((_, reject) => {
      this.fail = reject;
    });
    this.gatewayEnded.catch(() => {});
    this.bot = wa.phone(BOT);
    this.phones = new Map(
      CAST.map((character) => {
        const phone = wa.phone({ pn: character.pn, name: character.name });
        const tell: ConstructorParameters<typeof Handset>[3] = (who, deed) => {
          transcript.did(who, deed);
          this.changed();
        };
        return [character.key, new Handset(character, phone, this.bot, tell)] as const;
      }),
    );
  }

  /**
   * Sets the stage; whatever happens, what was set is taken down with {@link closing}.
   * @throws KafclawError `no-temporary-folder`
   */
  static async set(options: StageOptions, closing: Closing): Promise<Stage> {
    const wa = await WhatsApp.start();
    closing.defer(() => wa.close());
    const model = options.real ?? (await startScriptModel(closing));
    const throwaway = createThrowaway(options.keep, options.folder);
    const { home } = throwaway;
    const bin = new Bin({
      ...options.env,
      HOME: home.root,
      KAFCLAW_HOME: home.root,
      KAFCLAW_DASHBOARD_PORT: "0",
      KAFCLAW_WHATSAPP_URL: wa.url,
      KAFCLAW_WHATSAPP_ROOT_KEY: wa.rootKeyHex,
      ...(options.real?.apiKey === undefined ? {} : { OPENAI_API_KEY: options.real.apiKey }),
    });
    // A second Ctrl-C, or an error that nobody caught, ends the process at once: then this is all there is time for.
    const atOnce = (): void => {
      bin.kill();
      throwaway.removeNow();
    };
    process.once("exit", atOnce);
    closing.defer(async () => {
      await bin.end();
      await throwaway.remove();
      process.off("exit", atOnce);
    });
    await openHome(home.root);
    await writePrivate(home.config, `${JSON.stringify(CONFIG, null, 2)}\n`);
    const stage = new Stage(options, home, wa, { ...model, isReal: options.real !== undefined }, bin);
    closing.defer(() => stage.close());
    wa.onChange(() => stage.changed());
    return stage;
  }

  phone(key: Key): Handset {
    const found = this.phones.get(key);
    if (!found) throw new Error(`nobody is called ${key}`);
    return found;
  }

  /** Starts the gateway and follows it from then on. */
  async startGateway(): Promise<void> {
    const gateway = this.bin.start(["gateway"]);
    this.gateway = gateway;
    void gateway.ended.then(() => {
      this.changed();
      if (!this.closed) this.fail(ended(gateway));
    });
    const deadline = Date.now() + PATIENCE_MS;
    while (this.view === undefined) {
      if (Date.now() > deadline) throw new Error("the gateway did not start in time");
      this.options.signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 50));
      this.view = await GatewayView.find(this.home);
    }
    this.timer = setInterval(() => this.changed(), LOOK_EVERY_MS);
  }

  /** Takes the gateway's connection away, as a dead network does, or gives it back. */
  setAway(away: boolean): void {
    this.away = away;
    if (away) this.wa.hold();
    else this.wa.resume();
    this.options.transcript.note(
      away ? "The gateway's connection is taken away." : "The gateway's connection is given back.",
    );
    this.changed();
  }

  /** Calls `listener` whenever something may look different. */
  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  /**
   * Waits until something is so, looking again after each change.
   * @throws when it isn't in time, with `what` in its message
   */
  async until<T>(look: () => T | undefined | false, what: string, patienceMs = PATIENCE_MS): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined && found !== false) return found;
      await this.change(what, patienceMs);
    }
  }

  /** Something happened: tells of it, then tells who listens. */
  changed(): void {
    this.isStale = true;
    this.looking ??= this.lookAround();
  }

  private async lookAround(): Promise<void> {
    try {
      while (this.isStale && !this.closed) {
        this.isStale = false;
        await this.look();
      }
    } finally {
      this.looking = undefined;
    }
  }

  private async look(): Promise<void> {
    const { transcript } = this.options;
    const news = (await this.view?.refresh()) ?? [];
    for (const decision of news) transcript.decided(decision, this.view?.status?.silent ?? true);
    for (const { character, phone } of this.phones.values()) {
      const { inbox } = phone;
      for (const received of inbox.slice(this.shown.get(character.key) ?? 0)) {
        if (received.revokes === undefined) transcript.reached(character, shownText(received));
      }
      this.shown.set(character.key, inbox.length);
    }
    for (const listener of [...this.listeners]) listener();
  }

  private change(what: string, patienceMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (settle: () => void) => () => {
        clearTimeout(timer);
        this.listeners.delete(happened);
        settle();
      };
      const happened = done(resolve);
      const timer = setTimeout(
        done(() => reject(new Error(`${what} did not happen within ${patienceMs / 1000} seconds`))),
        patienceMs,
      );
      this.listeners.add(happened);
    });
  }

  private async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await this.gateway?.stop();
    await this.looking?.catch(() => {});
  }
}

function ended({ printed }: Running): KafclawError {
  return new KafclawError(
    "gateway-ended",
    `The demo's gateway ended by itself; this is the last that it said:\n${printed.slice(-1500).trim()}`,
    "failed",
  );
}

/** A word that makes the token easy to see and to type. */
function word(): string {
  const words = ["TULIP", "HERON", "MAPLE", "COMET", "RIVER", "CEDAR"];
  return words[randomInt(words.length)] ?? "TULIP";
}
