import { stat } from "node:fs/promises";
import { type Config, homeFrom, type LoadedConfig, loadConfig } from "../config.js";
import { KafclawError } from "../errors.js";
import { systemCode } from "../files.js";
import { type Home, homePaths, isOurs, unusable } from "../home.js";
import type { LinkState } from "../whatsapp/types.js";
import type { Client } from "./client.js";
import type { CliCommand, Terminal } from "./command.js";
import { findGateway, onFiles } from "./home.js";

/** What was found out about one thing. */
interface Finding {
  readonly name: "home" | "settings" | "soul" | "data" | "owner" | "link" | "model";
  /** `note`: it works, but not all that it could. */
  readonly state: "good" | "note" | "bad";
  /** One sentence, with the next step where it is not good. */
  readonly sentence: string;
}

const MARKS: Readonly<Record<Finding["state"], string>> = { good: "✓", note: "!", bad: "✗" };
const WIDTH = "settings".length;

export const doctor: CliCommand = {
  name: "doctor",
  usage: "",
  summary: "looks whether all is well: home, settings, soul, data files, owner, link, model",
  details:
    "Says of each thing how it is, and what to do where something is wrong; tries the model with one small question.\nChanges nothing but what each start makes or mends. The exit code is 1 where something is wrong.",
  flags: {},
  async run({ json }, terminal) {
    const findings: Finding[] = [];
    for await (const finding of examine(terminal)) {
      findings.push(finding);
      if (!json) terminal.out(`${MARKS[finding.state]} ${finding.name.padEnd(WIDTH)}  ${finding.sentence}`);
    }
    const ok = findings.every(({ state }) => state !== "bad");
    if (json) terminal.out(JSON.stringify({ ok, findings }));
    return ok ? 0 : 1;
  },
};

/** One thing after the other; what can't be looked at for want of another is left out. */
async function* examine(terminal: Terminal): AsyncGenerator<Finding> {
  const home = homePaths(homeFrom(terminal.env));
  const place = await looked("home", () => lookAtHome(home));
  yield place;
  if (place.state === "bad") return;
  let loaded: LoadedConfig | undefined;
  yield await looked("settings", async () => {
    loaded = await loadConfig(home, terminal.env);
    return good("settings", settingsSentence(home, loaded));
  });
  yield await looked("soul", () => lookAtSoul(home));
  if (loaded === undefined) {
    // A gateway that was started before the mistake was made runs on, and tells.
    const gateway = await findGateway(home, terminal).catch(() => undefined);
    if (gateway) {
      const found = await throughGateway(gateway).catch(() => undefined);
      yield* found?.findings ?? [];
    }
    return;
  }
  yield* lookAtData(home, loaded, terminal);
  yield await looked("model", () => lookAtModel(loaded?.config.responder, terminal));
}

async function lookAtHome(home: Home): Promise<Finding> {
  const { root } = home;
  const found = await stat(root).catch((error: unknown) => {
    if (systemCode(error) !== "ENOENT") throw unusable(root, error);
    return undefined;
  });
  if (found === undefined) return bad("home", `There is no ${root}: kafclaw onboard makes it.`);
  if (!found.isDirectory()) {
    return bad("home", `${root} is a file, and KafClaw needs a directory there: set KAFCLAW_HOME to another place.`);
  }
  if ((found.mode & 0o077) === 0 || !(await isOurs(home))) return good("home", root);
  return {
    name: "home",
    state: "note",
    sentence: `${root} can be read by others on this machine: chmod 700 "${root}".`,
  };
}

function settingsSentence({ config }: Home, { origins }: LoadedConfig): string {
  const from = [...origins.values()];
  const inFile = from.filter((origin) => origin === "file").length;
  const inEnvironment = from.filter((origin) => origin === "environment").length;
  return `${config}: ${inFile} set there, ${inEnvironment} by the environment, the rest as usual.`;
}

async function lookAtSoul({ soul: path }: Home): Promise<Finding> {
  const { Soul } = await import("../responder/index.js");
  const soul = new Soul(path, () => {});
  const text = await soul.read();
  return soul.problem === undefined
    ? good("soul", `${path}: ${text.length} characters.`)
    : bad("soul", `${soul.problem} Until then a plain one counts.`);
}

/** The data files, and what only they or the gateway that holds them know. */
async function* lookAtData(home: Home, loaded: LoadedConfig, terminal: Terminal): AsyncGenerator<Finding> {
  let more: readonly Finding[] = [];
  yield await looked("data", async () => {
    const gateway = await findGateway(home, terminal);
    if (gateway) {
      const { trouble, findings } = await throughGateway(gateway);
      more = findings;
      return trouble === null ? good("data", `${home.data}: in use by the gateway that runs.`) : bad("data", trouble);
    }
    more = await onFiles({ home, loaded }, terminal, async ({ access, gateway: idle }) => [
      ownerFinding(access.owner()),
      linkFinding(idle.link()),
    ]);
    return good("data", `${home.data}: every file is sound. No gateway is running: kafclaw gateway starts one.`);
  });
  yield* more;
}

/** What a gateway tells: why it can't write, where it can't, and the rest. */
async function throughGateway(
  gateway: Client,
): Promise<{ readonly trouble: string | null; readonly findings: readonly Finding[] }> {
  const { link, sentence, remedy, trouble, owner } = await gateway.status();
  return { trouble, findings: [ownerFinding(owner ?? undefined), linkFinding({ code: link, sentence, remedy })] };
}

function ownerFinding(
  owner: { readonly confirmed: boolean; readonly locked?: string | null | undefined } | undefined,
): Finding {
  if (owner === undefined)
    return bad("owner", "Nobody can command the bot yet: kafclaw whatsapp-setup names the owner.");
  if (owner.locked)
    return bad("owner", `Not obeyed: ${owner.locked}. kafclaw owner set <number> names the owner anew.`);
  if (owner.confirmed) return good("owner", "Named and confirmed.");
  return {
    name: "owner",
    state: "note",
    sentence: "Named, but has not sent the code of the set-up yet: kafclaw whatsapp-setup shows one.",
  };
}

function linkFinding({ code, sentence, remedy }: Pick<LinkState, "code" | "sentence" | "remedy">): Finding {
  // Without a gateway a good link is not connected.
  const state = code === "open" ? "good" : code === "connecting" ? "note" : "bad";
  return { name: "link", state, sentence: code === "open" ? "Open." : `${sentence} ${remedy}`.trim() };
}

async function lookAtModel(settings: Config["responder"] | undefined, terminal: Terminal): Promise<Finding> {
  const { findOllama, tryModel } = await import("../responder/index.js");
  const trial = settings && (await tryModel(settings, Date.now, terminal.stop));
  if (trial) return { name: "model", state: trial.ok ? "good" : "bad", sentence: trial.sentence };
  const ollama = await findOllama(terminal.env.OLLAMA_HOST);
  const hint = ollama
    ? `An Ollama answers at ${ollama.baseUrl}: kafclaw whatsapp-setup offers its models.`
    : "Set responder.model to have buddies answered.";
  return { name: "model", state: "note", sentence: `None is set, so the bot relays or stays quiet. ${hint}` };
}

/** What goes wrong while looking is what was found. */
async function looked(name: Finding["name"], look: () => Promise<Finding>): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof KafclawError)) throw error;
    return bad(name, error.message);
  }
}

function good(name: Finding["name"], sentence: string): Finding {
  return { name, state: "good", sentence };
}

function bad(name: Finding["name"], sentence: string): Finding {
  return { name, state: "bad", sentence };
}
