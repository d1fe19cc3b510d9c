/**
 * The gateway as its own process, started by the real bin, seen from outside only: its output, its local API, its files.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const BIN = join(import.meta.dirname, "../../dist/main.js");
const START_TIMEOUT_MS = 20_000;

/** What a command printed and how it ended. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One home in a temporary folder, and the processes that use it. */
export class TestHome {
  private child: ChildProcess | undefined;
  private readonly others = new Set<ChildProcess>();
  private output = "";
  /** "change": the gateway has printed something, or has ended. */
  private readonly changes = new EventEmitter();

  private constructor(
    readonly path: string,
    private readonly env: Record<string, string>,
    /** What the gateway's Node is told. */
    private readonly nodeArgs: readonly string[],
  ) {}

  static async create(
    server: { url: string; rootKeyHex: string },
    env: Record<string, string> = {},
    nodeArgs: readonly string[] = [],
  ): Promise<TestHome> {
    const path = await mkdtemp(join(tmpdir(), "kafclaw-e2e-"));
    return new TestHome(
      path,
      {
        KAFCLAW_HOME: path,
        KAFCLAW_DASHBOARD_PORT: "0",
        // Says which message went to the responder.
        KAFCLAW_LOG_LEVEL: "debug",
        KAFCLAW_WHATSAPP_URL: server.url,
        KAFCLAW_WHATSAPP_ROOT_KEY: server.rootKeyHex,
        ...env,
      },
      nodeArgs,
    );
  }

  /** Runs one command to its end, as a user would. */
  async run(
    args: readonly string[],
    {
      input,
      env = {},
      outTo,
      fileLimit,
    }: { input?: string; env?: Record<string, string>; outTo?: string; fileLimit?: number } = {},
  ): Promise<Ran> {
    const file = outTo === undefined ? undefined : await open(outTo, "w");
    const stdio = ["pipe", file?.fd ?? "pipe", "pipe"] as const;
    // No file may grow beyond it, as where a quota is used up.
    const limit = fileLimit === undefined ? [] : ["prlimit", `--fsize=${fileLimit}:unlimited`];
    const [program = "", ...words] = [...limit, process.execPath, BIN, ...args];
    const child = spawn(program, words, { env: this.environment(env), stdio: [...stdio] });
    let out = "";
    let err = "";
    child.stdout?.on("data", (data) => (out += data));
    child.stderr?.on("data", (data) => (err += data));
    child.stdin?.end(input ?? "");
    await file?.close();
    const [code] = await once(child, "close");
    return { code, out, err };
  }

  /** Starts a command and hands out its lines on stdout as they come; it is ended with the test. */
  lines(args: readonly string[]): { next(): Promise<string>; ended: Promise<number | null> } {
    const child = spawn(process.execPath, [BIN, ...args], { env: this.environment({}) });
    this.others.add(child);
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const ended = once(child, "close").then(([code]) => code as number | null);
    return {
      ended,
      async next() {
        const { value, done } = await lines.next();
        if (done) throw new Error(`${args.join(" ")} ended`);
        return value;
      },
    };
  }

  /** Starts the gateway and waits until its local API answers. */
  async start(env: Record<string, string> = {}): Promise<void> {
    this.launch(env);
    await this.until(
      async () => (await this.get("/healthz").catch(() => undefined)) !== undefined,
      "the gateway answers",
    );
  }

  /** Starts the gateway and waits for nothing. @returns its process id */
  launch(env: Record<string, string> = {}): number {
    this.output = "";
    const child = spawn(process.execPath, [...this.nodeArgs, BIN, "gateway"], { env: this.environment(env) });
    this.child = child;
    const take = (data: Buffer) => {
      this.output += data;
      this.changes.emit("change");
    };
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
    child.on("close", () => this.changes.emit("change"));
    return child.pid ?? 0;
  }

  /** Starts and waits until the link is open. */
  async startLinked(env: Record<string, string> = {}): Promise<void> {
    await this.start(env);
    await this.linkOpen();
  }

  /** Waits until the link is open, by what `/healthz` says. */
  async linkOpen(timeoutMs?: number): Promise<void> {
    await this.until(
      async () => {
        const health = (await this.get("/healthz").catch(() => undefined)) as { link?: string } | undefined;
        return health?.link === "open";
      },
      "the link is open",
      timeoutMs,
    );
  }

  /** Ends the gateway as a user (SIGTERM) or a crash (SIGKILL) would. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    child.kill(signal);
    const [code] = await once(child, "close");
    return code;
  }

  get printed(): string {
    return this.output;
  }

  get running(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Waits until the gateway has printed something. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    let match: RegExpExecArray | null = null;
    await this.until(async () => {
      match = pattern.exec(this.output);
      return match !== null;
    }, `it prints ${pattern}`);
    if (!match) throw new Error("unreachable");
    return match;
  }

  /** GET on the local API, with the token of `gateway.json`. */
  async get(path: string): Promise<unknown> {
    const { address, token } = await this.api();
    const response = await fetch(`${address}${path}`, { headers: { authorization: `Bearer ${token}` } });
    return response.json();
  }

  /** POST on the local API. @throws where it is not done */
  async post(path: string, body: object = {}): Promise<unknown> {
    const { address, token } = await this.api();
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const response = await fetch(`${address}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Signs a browser in to the dashboard with the access token. @returns its cookies */
  async signIn(token: string): Promise<string> {
    const { address } = await this.api();
    const page = await fetch(`${address}/sign-in`);
    const csrf = /name="csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
    const headers = { cookie: cookiesOf(page), origin: address };
    const body = new URLSearchParams({ csrf, token });
    const signedIn = await fetch(`${address}/sign-in`, { method: "POST", headers, body, redirect: "manual" });
    if (signedIn.status !== 303) throw new Error(`no sign-in: ${signedIn.status}`);
    return `${headers.cookie}; ${cookiesOf(signedIn)}`;
  }

  async api(): Promise<{ address: string; token: string; pid: number }> {
    return JSON.parse(await readFile(join(this.path, "gateway.json"), "utf8"));
  }

  /** Asks again and again, as an outsider has to, until it is so. */
  async until(isSo: () => Promise<boolean>, what: string, timeoutMs = START_TIMEOUT_MS): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!(await isSo())) {
      if (this.child && !this.running)
        throw new Error(`the gateway ended before ${what}:\n${this.output.slice(-3000)}`);
      if (Date.now() > deadline) throw new Error(`timed out waiting until ${what}:\n${this.output.slice(-3000)}`);
      await once(this.changes, "change", { signal: AbortSignal.timeout(50) }).catch(() => {});
    }
  }

  async remove(): Promise<void> {
    for (const other of this.others) other.kill("SIGKILL");
    await this.stop("SIGKILL");
    await rm(this.path, { recursive: true, force: true });
  }

  private environment(more: Record<string, string>): NodeJS.ProcessEnv {
    const { PATH, LANG, HOME } = process.env;
    return { PATH, LANG, HOME, TZ: "UTC", NO_COLOR: "1", ...this.env, ...more };
  }
}

function cookiesOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");
}
