/** `kafclaw demo` as its own process, in a temporary folder of its own, so that a test sees what it leaves behind. */
import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

const BIN = join(import.meta.dirname, "../../dist/main.js");
const PATIENCE_MS = 45_000;

export class DemoProcess {
  out = "";
  err = "";
  /** "change": it has printed something, or has ended. */
  private readonly changes = new EventEmitter();
  private readonly closed: Promise<number | null>;

  private constructor(
    readonly child: ChildProcess,
    /** The temporary folder that it was given. */
    readonly folder: string,
  ) {
    child.stdout?.on("data", (data) => {
      this.out += data;
      this.changes.emit("change");
    });
    child.stderr?.on("data", (data) => {
      this.err += data;
      this.changes.emit("change");
    });
    this.closed = once(child, "close").then(([code]) => {
      this.changes.emit("change");
      return code;
    });
  }

  /** @param atEnd where to leave what has to be done at the end; the test that runs unless given */
  static async start(
    args: readonly string[] = [],
    env: Record<string, string> = {},
    atEnd: (work: () => Promise<void>) => void = onTestFinished,
  ): Promise<DemoProcess> {
    const folder = env.TMPDIR ?? (await mkdtemp(join(tmpdir(), "kafclaw-e2e-demo-")));
    const { PATH, LANG, HOME } = process.env;
    const child = spawn(process.execPath, [BIN, "demo", ...args], {
      env: { PATH, LANG, HOME, TMPDIR: folder, ...env },
    });
    const demo = new DemoProcess(child, folder);
    atEnd(async () => {
      child.kill("SIGKILL");
      await demo.closed;
      await demo.allEnded();
      await rm(folder, { recursive: true, force: true });
    });
    return demo;
  }

  /** Resolves with the exit code; null where a signal ended it. */
  get ended(): Promise<number | null> {
    return this.closed;
  }

  /** Waits until it has printed something. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = pattern.exec(this.out);
      if (found) return found;
      if (this.child.exitCode !== null)
        throw new Error(`it ended before it printed ${pattern}:\n${this.out}${this.err}`);
      if (Date.now() > deadline) throw new Error(`it did not print ${pattern}:\n${this.out}${this.err}`);
      await once(this.changes, "change", { signal: AbortSignal.timeout(1_000) }).catch(() => {});
    }
  }

  /** What lies in its temporary folder. */
  leftovers(): Promise<string[]> {
    return readdir(this.folder);
  }

  /** The processes of its gateways and commands, by what only they have in their environment. */
  async processes(): Promise<number[]> {
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && Number(name) !== this.child.pid);
    const ours = await Promise.all(
      pids.map(async (pid) => {
        const environ = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
        return environ.includes(`KAFCLAW_HOME=${join(this.folder, "kafclaw-demo-")}`) ? [Number(pid)] : [];
      }),
    );
    return ours.flat();
  }

  /** Waits until none of its processes is left. */
  async allEnded(): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const left = await this.processes();
      if (left.length === 0) return;
      if (Date.now() > deadline) throw new Error(`still running: ${left.join(", ")}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
