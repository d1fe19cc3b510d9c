import { KafclawError } from "../errors.js";

/** The few words that this folder says while it works; a pino logger fits. */
export interface StoreLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

/** The error of a file that holds something else than what was written to it. */
export function damaged(file: string, line: number, what: string): KafclawError {
  // A line may be all that says that somebody was denied since.
  const next = file.endsWith("access.db")
    ? " What that line recorded is then taken back: look through the lists (kafclaw list approved) and the dashboard's Activity page."
    : "";
  return new KafclawError(
    "store-damaged",
    `${file} is damaged in line ${line} (${what}); restore the file from a backup, or keep a copy of it, delete that line and start again.${next}`,
    "failed",
  );
}

/** The error of a file that was there, as another one shows. */
export function missing(file: string, other: string): KafclawError {
  return new KafclawError(
    "store-damaged",
    `${file} is missing, while ${other} still holds something; restore it from a backup, or, to go on without all that it held, put an empty file in its place (touch "${file}") and start again.`,
    "failed",
  );
}
