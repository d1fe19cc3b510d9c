/**
 * A refusal or failure that a person can do something about. `message` is one sentence with the next step.
 * `code` is stable and machine-readable, e.g. "unknown-reference", "ambiguous", "denied", "not-pending", "disk-full".
 */
export class KafclawError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly kind: "usage" | "refused" | "failed" = "refused",
  ) {
    super(message);
    this.name = "KafclawError";
  }
}
