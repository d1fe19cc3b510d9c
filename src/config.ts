/**
 * The static settings: `config.json` in the home, and over it the environment, each setting under its own name
 * (`dashboard.port` is `KAFCLAW_DASHBOARD_PORT`). Read once at start; what changes while the gateway runs lives in the store.
 */
import { readFile } from "node:fs/promises";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { withChanges } from "./config/change.js";
import { firstMistake } from "./config/json.js";
import { fromText, Setting, settings, urlOf } from "./config/settings.js";
import { KafclawError } from "./errors.js";
import { systemCode, writePrivate } from "./files.js";
import type { Home } from "./home.js";
import { firstWords, nearest } from "./text.js";

export type { QuietHours } from "./config/settings.js";

type ValuesOf<Tree> = {
  readonly [Key in keyof Tree]: Tree[Key] extends Setting<infer Value> ? Value : ValuesOf<Tree[Key]>;
};

/** The settings with their values, nested as in `config.json`. */
export type Config = ValuesOf<typeof settings>;

/** Where a value comes from. */
export type Origin = "file" | "environment" | "default";

/** The settings, and for each key (`dashboard.port`) where its value comes from. */
export interface LoadedConfig {
  readonly config: Config;
  readonly origins: ReadonlyMap<string, Origin>;
}

/** The environment, as `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the home is: `KAFCLAW_HOME`, else `~/.kafclaw`. */
export function homeFrom(env: Environment): string {
  const named = env.KAFCLAW_HOME?.trim();
  if (!named) return join(userHome(), ".kafclaw");
  // A `~` that no shell has expanded: service files and .env files don't.
  return named === "~" || named.startsWith("~/") ? join(userHome(), named.slice(1)) : named;
}

/** An empty HOME, as service files leave it, is none: else the home would be wherever the program was started. */
function userHome(): string {
  return homedir() || userInfo().homedir;
}

/**
 * Reads the settings; without `config.json` all are defaults.
 * @throws KafclawError `bad-config` (kind `usage`), with every mistake in one message
 */
export async function loadConfig(home: Pick<Home, "config">, env: Environment): Promise<LoadedConfig> {
  return parseConfig(await readText(home.config), env, home.config);
}

/**
 * The settings in the text of a `config.json` (undefined: there is none) and an environment.
 * @param file the name to show in messages
 * @throws KafclawError `bad-config` (kind `usage`), with every mistake in one message
 */
export function parseConfig(text: string | undefined, env: Environment, file = "config.json"): LoadedConfig {
  const mistakes: string[] = [];
  const inFile = new Map<string, Given>();
  if (text !== undefined) fromFile(text, file, inFile, mistakes);
  const inEnvironment = new Map<string, Given>();
  fromEnvironment(env, inEnvironment, mistakes);
  openAiKey(env, inFile, inEnvironment);
  const given = new Map([...inFile, ...inEnvironment]);
  const origins = new Map<string, Origin>();
  const values = new Map<string, unknown>();
  for (const [key, setting] of leaves) {
    values.set(key, setting.default);
    // The environment wins, but a mistake in the file is told all the same.
    for (const found of [inFile.get(key), inEnvironment.get(key)]) {
      if (!found) continue;
      const result = setting.schema.safeParse(found.value);
      if (result.success) values.set(key, result.data);
      else mistakes.push(`${key}${place(found)}: ${gotAndTakes(setting, found.value)}`);
    }
    origins.set(key, given.get(key)?.origin ?? "default");
  }
  mistakes.push(...contradictions(values, given));
  if (mistakes.length > 0) throw badConfig(mistakes, file);
  // Every leaf was checked by its schema just above, or is its default.
  return { config: nest(settings, "", values) as Config, origins };
}

/**
 * What is wrong with a value for a setting, for whoever gave it by another name: `got "Mars", takes an IANA time zone
 * like "Europe/Berlin"`. Undefined where it is right, by itself.
 */
export function mistakeIn(key: string, value: unknown): string | undefined {
  const setting = leaves.get(key);
  return setting === undefined || setting.schema.safeParse(value).success ? undefined : gotAndTakes(setting, value);
}

/**
 * Changes settings in `config.json`; they hold from the next start. Everything is checked before anything is written.
 * @param changes by key, `responder.model`
 * @returns the settings as they are now
 * @throws KafclawError `bad-config` (kind `usage`)
 */
export async function changeConfig(
  home: Pick<Home, "config">,
  env: Environment,
  changes: Readonly<Record<string, unknown>>,
): Promise<LoadedConfig> {
  const { text, loaded } = await changed(home, env, changes);
  await writePrivate(home.config, text);
  return loaded;
}

/**
 * Checks what {@link changeConfig} would be given, and changes nothing.
 * @throws KafclawError `bad-config` (kind `usage`)
 */
