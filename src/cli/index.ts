/** The command line: finds the command, reads its options, runs it, and turns what went wrong into a sentence and an exit code. */
import { KafclawError } from "../errors.js";
import { firstWords, nearest } from "../text.js";
import { adminCommands } from "./admin.js";
import { type CliCommand, readArguments, type Terminal } from "./command.js";
import { demo } from "./demo.js";
import { doctor } from "./doctor.js";
import { gateway } from "./gateway.js";
import { commandData, commandHelp, overview } from "./help.js";
import { onboard } from "./onboard.js";
import { owner } from "./owner.js";
import { whatsappAuth } from "./whatsapp-auth.js";
import { whatsappSetup } from "./whatsapp-setup.js";

export type { Terminal } from "./command.js";

/** Every command, in the order in which help shows them. */
const house: readonly CliCommand[] = [onboard, whatsappAuth, whatsappSetup, gateway, doctor, owner, demo];
const all: readonly CliCommand[] = [...house, ...adminCommands];

/**
 * Runs one command line.
 * @param args what stands behind `kafclaw`
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage
 */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(args, terminal);
  } catch (error) {
    return report(error, args, terminal);
  }
}

/** The table of the command line in README, as Markdown; the owner's commands have a table of their own. */
export function commandLineTable(): string {
  const rows = house.map(({ name, usage, summary, flags }) => {
    const options = Object.entries(flags).map(([flag, { type, value = "VALUE" }]) => {
      return `--${flag}${type === "boolean" ? "" : ` ${value}`}`;
    });
    const code = (text: string) => `\`${text.replaceAll("|", "\\|")}\``;
    return `| ${code(["kafclaw", name, usage].join(" ").trim())} | ${summary} | ${options.map(code).join(" ")} |`;
  });
  return ["| command | does | options |", "| --- | --- | --- |", ...rows].join("\n");
}

async function dispatch(args: readonly string[], terminal: Terminal): Promise<number> {
  // `kafclaw --json status` means the same as `kafclaw status --json`.
  const [first, ...behind] = args;
  const [name, ...rest] = first === "--json" ? [...behind, first] : args;
  const { version } = terminal;
  const print = (text: string, data: object): number => {
    terminal.out(args.includes("--json") ? JSON.stringify(data) : text);
    return 0;
  };
  if (name === "--version" || name === "-v") return print(version, { version });
  if (name === undefined || name === "--help" || name === "-h" || name === "--json" || name === "help") {
    const [about] = name === "help" ? rest.filter((word) => !word.startsWith("-")) : [];
    if (about !== undefined) return print(commandHelp(find(about)), commandData(find(about)));
    // Nothing asked for is no usage to praise, but whoever typed just the name wants to see what there is.
    return print(overview(house, adminCommands, version), { version, commands: all.map(commandData) });
  }
  const command = find(name);
  if (rest.some((word) => word === "--help" || word === "-h")) return print(commandHelp(command), commandData(command));
  const given = readArguments(rest, command);
  try {
    return await command.run(given, terminal);
  } catch (error) {
    // Nothing was done: through the gateway that came up meanwhile it can be.
    if (!(error instanceof KafclawError) || error.code !== "gateway-started") throw error;
    return command.run(given, terminal);
  }
}

function find(name: string): CliCommand {
  const found = all.find((command) => command.name === name);
  if (found) return found;
  const names = all.map((command) => command.name);
  const near = nearest(name.replace(/^[-/]+/, ""), names);
  const hint = near === undefined ? "kafclaw --help lists them." : `Did you mean kafclaw ${near}?`;
  throw new KafclawError("unknown-command", `There is no command ${firstWords(name, 40)}. ${hint}`, "usage");
}

function report(error: unknown, args: readonly string[], terminal: Terminal): number {
  const known = error instanceof KafclawError ? error : undefined;
  const message = known?.message ?? `Something went wrong inside KafClaw: ${String(error)}`;
  if (args.includes("--json")) terminal.out(JSON.stringify({ error: { code: known?.code ?? "internal", message } }));
  terminal.err(message);
  // For whoever mends it; a person at the machine can do nothing about this one.
  if (!known && error instanceof Error) terminal.err(error.stack ?? "");
  return known?.kind === "usage" ? 2 : 1;
}
