/** What the gateway says of itself through its local API: its link, its lists, its verdicts, what it held back. */
import { z } from "zod";
import { KafclawError } from "../errors.js";
import { type GatewayInfo, type Home, readGateway } from "../home.js";
import { byNumber, type Character } from "./cast.js";

const Status = z.object({
  link: z.string(),
  sentence: z.string(),
  silent: z.boolean(),
  responder: z.object({ name: z.string(), mode: z.string().nullable(), paused: z.boolean() }),
});
const Contact = z.object({ code: z.string(), pn: z.string().nullable(), state: z.string() });
const Incoming = z.object({ at: z.number(), verdict: z.string(), who: z.string(), what: z.string() });
const Outgoing = z.object({ at: z.number(), to: z.string(), state: z.string(), what: z.string() });
const Answers = {
  status: Status,
  contacts: z.object({ contacts: z.array(Contact) }),
  messages: z.object({ messages: z.array(Incoming) }),
  sent: z.object({ sent: z.array(Outgoing) }),
};

export type Status = z.infer<typeof Status>;

/** Something that the gateway decided. */
export type Decision =
  /** About a message that came in: `buddy`, `owner`, `pending`, `entered`, `stranger`, `denied`. */
  | { readonly kind: "verdict"; readonly who: Character; readonly verdict: string }
  /** About one that was to go out. */
  | { readonly kind: "suppressed" | "failed"; readonly who: Character; readonly text: string };

/** One person in the gateway's lists. */
export interface Listed {
  readonly code: string;
  /** `pending`, `approved`, `denied`; anyone else is a stranger. */
  readonly state: string;
}

/** Follows one gateway. Everything is as of the last {@link refresh}. */
export class GatewayView {
  /** undefined: the gateway does not answer. */
  status: Status | undefined;
  readonly decisions: Decision[] = [];
  private listed: ReadonlyMap<string, Listed> = new Map();
  private known = new Map<string, number>();

  private constructor(private readonly info: GatewayInfo) {}

  /** The gateway that runs on a home; undefined while it does not answer yet. */
  static async find(home: Home): Promise<GatewayView | undefined> {
    const info = await readGateway(home);
    const view = info && new GatewayView(info);
    return view && (await view.get("status", Answers.status)) ? view : undefined;
  }

  /** @returns the person as the gateway has them in its lists */
  listing({ key }: Character): Listed | undefined {
    return this.listed.get(key);
  }

  /** Asks anew. @returns what was decided since */
  async refresh(): Promise<readonly Decision[]> {
    this.status = await this.get("status", Answers.status);
    const [lists, incoming, outgoing] = await Promise.all([
      this.get("contacts", Answers.contacts),
      this.get("messages", Answers.messages),
      this.get("sent", Answers.sent),
    ]);
    if (lists) this.listed = listedIn(lists.contacts);
    if (!incoming || !outgoing) return [];
    const all = [
      // Newest first, as the API gives them.
      ...incoming.messages.toReversed().map((row) => ({ key: JSON.stringify(row), decision: verdictOf(row) })),
      ...outgoing.sent.toReversed().map((row) => ({ key: JSON.stringify(row), decision: fateOf(row) })),
    ];
    const news = this.unknownOf(all);
    this.decisions.push(...news);
    return news;
  }

  /** Runs one of the owner's commands from the machine, as the command line does. */
  async command(name: string, ...args: string[]): Promise<unknown> {
    const response = await this.fetch("commands", { method: "POST", body: JSON.stringify({ name, args }) });
    return response.json();
  }

  /** A sign-in link to the real dashboard. Under `localhost`, so that its cookie meets none of a real gateway's. */
  async signInLink(): Promise<string> {
    const answer = z.object({ data: z.object({ url: z.url() }) }).safeParse(await this.command("dashboard"));
    if (!answer.success) throw new KafclawError("no-link", "The gateway gave no sign-in link.", "failed");
    const url = new URL(answer.data.data.url);
    url.hostname = "localhost";
    return url.href;
  }

  private unknownOf(all: readonly { key: string; decision: Decision | undefined }[]): Decision[] {
    // The API names rows by nothing; equal ones are told apart by how many there are.
    const counts = new Map<string, number>();
    const news: Decision[] = [];
    for (const { key, decision } of all) {
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      if (decision && count > (this.known.get(key) ?? 0)) news.push(decision);
    }
    this.known = counts;
    return news;
  }

  /** @returns undefined while the gateway does not answer */
  private async get<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    try {
      const response = await this.fetch(path, {});
      return schema.parse(await response.json());
    } catch (error) {
      if (error instanceof z.ZodError) throw error;
      return undefined;
    }
  }

  private fetch(path: string, init: RequestInit): Promise<Response> {
    const { address, token } = this.info;
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    return fetch(`${address}/api/v1/${path}`, { ...init, headers });
  }
}

function listedIn(contacts: readonly z.infer<typeof Contact>[]): ReadonlyMap<string, Listed> {
  return new Map(
    contacts.flatMap(({ pn, code, state }) => {
      const person = byNumber(pn);
      return person ? [[person.key, { code, state }] as const] : [];
    }),
  );
}

function verdictOf({ who, verdict }: z.infer<typeof Incoming>): Decision | undefined {
  const person = byNumber(who);
  return person && { kind: "verdict", who: person, verdict };
}

function fateOf({ to, state, what }: z.infer<typeof Outgoing>): Decision | undefined {
  const person = byNumber(to);
  if (!person || (state !== "suppressed" && state !== "failed")) return undefined;
  return { kind: state, who: person, text: what };
}
