import { type Answer, answerOf, type Command, commands } from "../admin/index.js";
import type { CliCommand, Terminal } from "./command.js";
import { actorAt, onFiles, openPlace, runningGateway } from "./home.js";

/** What only a running gateway has, and why there is nothing to do without one. */
const LIVE_ONLY: Readonly<Record<string, string>> = {
  silent: "silent mode is on at each start, and is switched while the gateway runs",
  pause: "there is no responder to pause",
  resume: "there is no responder to resume; a start resumes it anyway",
  dashboard: "there is no dashboard to sign in to",
};

/** The owner's commands, under the same names on the command line. */
export const adminCommands: readonly CliCommand[] = commands
  .filter(({ name }) => name !== "help")
  .map((command) => fromRegistry(command));

function fromRegistry({ name, usage, summary, details }: Command): CliCommand {
  return {
    name,
    usage,
    summary,
    details: forTheShell(details),
    flags: {},
    takesWords: true,
    async run({ args, json }, terminal) {
      return show(await runCommand(name, args, terminal), json, terminal);
    },
  };
}

/** Runs one of the owner's commands: through the gateway where one runs, on the files where none does. */
export async function runCommand(name: string, args: readonly string[], terminal: Terminal): Promise<Answer> {
  const gateway = await runningGateway(terminal);
  if (gateway) return gateway.command(name, args);
  const place = await openPlace(terminal);
  const why = LIVE_ONLY[name];
  // What silent mode will be at the next start can be told.
  if (why !== undefined && !(name === "silent" && args.length === 0)) {
    const text = `No gateway is running here: ${why}. Start one: kafclaw gateway`;
    return { ok: false, text, data: null, error: { code: "not-running", kind: "refused" } };
  }
  return onFiles(place, terminal, async ({ admin }) => answerOf(await admin.run(name, args, actorAt(terminal))));
}

/**
 * Shows what a command said, on the stream that fits.
 * @returns the exit code that fits
 */
export function show({ ok, text, data, error }: Answer, json: boolean, terminal: Terminal): number {
  const sentence = forTheShell(text);
  if (ok) {
    terminal.out(json ? JSON.stringify(data) : sentence);
    return 0;
  }
  // Of several, some may be done all the same.
  const done = Array.isArray(data) && data.length > 0 ? { data } : {};
  if (json) terminal.out(JSON.stringify({ error: { code: error?.code ?? "refused", message: sentence }, ...done }));
  terminal.err(sentence);
  return error?.kind === "usage" ? 2 : 1;
}

/** Chat commands in a hint, as they are typed here: `/approve K7QF` → `kafclaw approve K7QF`. */
function forTheShell(text: string): string {
  const names = commands.map(({ name }) => name).join("|");
  return text.replace(new RegExp(`(^|[\\s(])/(${names})\\b`, "gm"), "$1kafclaw $2");
}
