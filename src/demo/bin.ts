/** Runs `kafclaw` as processes of their own: the very bin that a person runs, in the demo's own home. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** How a command ended, and what it printed. */
export interface Ran {
  /** null where a signal ended it. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A process that runs until it is stopped. */
export interface Running {
  /** The last of what it printed. */
  readonly printed: string;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  readonly running: boolean;
  /** Ends it tidily. */
  stop(): Promise<void>;
}

const MAIN = fileURLToPath(new URL("../main.js", import.meta.url));
/** As much of what a gateway printed is kept, in characters. */
const KEPT = 20_000;

/** Starts the bin in one environment, and knows what it started. */
export class Bin {
  private readonly children = new Set<ChildProcess>();
  private isEnding = false;

  /** @param env the whole environment: nothing is inherited, so no setting of a real gateway gets in */
  constructor(private readonly env: Readonly<Record<string, string>>) {}

  /** Runs a command to its end. @param onLine hears each line of its stdout as it comes */
  async run(args: readonly string[], onLine: (line: string) => void = () => {}): Promise<Ran> {
    const child = this.spawn(args);
    let out = "";
    let err = "";
    child.stderr?.on("data", (data) => (err += data));
    if (child.stdout) {
      createInterface(child.stdout).on("line", (line) => {
        out += `${line}\n`;
        onLine(line);
      });
    }
    const [code] = await once(child, "close");
    return { code, out, err };
  }

  /** Starts a command that runs on. */
  start(args: readonly string[]): Running {
    const child = this.spawn(args);
    let printed = "";
    const take = (data: Buffer): void => {
      printed = (printed + String(data)).slice(-KEPT);
    };
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
    const ended = once(child, "close").then(() => {});
    const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
    return {
      get printed() {
        return printed;
      },
      get running() {
        return isRunning();
      },
      ended,
      async stop() {
        if (isRunning()) child.kill("SIGTERM");
        await ended;
      },
    };
  }

  /** Ends everything at once, without waiting: for the very end of this process. Nothing is started any more. */
  kill(): void {
    this.isEnding = true;
    for (const child of this.children) child.kill("SIGKILL");
  }

  /** The same, and waits until all have ended. */
  async end(): Promise<void> {
    const children = [...this.children];
    this.kill();
    await Promise.all(children.map((child) => once(child, "close")));
  }

  private spawn(args: readonly string[]): ChildProcess {
    if (this.isEnding) throw new Error("the demo ends");
    // A group of its own: Ctrl-C reaches the demo alone, which then ends its processes in order. The channel (ipc) breaks
    // when the demo is killed, and `main.ts` ends with it.
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...this.env },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true,
    });
    this.children.add(child);
    child.once("close", () => this.children.delete(child));
    return child;
  }
}
