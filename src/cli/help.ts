/** Help texts, made from the commands themselves. */
import { type CliCommand, COMMON_FLAGS, type Flag } from "./command.js";

/** What `kafclaw --help` prints. */
export function overview(house: readonly CliCommand[], owners: readonly CliCommand[], version: string): string {
  const width = Math.max(...[...house, ...owners].map(({ name }) => name.length));
  const rows = (commands: readonly CliCommand[]) =>
    commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    `KafClaw ${version}: a bot on WhatsApp that talks to nobody whom you haven't approved.`,
    "",
    "Usage: kafclaw <command> [options]",
    "",
    "Set up and run:",
    ...rows(house),
    "",
    "As in the admin chat (live while a gateway runs, else on its files):",
    ...rows(owners),
    "",
    "kafclaw <command> --help explains one; --json prints JSON; --version prints the version.",
    "Everything lives in ~/.kafclaw; KAFCLAW_HOME names another place.",
  ].join("\n");
}

/** What `kafclaw <command> --help` prints. */
export function commandHelp({ name, usage, summary, details, flags }: CliCommand): string {
  const behind = [usage, Object.keys(flags).length > 0 ? "[options]" : ""].filter((part) => part !== "");
  return [
    `Usage: ${["kafclaw", name, ...behind].join(" ")}`,
    "",
    summary,
    ...(details === undefined ? [] : ["", details.replace(/(^|[\s(·])\/([a-z]+)\b/gm, "$1kafclaw $2")]),
    "",
    ...optionLines({ ...flags, ...COMMON_FLAGS }),
  ].join("\n");
}

/** The same for programs (`--json`). */
export function commandData({ name, usage, summary, details, flags }: CliCommand): object {
  const options = Object.entries({ ...flags, ...COMMON_FLAGS }).map(([flag, { type, value, help }]) => {
    return {
      name: `--${flag}`,
      help,
      takes: type === "boolean" ? null : (value ?? "VALUE"),
      repeatable: type === "list",
    };
  });
  return { name, usage, summary, details: details ?? null, options };
}

function optionLines(flags: Readonly<Record<string, Flag>>): string[] {
  const rows = Object.entries(flags).map(([name, { type, value = "VALUE", help }]) => ({
    left: `--${name}${type === "boolean" ? "" : ` ${value}`}`,
    right: type === "list" ? `${help}; repeatable` : help,
  }));
  const width = Math.max(...rows.map(({ left }) => left.length));
  return rows.map(({ left, right }) => `  ${left.padEnd(width)}  ${right}`);
}