export async function checkChanges(...change: Parameters<typeof changeConfig>): Promise<void> {
  await changed(...change);
}

async function changed(
  ...[home, env, changes]: Parameters<typeof changeConfig>
): Promise<{ readonly text: string; readonly loaded: LoadedConfig }> {
  const before = await readText(home.config);
  parseConfig(before, env, home.config);
  const text = withChanges(before, changes);
  return { text, loaded: parseConfig(text, env, home.config) };
}

/** One row for each setting: for README and the dashboard. */
export function configTable(): readonly {
  readonly key: string;
  readonly env: string;
  readonly default: string;
  readonly takes: string;
  readonly what: string;
  /** Its value is shown to nobody. */
  readonly secret: boolean;
}[] {
  return [...leaves].map(([key, { about }]) => ({
    key,
    env: variableOf(key),
    default: about.defaultText ?? (about.default === undefined ? "none" : JSON.stringify(about.default)),
    takes: about.takes,
    what: about.what,
    secret: about.secret === true,
  }));
}

/** No honest file of settings is larger, in characters. */
const LARGEST = 1_000_000;

/** A value as it was given, before it is checked. */
interface Given {
  readonly value: unknown;
  readonly origin: "file" | "environment";
  /** The variable of the environment. */
  readonly variable?: string;
}

type AnySetting = Setting<unknown>;

const leaves: ReadonlyMap<string, AnySetting> = new Map(leavesOf(settings, ""));

function* leavesOf(tree: object, prefix: string): Generator<[string, AnySetting]> {
  for (const [name, node] of Object.entries(tree)) {
    if (node instanceof Setting) yield [prefix + name, node];
    else yield* leavesOf(node, `${prefix}${name}.`);
  }
}

function nest(tree: object, prefix: string, values: ReadonlyMap<string, unknown>): object {
  return Object.fromEntries(
    Object.entries(tree).map(([name, node]) => [
      name,
      node instanceof Setting ? values.get(prefix + name) : nest(node, `${prefix}${name}.`, values),
    ]),
  );
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(file));
  } catch (error) {
    if (error instanceof TypeError)
      throw new KafclawError("bad-config", `${file} is no UTF-8 text; save it as UTF-8 and start again.`, "usage");
    const code = systemCode(error) ?? String(error);
    // A home that is a file is told by whoever opens it.
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const why = code === "EACCES" ? "this user may not read it" : code === "EISDIR" ? "it is a directory" : code;
    throw new KafclawError(
      "bad-config",
      `${file} can't be read (${why}); make it a file that KafClaw's user may read.`,
      "usage",
    );
  }
}

function fromFile(text: string, file: string, given: Map<string, Given>, mistakes: string[]): void {
  // Editors on Windows put a byte-order mark first.
  const json = text.replace(/^\uFEFF/, "");
  if (json.length > LARGEST) {
    mistakes.push(`${file}: got ${json.length} characters, takes at most ${LARGEST}`);
    return;
  }
  let root: unknown;
  try {
    root = JSON.parse(json);
  } catch {
    const { line, column } = firstMistake(json);
    mistakes.push(
      `${file} is not JSON from line ${line}, column ${column} on (a comma too many or too few, a missing quote, a comment?)`,
    );
    return;
  }
  if (!isObject(root)) {
    mistakes.push(`${file}: got ${brief(root)}, takes an object with settings: { … }`);
    return;
  }
  collect(root, settings, "", given, mistakes);
}

function collect(node: object, tree: object, prefix: string, given: Map<string, Given>, mistakes: string[]): void {
  const known = new Map<string, unknown>(Object.entries(tree));
  for (const [name, value] of Object.entries(node)) {
    const key = prefix + name;
    const part = known.get(name);
    if (part instanceof Setting) given.set(key, { value, origin: "file" });
    else if (typeof part !== "object" || part === null)
      mistakes.push(
        `${firstWords(key) || '""'} (config.json): no such setting${didYouMean(
          key,
          [...known.keys()].map((other) => prefix + other),
        )}`,
      );
    else if (isObject(value)) collect(value, part, `${key}.`, given, mistakes);
    else
      mistakes.push(`${key} (config.json): got ${brief(value)}, takes an object with ${Object.keys(part).join(", ")}`);
  }
}

