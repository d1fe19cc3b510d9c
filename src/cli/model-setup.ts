/** The model in the set-up: what is offered, what is chosen, and whether it answers. */
import { type Config, changeConfig, checkChanges, configTable, mistakeIn } from "../config.js";
import type { Home } from "../home.js";
import { present } from "../present.js";
import type { Ollama } from "../responder/index.js";
import { type Given, settingFlag, type Terminal } from "./command.js";

/** What `config.json` is to say of the model; what is absent stays as it is. */
export interface ModelChoice {
  readonly model?: string;
  readonly baseUrl?: string;
  readonly apiKey?: string;
}

const OPENAI_URL = "https://api.openai.com/v1";

/** The choice that the options make; empty where they make none. @throws KafclawError `wrong-usage` */
export function modelFromFlags(given: Given): ModelChoice {
  const model = settingFlag(given, "model", "responder.model");
  const baseUrl = settingFlag(given, "base-url", "responder.baseUrl");
  const apiKey = settingFlag(given, "api-key", "responder.apiKey");
  return present({ model, baseUrl, apiKey });
}

/**
 * Asks what is to answer buddies, with the models of an Ollama that answers here first.
 * @param isSelf the bot uses the owner's own number
 * @returns undefined where it was cancelled
 */
export async function askForModel({ env }: Terminal, isSelf: boolean): Promise<ModelChoice | undefined> {
  // Only here: most commands ask nothing.
  const { isCancel, select } = await import("@clack/prompts");
  const { findOllama } = await import("../responder/index.js");
  const choice = await select<ModelChoice | "other">({
    message: "What answers your buddies?",
    options: [
      ...offers(await findOllama(env.OLLAMA_HOST)),
      { value: "other", label: "Another OpenAI-compatible endpoint" },
      { value: {}, ...withoutModel(isSelf) },
    ],
  });
  if (isCancel(choice)) return undefined;
  return choice === "other" ? askForEndpoint() : choice;
}

/** What it means to have no model. */
export function withoutModel(isSelf: boolean): { label: string; hint: string } {
  return isSelf
    ? { label: "Nobody", hint: "no model: the bot stays quiet, as you have their chats on your own phone" }
    : { label: "I do", hint: "no model: the bot relays what they write to you, and your quoted replies back" };
}

/** What an Ollama has, as answers to choose from. */
export function offers(ollama: Ollama | undefined): { value: ModelChoice; label: string; hint: string }[] {
  if (ollama === undefined) return [];
  const { baseUrl, models } = ollama;
  return models.map((model) => ({
    value: { model, baseUrl },
    label: model,
    hint: `Ollama on this machine, ${baseUrl}`,
  }));
}

async function askForEndpoint(): Promise<ModelChoice | undefined> {
  const { isCancel, password, text } = await import("@clack/prompts");
  const baseUrl = await text({
    message: "Its base URL",
    initialValue: OPENAI_URL,
    validate: (typed) => endpointProblem("baseUrl", typed),
  });
  if (isCancel(baseUrl)) return undefined;
  const model = await text({ message: "The model's name there", validate: (typed) => endpointProblem("model", typed) });
  if (isCancel(model)) return undefined;
  const apiKey = await password({
    message: "Its key (empty for none, or where OPENAI_API_KEY has it)",
    validate: (typed) => endpointProblem("apiKey", typed),
  });
  if (isCancel(apiKey)) return undefined;
  return { baseUrl, model, ...(apiKey ? { apiKey } : {}) };
}

/** What would be refused is told at the question, not when all the others have been answered. */
export function endpointProblem(key: keyof ModelChoice, typed = ""): string | undefined {
  if (typed.trim() === "") return key === "apiKey" ? undefined : "It can't do without";
  return mistakeIn(`responder.${key}`, typed.trim());
}

/**
 * Says what is wrong with a choice, before anything is changed.
 * @throws KafclawError `bad-config`
 */
export async function checkModel(choice: ModelChoice, home: Home, { env }: Terminal): Promise<void> {
  if (Object.keys(choice).length > 0) await checkChanges(home, env, changesOf(choice));
}

function changesOf(choice: ModelChoice): Record<string, string> {
  return Object.fromEntries(Object.entries(choice).map(([key, value]) => [`responder.${key}`, value.trim()]));
}

/**
 * Writes the choice into `config.json`, and tries the model that is set now.
 * @throws KafclawError `bad-config`
 */
export async function applyModel(
  choice: ModelChoice,
  { home, config, gatewayRuns }: { home: Home; config: Config; gatewayRuns: boolean },
  terminal: Terminal,
): Promise<void> {
  let { responder } = config;
  if (Object.keys(choice).length > 0) {
    const changes = changesOf(choice);
    const loaded = await changeConfig(home, terminal.env, changes);
    ({ responder } = loaded.config);
    const isOverruled = (key: string): boolean => key in changes && loaded.origins.get(key) === "environment";
    const stronger = configTable().flatMap(({ key, env }) => (isOverruled(key) ? [env] : []));
    const holds = gatewayRuns ? "; restart the gateway, and it holds" : "";
    const overruled = `, but the environment goes first: take out ${stronger.join(" and ")}`;
    terminal.err(`It is in ${home.config}${stronger.length > 0 ? overruled : holds}.`);
  }
  if (responder.model === undefined) {
    if (Object.keys(choice).length > 0) terminal.err("No model is set yet, so nothing answers with it: --model NAME.");
    return;
  }
  terminal.err(`Trying ${responder.model} …`);
  const { tryModel } = await import("../responder/index.js");
  const trial = await tryModel(responder, Date.now, terminal.stop);
  if (trial) terminal.err(trial.sentence);
}
