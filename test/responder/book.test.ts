import { expect, it } from "vitest";
import { personFrom } from "../../src/access/identity.js";
import { ConversationBook, type ConversationDoc } from "../../src/responder/book.js";
import type { Collection } from "../../src/store/types.js";
import { tempStore } from "../whatsapp/temp-store.js";

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;
const ALICE = personFrom("15550002000@s.whatsapp.net") ?? {};

interface Desk {
  readonly book: ConversationBook;
  /** Opens the same file again, as after a crash. */
  reopen(): Promise<ConversationBook>;
  now: number;
  write(text: string, state?: "due" | "silent", who?: string): Promise<boolean>;
}

async function desk(turns = 20): Promise<Desk> {
  const collection: Collection<ConversationDoc> = await (await tempStore()).open<ConversationDoc>("conversation");
  let messages = 0;
  const here = {
    now: Date.UTC(2026, 10, 23, 12),
    reopen: () =>
      ConversationBook.open(
        collection,
        () => here.now,
        turns,
        () => false,
      ),
    write(text: string, state: "due" | "silent" = "due", who = "alice") {
      messages += 1;
      return here.book.take({ who, state, at: here.now, journalId: `j${messages}`, id: `ID${messages}`, text });
    },
    // Replaced right below; the clock above has to be there first.
    book: undefined as unknown as ConversationBook,
  };
  here.book = await here.reopen();
  return here;
}

async function answer({ book }: Desk, text: string, who = "alice"): Promise<void> {
  const due = book.due(who);
  const answers = due.map(({ journalId }) => journalId);
  const said = due.map((doc) => doc.text).join("\n");
  await book.posted(await book.commit({ who, answers, said, answer: text, to: ALICE }), ["3EB0"]);
}

it("I10: a message is taken once, before and after its answer, and after a restart", async () => {
  const here = await desk();
  const message = { who: "alice", state: "due", at: here.now, journalId: "j", id: "ID", text: "hello" } as const;
  expect(await here.book.take(message)).toBe(true);
  expect(await here.book.take(message)).toBe(false);
  await answer(here, "Hi.");
  expect(await here.book.take(message)).toBe(false);
  const again = await here.reopen();
  expect(await again.take(message)).toBe(false);
  expect(again.due("alice")).toEqual([]);
});

it("I10: an answer that was kept and not posted is known after a crash, and waits no more once it is posted", async () => {
  const here = await desk();
  await here.write("hello?");
  await here.book.commit({ who: "alice", answers: ["j1"], said: "hello?", answer: "Hi.", to: ALICE });
  const again = await here.reopen();
  const [turn] = again.unposted();
  expect(turn).toMatchObject({ answer: "Hi.", answers: ["j1"] });
  expect(again.due("alice")).toHaveLength(1);
  if (turn) await again.posted(turn, ["3EB0"]);
  expect(again.unposted()).toEqual([]);
  expect(again.due("alice")).toEqual([]);
});

it("I10: a crash between the two writes of a posted answer leaves nothing to be answered", async () => {
  const here = await desk();
  await here.write("hello?");
  const turn = await here.book.commit({ who: "alice", answers: ["j1"], said: "hello?", answer: "Hi.", to: ALICE });
  here.book.drop = () => Promise.reject(new Error("killed"));
  await here.book.posted(turn, ["3EB0"]).catch(() => {});
  const again = await here.reopen();
  expect(again.due("alice")).toEqual([]);
  expect(again.turns("alice", 20)).toHaveLength(1);
});

it("an answer that is withdrawn is asked for again", async () => {
  const here = await desk();
  await here.write("hello?");
  await here.book.withdraw(
    await here.book.commit({ who: "alice", answers: ["j1"], said: "", answer: "Hi.", to: ALICE }),
  );
  expect((await here.reopen()).due("alice").map(({ text }) => text)).toEqual(["hello?"]);
  expect(here.book.turns("alice", 20)).toEqual([]);
});

it("shows the last turns of the last 24 hours, oldest first, each person's own", async () => {
  const here = await desk(3);
  for (const text of ["one", "two", "three", "four"]) {
    await here.write(text);
    await answer(here, `re ${text}`);
    here.now += HOUR;
  }
  await here.write("secret of Bob", "due", "bob");
  await answer(here, "re Bob", "bob");
  const shown = (book: ConversationBook, most = 3) => book.turns("alice", most).map(({ said }) => said);
  expect(shown(here.book)).toEqual(["two", "three", "four"]);
  expect(shown(here.book, 1)).toEqual(["four"]);
  expect(shown(here.book, 0)).toEqual([]);
  here.now += DAY - HOUR;
  expect(shown(here.book)).toEqual(["four"]);
  expect(shown(await here.reopen())).toEqual(["four"]);
});

it("what came in silent mode waits until it is woken, and is overdue after a week", async () => {
  const here = await desk();
  await here.write("one", "silent");
  await here.write("two", "silent");
  await here.write("hi", "silent", "bob");
  expect(here.book.due("alice")).toEqual([]);
  expect([...(await here.reopen()).backlog()]).toEqual([
    ["alice", 2],
    ["bob", 1],
  ]);
  await here.book.wake("alice");
  expect(here.book.due("alice").map(({ text }) => text)).toEqual(["one", "two"]);
  here.now += 8 * DAY;
  const again = await here.reopen();
  expect([...again.backlog()]).toEqual([["bob", 1]]);
  expect(again.overdue().waiting.map(({ text }) => text)).toEqual(["one", "two", "hi"]);
});

it("forgets turns and what waits", async () => {
  const here = await desk();
  await here.write("one");
  await answer(here, "re one");
  await here.write("two", "silent");
  expect(await here.book.forget("alice")).toBe(1);
  const again = await here.reopen();
  expect(again.turns("alice", 20)).toEqual([]);
  expect([...again.backlog()]).toEqual([]);
});

it("is bounded: a thousand messages of one fit, the newest, and a million characters", async () => {
  const here = await desk();
  for (let index = 1; index <= 1_005; index++) await here.write(`m${index}`, "silent");
  expect(here.book.overflow("alice").map(({ text }) => text)).toEqual(["m1", "m2", "m3", "m4", "m5"]);
  for (let index = 1; index <= 20; index++) await here.write(`${index}:`.padEnd(60_000, "x"), "silent", "bob");
  expect(here.book.overflow("bob").map(({ text }) => text.split(":")[0])).toEqual(["1", "2", "3", "4"]);
});
