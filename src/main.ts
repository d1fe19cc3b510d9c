#!/usr/bin/env node
/** The bin: hands the process over to the command line, and takes back an exit code. */
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { runCommandLine, type Terminal } from "./cli/index.js";
import { createLog } from "./cli/log.js";
import { silenceLibsignal } from "./whatsapp/silence.js";

/** A program that is ended by a signal reports 128 and the signal's number; this is SIGINT's. */
const INTERRUPTED = 130;

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};
const { stdin, stdout, stderr } = process;
const stopping = new AbortController();
let isWatching = false;
let lost: Error | undefined;

const terminal: Terminal = {
  env: process.env,
  version,
  user: userName(),
  interactive: stdin.isTTY === true && stdout.isTTY === true,
  colour: { out: hasColour(stdout), err: hasColour(stderr) },
  get columns() {
    return { out: stdout.columns, err: stderr.columns };
  },
  out: (line) => void stdout.write(`${line}\n`, (error) => noteLost(error)),
  err: (line) => void stderr.write(`${line}\n`),
  log: (level) => createLog(level, stderr),
  /** Whoever asks for it ends tidily; everybody else is ended by the signal itself. */
  get stop() {
    if (!isWatching) for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
    isWatching = true;
    return stopping.signal;
  },
};

/** See https://no-color.org. */
function hasColour({ isTTY }: NodeJS.WriteStream): boolean {
  return isTTY === true && !process.env.NO_COLOR;
}

/** A result that could not be written was not told; `kafclaw list | head -1` closes the pipe early, which is no error. */
function noteLost(error: NodeJS.ErrnoException | null | undefined): void {
  if (error && error.code !== "EPIPE") lost = error;
}

/** Input that ended (Ctrl-D) in the middle of a question leaves nothing to wait for; where nobody is asked, it is a mistake of ours. */
function onNothingLeft(): void {
  if (stdout.isTTY) stdout.write("\u001B[?25h\n");
  const sentence = terminal.interactive
    ? "The input ended before all was asked; nothing was changed."
    : "Something went wrong inside KafClaw: it ended before it was done.";
  terminal.err(sentence);
  process.exit(1);
}

/** In a container the user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

function onSignal(): void {
  if (stopping.signal.aborted) process.exit(INTERRUPTED);
  stopping.abort();
}

/** Whoever started this process over an IPC channel is gone, killed perhaps: it must not outlive them. */
function onOrphaned(): void {
  if (isWatching) onSignal();
  else process.exit(1);
}

if (process.channel) process.once("disconnect", onOrphaned);
// A write beyond the file size limit is refused (EFBIG); proper-lockfile's exit handler would make the signal that comes
// with it deadly, unless somebody else listens too.
process.on("SIGXFSZ", () => {});
silenceLibsignal(console);
for (const stream of [stdout, stderr]) stream.on("error", () => {});
// A corrupt frame from WhatsApp ends as one of these in Baileys: it must not end the gateway (DESIGN 11).
process.on("unhandledRejection", (error) => terminal.log("error").error({ err: error }, "something failed unheard"));

process.once("beforeExit", onNothingLeft);
void runCommandLine(process.argv.slice(2), terminal).then((code) => {
  // A pipe takes 64 kB at a time: what its reader has not taken yet would be lost. A closed one ends the wait, too.
  stdout.write("", () => {
    // A disk says only a moment later that it took nothing.
    setImmediate(() => {
      if (lost) terminal.err(`The result could not be written: ${lost.message}`);
      process.exit(lost ? 1 : code);
    });
  });
});
