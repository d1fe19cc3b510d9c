/** The command line in the test's own process, at a terminal where nobody is. */
import pino from "pino";
import { runCommandLine, type Terminal } from "../../src/cli/index.js";

/** What a command line came to. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs one command line on a home.
 * @param env what else is set
 */
export async function runIn(home: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const { code, lines } = await linesIn(home, args, env);
  const on = (stream: "out" | "err"): string =>
    lines.flatMap((line) => (line.stream === stream ? [line.text] : [])).join("\n");
  return { code, out: on("out"), err: on("err") };
}

/** The same with each line, in the order in which it was printed. */
export async function linesIn(home: string, args: readonly string[], env: Record<string, string> = {}) {
  const lines: { readonly stream: "out" | "err"; readonly text: string }[] = [];
  const terminal = terminalIn(home, (text, stream) => lines.push({ stream, text }), env);
  return { code: await runCommandLine(args, terminal), lines };
}

/** A terminal on a home, for what is called without a command line. */
export function terminalIn(
  home: string,
  print: (text: string, stream: "out" | "err") => void,
  env: Record<string, string> = {},
): Terminal {
  return {
    // Nobody listens on the discard port: no Ollama of this machine gets into a test.
    env: { KAFCLAW_HOME: home, KAFCLAW_LOG_LEVEL: "silent", OLLAMA_HOST: "127.0.0.1:9", ...env },
    version: "1.2.3",
    user: "olga",
    interactive: false,
    colour: { out: false, err: false },
    columns: { out: undefined, err: undefined },
    out: (text) => print(text, "out"),
    err: (text) => print(text, "err"),
    log: () => pino({ level: "silent" }),
    stop: new AbortController().signal,
  };
}
