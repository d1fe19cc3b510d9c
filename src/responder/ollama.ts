import { z } from "zod";

/** An Ollama that answers on this machine. */
export interface Ollama {
  /** What `responder.baseUrl` takes. */
  readonly baseUrl: string;
  /** Names of models that chat, as `responder.model` takes them. */
  readonly models: readonly string[];
}

/** On this machine it answers at once or not at all. */
const ANSWERS_WITHIN_MS = 1_500;
const PORT = "11434";
const Tags = z.object({ models: z.array(z.object({ name: z.string() })) });

/**
 * Looks for an Ollama at its usual place, 127.0.0.1:11434, or where its own variable says.
 * @param host `OLLAMA_HOST` of the environment: `127.0.0.1:11434`, `http://…`, or `0.0.0.0` for everywhere
 * @returns undefined where none answers
 */
export async function findOllama(host: string | undefined): Promise<Ollama | undefined> {
  const { origin } = placeOf(host);
  try {
    const response = await fetch(`${origin}/api/tags`, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
    const { models } = Tags.parse(await response.json());
    const chatting = models.map(({ name }) => name).filter((name) => !/embed/i.test(name));
    return { baseUrl: `${origin}/v1`, models: chatting };
  } catch {
    return undefined;
  }
}

function placeOf(host = ""): URL {
  const text = host.trim() || "127.0.0.1";
  const full = /^https?:\/\//i.test(text) ? text : `http://${text}`;
  const url = new URL(URL.canParse(full) ? full : "http://127.0.0.1");
  // It listens everywhere, so here too.
  if (["0.0.0.0", "[::]"].includes(url.hostname)) url.hostname = "127.0.0.1";
  // In a URL with a scheme, Ollama takes the scheme's port.
  if (url.port === "" && full !== text) url.port = PORT;
  return url;
}
