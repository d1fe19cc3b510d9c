/** The six steps of the guide, played and checked: by the real commands, the real gateway, and simulated phones. */
import { access } from "node:fs/promises";
import { z } from "zod";
import { KafclawError } from "../errors.js";
import type { Ran } from "./bin.js";
import { BOT, CAST, type Key } from "./cast.js";
import type { Stage } from "./stage.js";
import type { Transcript } from "./transcript.js";

const LinkEvent = z.object({ event: z.string(), data: z.string().optional(), message: z.string().optional() });

interface Step {
  readonly title: string;
  play(): Promise<void>;
}

/**
 * Plays all six steps.
 * @throws KafclawError `demo-failed` with the step that failed
 */
export async function play(stage: Stage, transcript: Transcript): Promise<void> {
  for (const [index, { title, play }] of new Play(stage, transcript).steps.entries()) {
    const number = index + 1;
    transcript.step(number, title);
    try {
      await play();
    } catch (error) {
      if (error instanceof KafclawError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new KafclawError(
        "demo-failed",
        `Step ${number} (${title}) failed: ${why}. Run it again with --keep and look into the demo's home for more.`,
        "failed",
      );
    }
  }
}

class Play {
  readonly steps: readonly Step[] = [
    { title: "initial setup", play: () => this.setUp() },
    { title: "configure auth settings", play: () => this.configure() },
    { title: "start the gateway, which is silent", play: () => this.start() },
    { title: "a buddy sends the first message", play: () => this.knock() },
    { title: "the owner approves", play: () => this.approve() },
    { title: "silent mode off", play: () => this.speak() },
  ];

  constructor(
    private readonly stage: Stage,
    private readonly transcript: Transcript,
  ) {}

  private async setUp(): Promise<void> {
    await this.run(["onboard"]);
    await access(this.stage.home.soul);
    this.held("the home has its settings and its soul file");

    const { bot, bin } = this.stage;
    this.transcript.command("kafclaw whatsapp-auth");
    let scanned: Promise<unknown> | undefined;
    const ran = await bin.run(["whatsapp-auth", "--json"], (line) => {
      const { event, data } = LinkEvent.parse(JSON.parse(line));
      if (event === "qr" && data !== undefined && !scanned) {
        this.transcript.note("It shows a QR code, and the bot's phone scans it.");
        scanned = bot.scan(data);
        // It is awaited below, when the command has ended.
        scanned.catch(() => {});
      }
    });
    await scanned;
    succeeded(ran);
    this.held(`linked as +${BOT.pn}`);
  }

  private async configure(): Promise<void> {
    const { model, token, phones } = this.stage;
    const number = (key: Key) => `+${phones.get(key)?.character.pn}`;
    const baseUrl = model.baseUrl === undefined ? [] : ["--base-url", model.baseUrl];
    const who = ["--owner", number("olga"), "--token", token, "--allow", number("bob")];
    const ran = await this.run(["whatsapp-setup", ...who, "--model", model.model, ...baseUrl]);
    this.transcript.note(
      model.isReal
        ? `${model.model} is a real model: what the invented people write goes to it.`
        : `${model.model} is no model but a script of the demo that speaks as one; kafclaw demo --model NAME --base-url URL takes a real one.`,
    );
    check(/answered in/.test(ran.err), `the model does not answer: ${ran.err.trim()}`);
    this.held(`owner is Olga, the token is ${token}, Bob is on the allowlist, ${model.model} answers`);
  }

  private async start(): Promise<void> {
    const { stage } = this;
    this.transcript.command("kafclaw gateway");
    await stage.startGateway();
    await stage.until(() => stage.view?.status?.link === "open", "the link to (simulated) WhatsApp");
    check(stage.view?.status?.silent === true, "silent mode is not on after the start");
    this.held("linked, and silent mode is on");

    await stage.phone("bob").write("Hi bot, are you there?");
    await this.verdict("bob", "buddy");
    this.nothingReached("bob");
    this.held("Bob is a buddy, and hears nothing all the same");
  }

  private async knock(): Promise<void> {
    const { stage } = this;
    await stage.phone("sam").write("Hello? Is this a bot?");
    await this.verdict("sam", "stranger");
    this.nothingReached("sam");
    this.held("a stranger hears nothing");

    await stage.phone("alice").write(`${stage.token} Hi, it's Alice`);
    await this.verdict("alice", "pending");
    const notice = await this.told(/New sender/);
    check(notice.text.includes("Alice") && !notice.text.includes(stage.token), "the notice is not as it should be");
    check(this.stateOf("alice") === "pending", "Alice is not in the pending queue");
    this.nothingReached("alice");
    this.held("Alice is in the pending queue and hears nothing; the owner was told");
  }

  private async approve(): Promise<void> {
    const { stage } = this;
    const olga = stage.phone("olga");
    const notice = await this.told(/New sender/);
    await olga.react(notice.id, "👍");
    await this.told(/Approved/);
    await stage.until(() => this.stateOf("alice") === "approved", "Alice on the allowlist");
    this.held("Alice is a buddy now, by one 👍 on the owner's phone");

    await stage.until(
      () => stage.view?.decisions.some(({ kind, who }) => kind === "suppressed" && who.key === "alice"),
      "the greeting held back by silent mode",
    );
    this.nothingReached("alice");
    this.held("silent mode let not even the greeting out");
  }

  private async speak(): Promise<void> {
    const { stage } = this;
    const olga = stage.phone("olga");
    await olga.write("/silent off");
    await this.told(/Silent mode is off/);
    await stage.phone("alice").write("And now?");
    await stage.until(() => stage.phone("alice").heard(() => true), "an answer to Alice");
    this.held("Alice is answered");

    await olga.write("/answer bob");
    await stage.until(() => stage.phone("bob").heard(() => true), "an answer to Bob");
    this.held("Bob's message of before is answered, as the owner said so");
    this.nothingReached("sam");
    this.held("the stranger has not heard a thing");
  }

  /** Runs a command as a person types it. */
  private async run(args: readonly string[]): Promise<Ran> {
    this.transcript.command(["kafclaw", ...args].join(" "));
    const ran = await this.stage.bin.run(args);
    succeeded(ran);
    return ran;
  }

  private held(text: string): void {
    this.transcript.held(text);
  }

  /** What the bot wrote to the owner. */
  private told(pattern: RegExp) {
    const { stage } = this;
    return stage.until(
      () => stage.phone("olga").heard(({ text }) => pattern.test(text)),
      `"${pattern.source}" to Olga`,
    );
  }

  private verdict(key: Key, verdict: string): Promise<unknown> {
    const isIt = (decision: NonNullable<Stage["view"]>["decisions"][number]): boolean =>
      decision.kind === "verdict" && decision.who.key === key && decision.verdict === verdict;
    return this.stage.until(() => this.stage.view?.decisions.some(isIt), `the verdict "${verdict}" about ${key}`);
  }

  private stateOf(key: Key): string | undefined {
    const character = CAST.find((other) => other.key === key);
    return character && this.stage.view?.listing(character)?.state;
  }

  /** Nothing at all that a person could notice: no message, no delivered or read tick, no typing. */
  private nothingReached(key: Key): void {
    const { wa, phones } = this.stage;
    const handset = phones.get(key);
    check(handset?.phone.inbox.length === 0, `something reached ${key}`);
    const ticks = handset?.phone.receipts.filter(({ type }) => type === "" || type === "read") ?? [];
    check(ticks.length === 0, `${key} sees that the message arrived`);
    const typing = handset ? wa.stanzasTo(handset.phone, "chatstate") : [];
    check(typing.length === 0, `${key} sees the bot typing`);
  }
}

function succeeded({ code, out, err }: Ran): void {
  check(code === 0, `the command ended with ${code ?? "a signal"}: ${(err || out).trim()}`);
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
