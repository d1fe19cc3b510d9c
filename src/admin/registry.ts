/** All commands of the owner, once: chat, command line, `/help` and the README's table are made from this list. */
import { nearest } from "../text.js";
import { answer } from "./commands/answer.js";
import { approve } from "./commands/approve.js";
import { dashboard } from "./commands/dashboard.js";
import { deny } from "./commands/deny.js";
import { forget } from "./commands/forget.js";
import { helpFor, synopsis } from "./commands/help.js";
import { invite } from "./commands/invite.js";
import { missed } from "./commands/missed.js";
import { pause, resume } from "./commands/pause.js";
import { list, pending } from "./commands/pending.js";
import { remove } from "./commands/remove.js";
import { silent } from "./commands/silent.js";
import { status } from "./commands/status.js";
import { token } from "./commands/token.js";
import { undo } from "./commands/undo.js";
import { whois } from "./commands/whois.js";
import type { Command } from "./types.js";

/** Every command, in the order in which `/help` shows them. */
export const commands: readonly Command[] = [
  helpFor(() => commands, nearestCommand),
  status,
  pending,
  list,
  whois,
  approve,
  deny,
  remove,
  undo,
  silent,
  invite,
  token,
  missed,
  dashboard,
  answer,
  forget,
  pause,
  resume,
];

/** The command of that exact name, any case. */
export function findCommand(name: string): Command | undefined {
  return commands.find((command) => command.name === name.toLowerCase());
}

/** The name that a mistyped one most likely meant. */
export function nearestCommand(name: string): string | undefined {
  return nearest(
    name,
    commands.map((command) => command.name),
  );
}

/** The table of commands in README, as Markdown. */
export function commandTable(): string {
  const rows = commands.map((command) => `| \`${synopsis(command).replaceAll("|", "\\|")}\` | ${command.summary} |`);
  return ["| command | does |", "| --- | --- |", ...rows, ""].join("\n");
}
