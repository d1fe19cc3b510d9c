import { own, say } from "../../text.js";
import { take } from "../arguments.js";
import { refusal } from "../targets.js";
import type { Command } from "../types.js";
import { stack } from "../words.js";

/** `/help`, over the registry that it is part of. */
export function helpFor(commands: () => readonly Command[], nearestTo: (name: string) => string | undefined): Command {
  return {
    name: "help",
    usage: "[command]",
    summary: "lists the commands, or explains one",
    details: "/help · /help approve",
    age: "looks",
    async run(args) {
      // What stands behind it belongs to the command: `/help silent off`.
      const [word] = take(args).words;
      const all = commands();
      if (word === undefined) {
        const rows = all.map((command) => own(`${synopsis(command)}: ${command.summary}`));
        const how = own("Under a notice, 👍 or 👎 decides, and so does quoting it with yes or no.");
        return {
          ok: true,
          message: stack([...rows, how]),
          data: all.map(({ name, usage, summary }) => ({ name, usage, summary })),
        };
      }
      const name = word.replace(/^\//, "").toLowerCase();
      const found = all.find((command) => command.name === name);
      if (found === undefined) {
        const near = nearestTo(name);
        const hint = near === undefined ? own("/help lists them.") : own(`Did you mean /help ${near}?`);
        return refusal("unknown-command", say`There is no command ${name}. ${hint}`, "usage");
      }
      return {
        ok: true,
        message: stack([own(synopsis(found)), own(found.summary), own(found.details)]),
        data: { name: found.name, usage: found.usage, summary: found.summary, details: found.details },
      };
    },
  };
}

/** `/deny <ref…> [--block]`. */
export function synopsis({ name, usage }: Pick<Command, "name" | "usage">): string {
  return `/${name} ${usage}`.trim();
}
