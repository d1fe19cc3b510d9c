/** Tells in the terminal what happens: who wrote what to whom, what the gateway decided, what silent mode held back. */
import { cleanText } from "../text.js";
import type { Character } from "./cast.js";
import type { Decision } from "./gateway-view.js";
import type { Deed } from "./handset.js";

/** Where the transcript goes. */
export interface Printer {
  out(line: string): void;
  /** One JSON object a line instead of text. */
  readonly json: boolean;
}

/** Wide enough for "Alice → bot". */
const WIDTH = 14;
const LONGEST = 2_000;

export class Transcript {
  constructor(private readonly printer: Printer) {}

  /** A paragraph of the demo's own words. */
  say(text: string): void {
    this.print({ event: "note", text }, `\n${text}`);
  }

  /** One of the six steps begins. */
  step(number: number, title: string): void {
    this.print({ event: "step", number, title }, `\nStep ${number}: ${title}`);
  }

  /** A command line that is run. */
  command(line: string): void {
    this.print({ event: "command", line }, `  $ ${line}`);
  }

  /** Something about the step that is no message. */
  note(text: string): void {
    this.print({ event: "note", text }, indented("", text));
  }

  /** A check of the step held. */
  held(text: string): void {
    this.print({ event: "checked", text }, `  ✓ ${text}`);
  }

  /** A person did something on their phone. */
  did({ key, name }: Character, deed: Deed): void {
    const entry = { event: "message", from: key, to: "bot", ...deed };
    this.print(entry, indented(`${name} → bot`, wordsOf(deed)));
  }

  /** Something from the bot reached a phone. */
  reached({ key, name }: Character, text: string): void {
    this.print({ event: "message", from: "bot", to: key, kind: "text", text }, indented(`bot → ${name}`, text));
  }

  /** The gateway decided. */
  decided(decision: Decision, silent: boolean): void {
    const { who } = decision;
    if (decision.kind === "verdict") {
      const { verdict } = decision;
      this.print(
        { event: "decision", about: who.key, verdict, silent },
        indented("gateway:", `${who.name} is ${wordsFor(verdict, silent)}`),
      );
      return;
    }
    const fate = decision.kind === "suppressed" ? "not sent, and not sent later" : "could not be sent";
    const label = decision.kind === "suppressed" ? "silent mode:" : "gateway:";
    this.print(
      { event: decision.kind, to: who.key, text: decision.text },
      indented(label, `to ${who.name}, ${fate}: "${start(decision.text)}"`),
    );
  }

  private print(entry: object, line: string): void {
    this.printer.out(this.printer.json ? JSON.stringify(entry) : line);
  }
}

function wordsOf(deed: Deed): string {
  switch (deed.kind) {
    case "text":
      return deed.quoted === undefined ? deed.text : `(answers "${start(deed.quoted)}") ${deed.text}`;
    case "picture":
      return `[a picture] ${deed.text}`;
    case "reaction":
      return `${deed.emoji === "" ? "takes the reaction back from" : `reacts with ${deed.emoji} to`} "${start(deed.to)}"`;
  }
}

/** The gate's verdicts in words. */
function wordsFor(verdict: string, silent: boolean): string {
  switch (verdict) {
    case "owner":
      return "the owner, known by number or LID: may command";
    case "buddy":
      return silent ? "a buddy; silent mode is on, so no answer is made" : "a buddy: is answered";
    case "entered":
      return "pending now, as the token is right; hears nothing, and the owner is told";
    case "pending":
      return "pending: it is kept until the owner decides; nothing goes back";
    case "stranger":
      return "a stranger: nothing goes back, no answer, no tick, no typing";
    case "denied":
      return "denied: nothing is read, nothing goes back";
    default:
      return verdict;
  }
}

/** The first words, on one line. */
function start(text: string): string {
  const [line = ""] = text.split("\n");
  return cleanText(line.replaceAll("*", ""), 60);
}

function indented(label: string, text: string): string {
  const [first = "", ...more] = cleanText(text, LONGEST).split("\n");
  const lines = [`  ${label.padEnd(WIDTH)} ${first}`, ...more.map((line) => `  ${" ".repeat(WIDTH)} ${line}`)];
  return (label === "" ? [`  ${first}`, ...more.map((line) => `  ${line}`)] : lines).join("\n");
}
