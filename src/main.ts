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

const terminal: Terminal = {
  env: process.env,
  version,
  user: userName(),
  interactive: stdin.isTTY === true && stdout.isTTY === true,
  colour: { out: hasColour(stdout), err: hasColour(stderr) },
  out: (line) => void stdout.write(`${line}\n`),
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
silenceLibsignal(console);
// `kafclaw list | head -1` closes the pipe early, which is no error.
for (const stream of [stdout, stderr]) stream.on("error", () => {});
// A corrupt frame from WhatsApp ends as one of these in Baileys: it must not end the gateway (DESIGN 11).
process.on("unhandledRejection", (error) => terminal.log("error").error({ err: error }, "something failed unheard"));

void runCommandLine(process.argv.slice(2), terminal).then((code) => process.exit(code));
