import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type Answer, answerOfSetup, type SetupInput, setUp } from "../admin/index.js";
import { KafclawError } from "../errors.js";
import { present } from "../present.js";
import { runCommand, show } from "./admin.js";
import type { Client } from "./client.js";
import { type CliCommand, type Given, listFlag, type Terminal, textFlag } from "./command.js";
import { actorAt, findGateway, onFiles, openPlace, type Place, runningGateway } from "./home.js";
import { applyModel, askForModel, checkModel, modelFromFlags } from "./model-setup.js";

const POLL_MS = 500;

export const whatsappSetup: CliCommand = {
  name: "whatsapp-setup",
  usage: "",
  summary: "sets the owner, the pairing token, the allowlist, the denylist and the model",
  details: [
    "At a terminal and without options it asks. With options it asks nothing, and what is not given stays as it is:",
    "  kafclaw whatsapp-setup --enable --owner +15550001000 --generate-token",
    "  kafclaw whatsapp-setup --owner self --token OUR-SECRET-WORD --allow +15550002000 --deny +15550003000",
    "  kafclaw whatsapp-setup --model llama3.2 --base-url http://127.0.0.1:11434/v1",
    "Without an owner nobody can command the bot, and without a token nobody can enter the pending queue, unless pairing.open is set.",
  ].join("\n"),
  flags: {
    enable: { type: "boolean", help: "apply without questions, for scripts" },
    owner: { type: "string", value: "+NUMBER|self", help: "whose bot it is; self: the linked number is your own" },
    token: { type: "string", value: "TOKEN", help: "the pairing token, 8 characters or more" },
    "generate-token": { type: "boolean", help: "make a pairing token and print it" },
    allow: { type: "list", value: "WHO", help: "approve a number or JID" },
    deny: { type: "list", value: "WHO", help: "deny a number or JID" },
    model: { type: "string", value: "NAME", help: "the model that answers buddies" },
    "base-url": { type: "string", value: "URL", help: "the OpenAI-compatible endpoint that has it" },
    "api-key": { type: "string", value: "KEY", help: "the endpoint's key; OPENAI_API_KEY keeps it out of sight" },
  },
  async run(given, terminal) {
    const input = fromFlags(given);
    const chosen = modelFromFlags(given);
    const isGiven = [input, chosen].some((options) => Object.keys(options).length > 0);
    const isAsking = !isGiven && given.flags.enable !== true;
    if (isAsking && (!terminal.interactive || given.json)) {
      throw new KafclawError(
        "wrong-usage",
        "Nobody is there to be asked; say it with options: --owner, --token or --generate-token, --allow, --deny (kafclaw whatsapp-setup --help).",
        "usage",
      );
    }
    const place = await openPlace(terminal);
    const gateway = await findGateway(place.home, terminal);
    const { config } = place.loaded;
    const wanted = isAsking ? await askHere(terminal) : input;
    const isOpen = wanted !== undefined && isAsking && config.responder.model === undefined;
    const model = isOpen ? await askForModel(terminal, wanted.owner === "self") : chosen;
    if (wanted === undefined || model === undefined) {
      terminal.err("Nothing was changed.");
      return 1;
    }
    // Mistakes in either are told before anything is changed.
    await checkModel(model, place.home, terminal);
    const answer = gateway ? await gateway.setup(wanted) : await applyToFiles(wanted, place, terminal);
    // First of all: a new token is shown once, and the old one is void whatever becomes of the model.
    const code = show(answer, given.json, terminal);
    if (!answer.ok) return code;
    await applyModel(model, { home: place.home, config, gatewayRuns: gateway !== undefined }, terminal);
    if (wanted.confirm && hasCode(answer.data)) return confirmed(gateway !== undefined, terminal);
    if (!given.json) terminal.err(gateway ? "It holds from now on." : "Next: kafclaw gateway");
    return code;
  },
};

async function askHere(terminal: Terminal): Promise<SetupInput | undefined> {
  const { askForSetup } = await import("./setup-questions.js");
  const token = await runCommand("token", [], terminal);
  return askForSetup(token.ok && token.data !== null);
}

function fromFlags(given: Given): SetupInput {
  const owner = textFlag(given, "owner");
  const token = textFlag(given, "token");
  const allow = listFlag(given, "allow");
  const deny = listFlag(given, "deny");
  return {
    ...present({ owner, token }),
    ...(given.flags["generate-token"] === true ? { generateToken: true } : {}),
    ...(allow.length === 0 ? {} : { allow }),
    ...(deny.length === 0 ? {} : { deny }),
  };
}

function applyToFiles(input: SetupInput, place: Place, terminal: Terminal): Promise<Answer> {
  return onFiles(place, terminal, async ({ access, admin, gateway }) => {
    const parts = { access, admin, gateway, random: randomBytes };
    return answerOfSetup(await setUp(input, parts, actorAt(terminal)));
  });
}

/** The set-up ends when the owner has sent the code from their number; until then no notice goes there. */
async function confirmed(gatewayRuns: boolean, terminal: Terminal): Promise<number> {
  if (gatewayRuns) return waitForCode(terminal);
  terminal.err("Next: start the gateway (kafclaw gateway), link WhatsApp, and send that code from the owner's number.");
  return 0;
}

/** Waits for the code, over a restart of the gateway too: a model that was just chosen wants one. @returns the exit code */
export async function waitForCode(terminal: Terminal): Promise<number> {
  const { stop } = terminal;
  let isAway = false;
  terminal.err("Waiting for the code; Ctrl-C stops waiting, and the code stays good …");
  while (!stop.aborted) {
    const status = await statusNow(terminal);
    if (status?.owner?.confirmed) {
      terminal.out("Confirmed: that chat is the admin chat now. Send /help there.");
      return 0;
    }
    if (status === undefined && !isAway) terminal.err("The gateway was stopped; start it again: kafclaw gateway");
    isAway = status === undefined;
    await pause(POLL_MS, undefined, { signal: stop }).catch(() => {});
  }
  return 1;
}

/** What the gateway tells that runs now; undefined where none does. */
async function statusNow(terminal: Terminal): Promise<Awaited<ReturnType<Client["status"]>> | undefined> {
  const gateway = await runningGateway(terminal);
  return gateway?.status().catch((error: unknown) => {
    if (error instanceof KafclawError && error.code === "gateway-stopped") return undefined;
    throw error;
  });
}

function hasCode(data: unknown): boolean {
  if (!(data instanceof Object) || !("owner" in data) || !(data.owner instanceof Object)) return false;
  return "code" in data.owner;
}
