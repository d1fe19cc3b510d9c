import { randomBytes } from "node:crypto";
import { changeOwner } from "../admin/index.js";
import { KafclawError } from "../errors.js";
import type { CliCommand } from "./command.js";
import { actorAt, onFiles, openPlace, runningGateway } from "./home.js";

/** At the machine alone: whoever has the owner's phone can't do it, and whoever lost it can. */
export const owner: CliCommand = {
  name: "owner",
  usage: "lock | set <number|self>",
  summary: "for the lost phone and the new number: stops the owner's commands, or names the owner",
  details: "kafclaw owner lock · kafclaw owner set +15550001000 · kafclaw owner set self (the linked number is yours)",
  flags: {},
  takesWords: true,
  async run({ args, json }, terminal) {
    const [what, ...number] = args;
    const isLock = what === "lock" && number.length === 0;
    if (!isLock && !(what === "set" && number.length > 0)) {
      throw new KafclawError(
        "wrong-usage",
        "It is kafclaw owner lock, or kafclaw owner set <number> (or self).",
        "usage",
      );
    }
    const input = isLock ? { lock: true } : { owner: number.join(" ") };
    const gateway = await runningGateway(terminal);
    const sentence = gateway
      ? await gateway.changeOwner(input)
      : await onFiles(await openPlace(terminal), terminal, ({ access, admin, gateway }) =>
          changeOwner(input, { access, admin, gateway, random: randomBytes }, actorAt(terminal)),
        );
    terminal.out(json ? JSON.stringify({ ok: true, text: sentence }) : sentence);
    return 0;
  },
};
