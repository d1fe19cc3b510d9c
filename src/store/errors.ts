import { KafclawError } from "../errors.js";
import { systemCode } from "../files.js";

/** The few words that this folder says while it works; a pino logger fits. */
export interface StoreLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const READ_ONLY = new Set(["EROFS", "EACCES", "EPERM"]);

/** The error of a write (or open) that the disk refused: `disk-full`, `disk-read-only` or `disk-failed`. */
export function diskFailed(error: unknown, file: string): KafclawError {
  const code = systemCode(error) ?? "unknown error";
  if (FULL.has(code)) {
    return new KafclawError(
      "disk-full",
      `No room to write ${file} (${code}), so this was not done; free some disk space and try again.`,
      "failed",
    );
  }
  if (READ_ONLY.has(code)) {
    return new KafclawError(
      "disk-read-only",
      `${file} can't be written (${code}), so this was not done; make it writable for the user that runs KafClaw and try again.`,
      "failed",
    );
  }
  return new KafclawError(
    "disk-failed",
    `Reading or writing ${file} failed (${code}), so this was not done; check the disk and try again.`,
    "failed",
  );
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
    `${file} is missing, while ${other} still holds something; restore it from a backup, or, to go on without all that it held, put an empty file in its place (touch ${file}) and start again.`,
    "failed",
  );
}
