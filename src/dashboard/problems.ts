/** Errors as HTTP: a fitting status, and `{"error":{"code","message"}}`. */
import type { ErrorRequestHandler, Response } from "express";
import type { Answer } from "../admin/index.js";
import { KafclawError } from "../errors.js";

const STATUS_OF_CODE: ReadonlyMap<string, number> = new Map([
  ["unknown-reference", 404],
  ["unknown-command", 404],
  ["csrf", 403],
  ["disk-full", 507],
]);
const STATUS_OF_KIND: Readonly<Record<KafclawError["kind"], number>> = { usage: 400, refused: 409, failed: 500 };

/** Sends a problem. */
export function problem(response: Response, status: number, code: string, message: string, kind = "refused"): void {
  response.status(status).json({ error: { code, message, kind } });
}

/** Sends what a command answered; what was done in spite of a problem stands beside it. */
export function send(response: Response, answer: Answer): void {
  const { text, error } = answer;
  if (!error) {
    response.json(answer);
    return;
  }
  response.status(statusOfError(error)).json({ ...answer, error: { ...error, message: text } });
}

/** The last resort: nobody outside sees a stack trace. */
export function onError(log: { error(details: object, message: string): void }): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error: unknown, _request, response, _next) => {
    if (error instanceof KafclawError) {
      return problem(response, statusOfError(error), error.code, error.message, error.kind);
    }
    const status = clientsFault(error);
    if (status === 413)
      return problem(response, 413, "too-large", "A request holds at most 1 MB: split it into several.", "usage");
    if (status === 415) return problem(response, 415, "not-json", NOT_JSON, "usage");
    if (status !== undefined) {
      return problem(response, status, "bad-request", "The request can't be read; send JSON in UTF-8.", "usage");
    }
    log.error({ err: error }, "a request could not be answered");
    problem(response, 500, "internal", "Something went wrong inside KafClaw; its log says more.", "failed");
  };
}

/** The status that fits an error of ours. */
export function statusOfError({ code, kind }: Pick<KafclawError, "code" | "kind">): number {
  return STATUS_OF_CODE.get(code) ?? STATUS_OF_KIND[kind];
}

/** The status that Express gave to an error of its own, where the request is to blame. */
function clientsFault(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("status" in error) || typeof error.status !== "number") return undefined;
  return error.status >= 400 && error.status < 500 ? error.status : undefined;
}

/** Why a browser links no other account where the linked account is the owner's. */
export const AT_MACHINE =
  "Whoever has the linked account owns the bot, so another account is linked at the machine alone: kafclaw whatsapp-auth --replace.";

/** What a request that was sent as something else is told. */
export const NOT_JSON = "Send JSON in UTF-8, with the header Content-Type: application/json.";
