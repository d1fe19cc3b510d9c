/** Every way of losing, slowing and muddling the connection, while buddies and strangers write (I10, order, notices once). */
import { setTimeout as pause } from "node:timers/promises";
import { TOKEN, World } from "../e2e/world.js";
import type { Run, Topic } from "./run.js";

const FAULTS = 200;
/** Reconnects in a row, by the code that means "come back at once". */
const RECONNECTS = 500;
/** A client that is refused (409) comes back after 1 to 5 minutes. */
const PATIENT = { timeoutMs: 400_000 };
/** Pauses before a reconnect grow from fault to fault; a start begins anew. */
const FAULTS_PER_LIFE = 3;
const STALL_MS = 30_000;
const HOLD_MS = 300;
const BAN_S = 2;
const ENDS = 20;

interface Fault {
  readonly name: string;
  /** Messages may arrive in another order than they were sent. */
  readonly disorders?: true;
  begin(world: World, run: Run): void;
  end?(world: World): void;
}

const drop = (code: number, kind?: "failure" | "close" | "conflict"): Fault => ({
  name: `${kind ?? "stream error"} ${code}`,
  begin: ({ wa }) => wa.disconnect(code, kind === undefined ? {} : { kind }),
});

const KINDS: readonly Fault[] = [
  ...[500, 503, 515, 408].map((code) => drop(code)),
  ...[400, 405, 409].map((code) => drop(code, "failure")),
  drop(428, "close"),
  drop(440, "conflict"),
  {
    name: "temporary ban 402",
    begin({ wa }) {
      wa.refuseLogins(402, 1, { expire: String(BAN_S) });
      wa.disconnect(503);
    },
  },
  { name: "cut line", begin: ({ wa }) => wa.hold(), end: ({ wa }) => wa.resume() },
  { name: "rubbish frame", begin: ({ wa }) => wa.garble() },
  { name: "30 s stall", begin: ({ wa }, { size }) => wa.stall(size < 1 ? STALL_MS / 30 : STALL_MS) },
  { name: "doubled stanzas", begin: ({ wa }) => wa.disturb((send) => [send(), send()]), end: ({ wa }) => wa.disturb() },
  {
    name: "late and reordered stanzas",
    disorders: true,
    begin: ({ wa }, run) => wa.disturb((send) => setTimeout(send, run.random(HOLD_MS))),
    end: ({ wa }) => wa.disturb(),
  },
  {
    name: "queries answered late",
    begin({ wa }) {
      wa.answerQueries(() => "nothing");
    },
    end: ({ wa }) => wa.answerQueries(),
  },
];

/** What only a new link ends. */
const END_KINDS: readonly Fault[] = [
  { name: "logged out on the phone (401)", begin: ({ bot }) => bot.unlink() },
  ...[401, 403, 406, 411].map((code) => drop(code, "failure")),
];

export const network: Topic = {
  name: "network",
  short: 0.01,
  async torture(run) {
    const world = await World.linked({ setup: "own-number", addressing: "lid" });
    await world.aliceApproved();
    const said: string[] = [];
    const handled: string[] = [];
    const faults = run.times(FAULTS);

    for (let index = 0; index < faults; index += 1) {
      if (index > 0 && index % FAULTS_PER_LIFE === 0) {
        await world.home.stop();
        handled.push(...world.responded());
        await world.home.startLinked();
      }
      // Each kind once before any comes again.
      const fault = KINDS[index % KINDS.length];
      if (fault) await suffer(run, world, { fault, index, said, handled });
    }
    await reconnect(run, world);
    for (let index = 0; index < run.times(ENDS); index += 1) {
      const fault = END_KINDS[index % END_KINDS.length];
      if (fault) await linkAnew(run, world, fault);
    }
    await world.settled(PATIENT);
    const { troubles } = world.wa;
    run.check("the protocol is kept", troubles.length === 0, () => troubles.join("; "));
    const heard = world.leaks(world.mallory).length;
    run.check("strangers hear nothing (I5)", heard === 0, () => `Mallory got ${heard} stanzas`);
  },
};

