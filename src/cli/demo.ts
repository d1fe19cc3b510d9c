import { KafclawError } from "../errors.js";
import { type CliCommand, type Given, type Terminal, textFlag } from "./command.js";

/** What the demo's processes need of the environment to run at all; every setting of KafClaw stays out. */
const PASSED_ON = ["PATH", "LANG", "LC_ALL", "TMPDIR", "NO_COLOR"];

export const demo: CliCommand = {
  name: "demo",
  usage: "",
  summary: "shows everything without a phone: the real gateway, simulated phones",
  details: [
    "Plays the guide in a home of its own in the temporary folder, against a simulated WhatsApp on this machine, then stays up",
    "with phones in the browser to play by hand. Your own home is not touched, and nothing leaves this machine.",
    "What answers is a script, unless a real model is named: kafclaw demo --model llama3.2 --base-url http://127.0.0.1:11434/v1",
  ].join("\n"),
  flags: {
    once: { type: "boolean", help: "play, check each step, and end: exit code 0, or 1 with the step that failed" },
    keep: { type: "boolean", help: "leave the demo's home in the temporary folder at the end" },
    model: { type: "string", value: "NAME", help: "a real model that answers; OPENAI_MODEL names one too" },
    "base-url": {
      type: "string",
      value: "URL",
      help: "the OpenAI-compatible endpoint that has it; also OPENAI_BASE_URL",
    },
  },
  async run(given, terminal) {
    const { env, stop } = terminal;
    const real = realModel(given, terminal);
    // Only here: no other command brings a simulated WhatsApp with it.
    const { runDemo } = await import("../demo/index.js");
    return runDemo({
      once: given.flags.once === true,
      keep: given.flags.keep === true,
      real,
      env: Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
      folder: env.TMPDIR || undefined,
      json: given.json,
      out: terminal.out,
      stop,
    });
  },
};

/** A key alone names no model: many machines have one, and a demo must not spend anybody's money unasked. */
function realModel(given: Given, { env }: Terminal) {
  const model = textFlag(given, "model") ?? (env.OPENAI_MODEL?.trim() || undefined);
  const baseUrl = textFlag(given, "base-url") ?? (env.OPENAI_BASE_URL?.trim() || undefined);
  const apiKey = env.OPENAI_API_KEY?.trim() || undefined;
  if (model === undefined) {
    if (textFlag(given, "base-url") === undefined) return undefined;
    throw new KafclawError("wrong-usage", "--base-url wants the model's name beside it: --model NAME.", "usage");
  }
  if (baseUrl === undefined && apiKey === undefined) {
    throw new KafclawError(
      "wrong-usage",
      "--model wants to know where the model is: --base-url URL, or OPENAI_API_KEY for OpenAI's.",
      "usage",
    );
  }
  return { model, baseUrl, apiKey };
}
