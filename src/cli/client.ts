/** The running gateway, as the command line reaches it: through its local API. */
import { type IncomingMessage, type RequestOptions, request } from "node:http";
import { json } from "node:stream/consumers";
import { z } from "zod";
import type { Answer, SetupInput } from "../admin/index.js";
import { KafclawError } from "../errors.js";
import type { GatewayInfo } from "../home.js";
import type { LinkEvent } from "../whatsapp/types.js";

/** A disk under load, or a WhatsApp that is slow to answer, may take its time. */
const ANSWER_WITHIN_MS = 60_000;

const KIND = z.enum(["usage", "refused", "failed"]);
const AnswerBody = z.object({
  ok: z.boolean(),
  text: z.string(),
  data: z.unknown(),
  error: z.object({ code: z.string(), kind: KIND }).nullable(),
});
const ErrorBody = z.object({
  error: z.object({ code: z.string(), message: z.string(), kind: KIND.default("failed") }),
});
const StatusBody = z.object({
  link: z.enum(["open", "connecting", "unlinked", "loggedOut", "conflict"]),
  trouble: z.string().nullable(),
  sentence: z.string(),
  remedy: z.string(),
  owner: z.object({ confirmed: z.boolean(), locked: z.string().nullable() }).nullable(),
});
const OwnerBody = z.object({ text: z.string() });
const DoneBody = z.object({ ok: z.literal(true), left: z.string().optional() });
const EventBody = z.discriminatedUnion("event", [
  z.object({ event: z.literal("connecting") }),
  z.object({ event: z.literal("qr"), data: z.string() }),
  z.object({ event: z.literal("pairing-code"), code: z.string() }),
  z.object({ event: z.literal("linked"), jid: z.string(), lid: z.string().nullable() }),
  z.object({ event: z.literal("error"), code: z.string(), message: z.string() }),
]);

/** One running gateway. Every method throws KafclawError `gateway-silent` when it does not answer, `gateway-stopped` when it is gone. */
export class Client {
  /** @param isThere whether this gateway, and no other, still runs */
  constructor(
    private readonly info: GatewayInfo,
    private readonly isThere: () => Promise<boolean>,
  ) {}

  /** Runs one of the owner's commands. Refusals are answers. */
  command(name: string, args: readonly string[]): Promise<Answer> {
    return this.answer("/commands", { name, args });
  }

  /** Sets owner, token and lists. Refusals are answers. */
  setup(input: SetupInput): Promise<Answer> {
    return this.answer("/setup", input);
  }

  /** How the link stands, and whether the owner has sent the code of the set-up. */
  async status(): Promise<z.infer<typeof StatusBody>> {
    return this.ask(StatusBody, "GET", "/status");
  }

  /** Locks or names the owner. @returns what was done, in one sentence */
  async changeOwner(input: { owner?: string; lock?: boolean }): Promise<string> {
    return (await this.ask(OwnerBody, "POST", "/owner", input)).text;
  }

  async link(): Promise<LinkEvent> {
    return this.ask(EventBody, "GET", "/link");
  }

  /** @throws KafclawError `already-linked` */
  async beginLinking(options: { phone?: string; replace?: boolean }): Promise<void> {
    await this.ask(EventBody, "POST", "/link", options);
  }

  /** Ends an attempt to link; the session that was there connects again. */
  async cancelLinking(): Promise<void> {
    await this.ask(DoneBody, "POST", "/link/cancel");
  }

  /** @returns what is left to do, where WhatsApp could not be told */
  async logout(): Promise<string | undefined> {
    return (await this.ask(DoneBody, "DELETE", "/link")).left;
  }

  private async answer(path: string, body: unknown): Promise<Answer> {
    const { json } = await this.send("POST", path, body);
    const answer = AnswerBody.safeParse(json);
    if (answer.success) return answer.data;
    const { code, message, kind } = this.read(ErrorBody, json).error;
    return { ok: false, text: message, data: null, error: { code, kind } };
  }

  private async ask<Body>(shape: z.ZodType<Body>, method: string, path: string, body?: unknown): Promise<Body> {
    const { isGood, json } = await this.send(method, path, body);
    if (isGood) return this.read(shape, json);
    const { code, message, kind } = this.read(ErrorBody, json).error;
    throw new KafclawError(code, message, kind);
  }

  /** Whoever answers otherwise is not our gateway: another program on the address that `gateway.json` names. */
  private read<Body>(shape: z.ZodType<Body>, json: unknown): Body {
    const body = shape.safeParse(json);
    if (body.success) return body.data;
    throw this.silent();
  }

  /** It was stopped, or restarted, since it was found. */
  private stopped(): KafclawError {
    return new KafclawError(
      "gateway-stopped",
      `The gateway (pid ${this.info.pid}) was stopped before it answered; start it again where it doesn't run (kafclaw gateway), then run that again.`,
      "failed",
    );
  }

  /** `gateway.json` is not as the gateway wrote it. */
  private unknown(): KafclawError {
    const { address, pid } = this.info;
    return new KafclawError(
      "unauthorized",
      `The gateway (pid ${pid}, ${address}) does not take the token of gateway.json, which was changed since its start; restart the gateway.`,
      "failed",
    );
  }

  private silent(): KafclawError {
    const { address, pid } = this.info;
    return new KafclawError(
      "gateway-silent",
      `The gateway (pid ${pid}) holds the home but does not answer at ${address}; look at its log, or restart it.`,
      "failed",
    );
  }

  private async send(method: string, path: string, body?: unknown): Promise<{ isGood: boolean; json: unknown }> {
    const { address, token } = this.info;
    const options: RequestOptions = {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      agent: false,
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    };
    try {
      // Node's fetch never settles where the connection is closed as soon as it is made, and lets the process run dry.
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const asked = request(`${address}/api/v1${path}`, options, resolve);
        // An answer that is no response (an upgrade) closes the connection without an error.
        asked.on("error", reject).on("close", reject);
        asked.end(body === undefined ? undefined : JSON.stringify(body));
      });
      const { statusCode = 0 } = response;
      if (statusCode === 401) throw this.unknown();
      return { isGood: statusCode >= 200 && statusCode < 300, json: await json(response) };
    } catch (error) {
      if (!(await this.isThere())) throw this.stopped();
      throw error instanceof KafclawError ? error : this.silent();
    }
  }
}