function fromEnvironment(env: Environment, given: Map<string, Given>, mistakes: string[]): void {
  const keyOf = new Map([...leaves.keys()].map((key) => [variableOf(key), key]));
  for (const [name, text] of Object.entries(env)) {
    if (text === undefined || !name.startsWith("KAFCLAW_") || name === "KAFCLAW_HOME") continue;
    const key = keyOf.get(name);
    const setting = key === undefined ? undefined : leaves.get(key);
    if (key !== undefined && setting) {
      // "KAFCLAW_DASHBOARD_PORT=" is how compose files leave a variable out.
      if (text.trim() === "" && setting.about.empty !== true) continue;
      given.set(key, { value: fromText(setting.about.kind, text), origin: "environment", variable: name });
      continue;
    }
    // Other programs may have variables of this kind; only what looks like a slip is one.
    const meant = nearest(name, [...keyOf.keys(), "KAFCLAW_HOME"]);
    if (meant !== undefined) mistakes.push(`${name} (environment): no such setting; did you mean ${meant}?`);
  }
}

/** OpenAI's own variable for the key counts where ours is not given: many machines have it already. */
function openAiKey(env: Environment, inFile: ReadonlyMap<string, Given>, inEnvironment: Map<string, Given>): void {
  const key = "responder.apiKey";
  const variable = "OPENAI_API_KEY";
  const value = env[variable]?.trim();
  if (value && !inFile.has(key) && !inEnvironment.has(key))
    inEnvironment.set(key, { value, origin: "environment", variable });
}

/** What each setting allows, and both together don't. */
function contradictions(values: ReadonlyMap<string, unknown>, given: ReadonlyMap<string, Given>): string[] {
  const found: string[] = [];
  const text = (key: string): string | undefined => {
    const value = values.get(key);
    return typeof value === "string" ? value : undefined;
  };
  const named = (key: string): string => key + place(given.get(key));
  const url = text("whatsapp.url");
  if (text("whatsapp.rootKey") !== undefined && !(url !== undefined && isLoopback(urlOf(url)?.hostname ?? ""))) {
    const got = url === undefined ? "none" : JSON.stringify(url);
    found.push(
      `${named("whatsapp.rootKey")}: takes a whatsapp.url on this machine (127.0.0.1, ::1 or localhost) beside it, got ${got}; another root key anywhere else would trust a stranger as WhatsApp`,
    );
  }
  const isAnywhere = text("responder.baseUrl") !== undefined || text("responder.apiKey") !== undefined;
  if (text("responder.model") !== undefined && !isAnywhere) {
    found.push(
      `${named("responder.model")}: takes a responder.baseUrl beside it that says where the model is, or a responder.apiKey for OpenAI's`,
    );
  }
  const host = text("dashboard.host");
  if (host !== undefined && !isLoopback(host) && text("dashboard.accessToken") === undefined) {
    found.push(
      `${named("dashboard.host")}: got ${JSON.stringify(host)}, takes 127.0.0.1, ::1 or localhost unless dashboard.accessToken is set`,
    );
  }
  const [limit, quota] = [values.get("responder.mediaLimit"), values.get("responder.mediaQuota")];
  if (typeof limit === "number" && typeof quota === "number" && quota < limit) {
    found.push(
      `${named("responder.mediaQuota")}: got ${quota}, takes at least the ${limit} of ${named("responder.mediaLimit")}; a file of that size would have no room`,
    );
  }
  return found;
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i.test(host);
}

function badConfig(mistakes: readonly string[], file: string): KafclawError {
  const [only] = mistakes;
  const message =
    mistakes.length === 1
      ? `A setting is wrong, change it and start again: ${only?.replace(/[^?]$/, "$&.")}`
      : `${mistakes.length} settings are wrong, change them (${file}, or the environment) and start again:\n${mistakes.map((mistake) => `  - ${mistake}`).join("\n")}`;
  return new KafclawError("bad-config", message, "usage");
}

function variableOf(key: string): string {
  return `KAFCLAW_${key
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .replaceAll(".", "_")
    .toUpperCase()}`;
}

/** Where a setting was given, as whoever mends it finds it. */
function place(given: Given | undefined): string {
  if (given === undefined) return "";
  return given.variable === undefined ? " (config.json)" : ` (${given.variable} in the environment)`;
}

function didYouMean(key: string, siblings: readonly string[]): string {
  // With its points, as everywhere but in the file.
  const nested = key.split(".").reduceRight((inside, name) => `{"${name}": ${inside}}`, "…");
  if (leaves.has(key)) return `; write it nested, as ${nested}`;
  const all = [...leaves.keys()];
  // A slip in the word, or the right word in the wrong place (`port` alone).
  const meant =
    nearest(key, siblings) ??
    nearest(key, all) ??
    all.find((known) => known.split(".").at(-1) === key.split(".").at(-1));
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}

function gotAndTakes({ about }: AnySetting, value: unknown): string {
  const got = about.secret && typeof value === "string" ? `a text of ${value.length} characters` : brief(value);
  return `got ${got}, takes ${about.takes}`;
}

/** A value in a few words, whatever it is. */
function brief(value: unknown): string {
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "an object";
  return firstWords(JSON.stringify(value) ?? "nothing", 60);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
