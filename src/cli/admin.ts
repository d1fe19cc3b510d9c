import { randomUUID } from "node:crypto";
import { type Command, commands } from "../admin/index.js";
import { renderPlain } from "../text.js";
import type { Answer } from "./client.js";
import type { CliCommand, Terminal } from "./command.js";
import { findGateway, onFiles, openPlace } from "./home.js";

/** What only a running gateway has; on the files it would change nothing. */
const LIVE_ONLY = new Set(["silent", "pause", "resume", "dashboard"]);

/** The owner's commands, under the same names on the command line. */
export const adminCommands: readonly CliCommand[] = commands
  .filter(({ name }) => name !== "help")
  .map((command) => fromRegistry(command));

function fromRegistry({ name, usage, summary, details }: Command): CliCommand {
  return {
    name,
    usage,
    summary,
    details,
    flags: {},
    takesWords: true,
    async run({ args, json }, terminal) {
      return show(await runCommand(name, args, terminal), json, terminal);
    },
  };
}

/** Runs one of the owner's commands: through the gateway where one runs, on the files where none does. */
export async function runCommand(name: string, args: readonly string[], terminal: Terminal): Promise<Answer> {
  const place = await openPlace(terminal);
  const gateway = await findGateway(place.home);
  if (gateway) return gateway.command(name, args);
  if (LIVE_ONLY.has(name)) {
    const text = `No gateway is running here, so there is nothing to change; silent mode is on at each start anyway. Start one: kafclaw gateway`;
    return { ok: false, text, data: null, error: { code: "not-running", kind: "refused" } };
  }
  return onFiles(place, terminal, async ({ admin }) => {
    const by = { door: "cli", who: "this machine", cause: randomUUID() } as const;
    const { ok, message, data, error } = await admin.run(name, args, by);
    return { ok, text: renderPlain(message), data: data ?? null, error: error ?? null };
  });
}

/** Shows what a command said, on the stream and with the exit code that fit. */
export function show({ ok, text, data, error }: Answer, json: boolean, terminal: Terminal): number {
  const command = forTheShell(text);
  if (!ok && json) terminal.out(JSON.stringify({ error: { code: error?.code ?? "refused", message: command } }));
  if (!ok) terminal.err(command);
  else terminal.out(json ? JSON.stringify(data) : command);
  if (ok) return 0;
  return error?.kind === "usage" ? 2 : 1;
}

/** Chat commands in a hint, as they are typed here: `/approve K7QF` → `kafclaw approve K7QF`. */
function forTheShell(text: string): string {
  const names = commands.map(({ name }) => name).join("|");
  return text.replace(new RegExp(`(^|[\\s(])/(${names})\\b`, "g"), "$1kafclaw $2");
}