/** One fault, with messages before, in and after it. */
async function suffer(
  run: Run,
  world: World,
  { fault, index, said, handled }: { fault: Fault; index: number; said: string[]; handled: string[] },
): Promise<void> {
  const { wa, home } = world;
  const name = `Knocker ${index}.`;
  const stranger = wa.phone({ pn: `1555${String(2_000_000 + index)}`, name });
  const say = async (what: string): Promise<void> => {
    said.push((await world.say(world.alice, `${index} ${what}`)).id);
  };
  await say("before");
  fault.begin(world, run);
  await say("during");
  await say("still during");
  await world.say(stranger, TOKEN);
  await world.say(world.mallory, "let me in");
  await world.order(`/whois ${name}`);
  await pause(HOLD_MS);
  fault.end?.(world);
  await say("after");
  run.fault(fault.name);
  await home.linkOpen(PATIENT.timeoutMs);
  await wa.waitUntilTaken(PATIENT);
  // More than five in a minute come as one digest at its end.
  const isNotice = ({ text }: { text: string }): boolean => text.includes(name) && /sender/.test(text);
  await world.owner.next(isNotice, PATIENT);
  const ids = said.slice(-4);
  // What does not come is a loss, below.
  await world.given(ids).catch(() => {});
  await world.settled(PATIENT);
  const got = [...handled, ...world.responded()];
  const mine = got.filter((id) => ids.includes(id));
  run.check("messages handled once (I10)", [...mine].sort().join() === [...ids].sort().join(), () => {
    return `${fault.name}: ${ids.join(", ")} were handled as ${mine.join(", ")}`;
  });
  if (!fault.disorders) {
    run.check(
      "in order",
      mine.join() === ids.join(),
      () => `${fault.name}: ${ids.join(", ")} became ${mine.join(", ")}`,
    );
  }
  const notices = world.owner.inbox.filter(isNotice).length;
  run.check("one notice each", notices === 1, () => `${fault.name}: ${notices} notices about ${name}`);
  // The queue never fills up. The API's documented answer; another one fails what follows.
  const { contacts } = (await home.get("/api/v1/contacts?state=pending")) as { contacts: { code: string }[] };
  await world.order(`/deny ${contacts.map(({ code }) => code).join(" ")}`);
}

async function reconnect(run: Run, world: World): Promise<void> {
  await world.home.stop();
  await world.home.startLinked();
  const reconnects = run.times(RECONNECTS);
  const said: string[] = [];
  for (let count = 0; count < reconnects; count += 1) {
    said.push((await world.say(world.alice, `reconnect ${count}`)).id);
    world.wa.disconnect(515);
    run.fault("reconnects in a row");
    await world.wa.waitForCompanion("open", PATIENT);
  }
  await world.wa.waitUntilTaken(PATIENT);
  await world.given(said).catch(() => {});
  await world.settled(PATIENT);
  const got = world.responded();
  run.check("messages handled once (I10)", got.join() === said.join(), () => {
    return `of ${said.length} messages in ${reconnects} reconnects, ${got.length} were handled`;
  });
}

/** The link ends for good: the gateway says so and waits; linked anew it is silent, and everybody is who they were. */
async function linkAnew(run: Run, world: World, fault: Fault): Promise<void> {
  const { wa, home } = world;
  await world.order("/silent off");
  await world.told(/Silent mode is/, PATIENT);
  fault.begin(world, run);
  run.fault(fault.name);
  const link = async (): Promise<string> => ((await home.get("/healthz")) as { link: string }).link;
  await home.until(async () => (await link()) === "loggedOut", `${fault.name} shows`);
  // What nobody logs in as any more takes nothing more.
  world.bot.unlink();
  await home.post("/api/v1/link", { replace: true });
  await world.scanQr();
  const { id } = await world.say(world.alice, "are you back?");
  await wa.waitUntilTaken(PATIENT);
  await world.given([id]).catch(() => {});
  await world.settled(PATIENT);
  const times = world.responded().filter((handled) => handled === id).length;
  run.check("messages handled once (I10)", times === 1, () => `${fault.name}: ${times} times`);
  const { silent } = (await home.get("/healthz")) as { silent: boolean };
  run.check("silent mode is on after a new link (I4)", silent, () => fault.name);
}
