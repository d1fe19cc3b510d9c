/** The demo: the whole product without a phone, an account or a key. The face of this folder. */
import { Closing } from "./closing.js";
import { servePhones } from "./page.js";
import { play } from "./play.js";
import { type RealModel, Stage } from "./stage.js";
import { Transcript } from "./transcript.js";

export type { RealModel } from "./stage.js";

/** How the demo is run. */
export interface DemoOptions {
  /** Plays, checks and ends, instead of staying up for playing by hand. */
  readonly once: boolean;
  /** Leaves the demo's home where it is. */
  readonly keep: boolean;
  /** A real model instead of the demo's script. */
  readonly real: RealModel | undefined;
  /** What the demo's processes get of the environment; no setting of KafClaw. */
  readonly env: Readonly<Record<string, string>>;
  /** Where the home is made; the system's temporary folder unless given. */
  readonly folder?: string | undefined;
  readonly json: boolean;
  out(line: string): void;
  /** Ends the demo, at any moment. */
  readonly stop: AbortSignal;
}

/**
 * Plays the guide, then stays up until it is stopped.
 * @returns the exit code
 * @throws KafclawError `demo-failed`, `gateway-ended`, `no-temporary-folder`
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { stop } = options;
  const closing = new Closing();
  const stopped = new Promise<"stopped">((resolve) => {
    if (stop.aborted) resolve("stopped");
    else stop.addEventListener("abort", () => resolve("stopped"), { once: true });
  });
  const work = perform(options, closing);
  // When it is stopped, what was under way fails for lack of a stage; nobody waits for that any more.
  work.catch(() => {});
  try {
    return (await Promise.race([work, stopped])) === "stopped" && options.once ? 1 : 0;
  } finally {
    await closing.close();
  }
}

async function perform(options: DemoOptions, closing: Closing): Promise<void> {
  const { keep, once, real, env, folder, json, out, stop } = options;
  const transcript = new Transcript({ out, json });
  const stage = await Stage.set({ env, keep, folder, real, transcript, signal: stop }, closing);
  transcript.say(INTRODUCTION);
  transcript.note(`Its home is ${stage.home.root}${keep ? "" : ", which is removed at the end"}.`);
  await Promise.race([play(stage, transcript), stage.gatewayEnded]);
  transcript.say("All six steps hold.");
  if (once) return;
  await stage.phone("olga").write("/silent on");
  await stage.until(() => stage.view?.status?.silent, "silent mode on again");
  const page = await servePhones(stage);
  closing.defer(() => page.close());
  transcript.say(`Now play by hand, silent mode being on again. The phones: ${page.address}`);
  transcript.note(`The real dashboard: ${await stage.view?.signInLink()} (or by the page). Ctrl-C ends the demo.`);
  await stage.gatewayEnded;
}

const INTRODUCTION =
  "KafClaw demo: a simulation. No real WhatsApp, no account, no real person; the gateway is the real one, as a process of its own.";
