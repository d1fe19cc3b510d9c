import { afterEach, describe, expect, it } from "vitest";
import { commands, commandTable } from "../../src/admin/index.js";
import { createSilentMode } from "../../src/admin/silent.js";
import { DAY, HOUR, House, type HouseSetup, MINUTE, NOON, TOKEN } from "./house.js";

const ALICE = "+1 555 000 2000";
const houses: House[] = [];
async function open(setup?: HouseSetup): Promise<House> {
  const house = await House.open(setup);
  houses.push(house);
  return house;
}
afterEach(async () => {
  for (const house of houses.splice(0)) await house.close();
});

describe("I4: silent mode", () => {
  it("is on at the start and after each restart", async () => {
    const house = await open();
    expect(await house.says("/silent")).toBe("🔇 Silent mode is on. /silent off ends it.");
    expect(await house.says("/silent off")).toBe(
      "🔊 Silent mode is off: buddies are answered. /silent on stops that at once.",
    );
    await house.restart();
    expect(house.gateway.silent.on()).toBe(true);
  });

  it("/silent off --for 2h returns by itself, and a later order changes that", async () => {
    const house = await open();
    expect(await house.says("/silent off --for 2h")).toBe(
      "🔊 Silent mode is off until 14:00, then it returns by itself: buddies are answered. /silent on stops that at once.",
    );
    await house.wait(2 * HOUR - 1);
    expect(house.gateway.silent.on()).toBe(false);
    await house.wait(1);
    expect(house.gateway.silent.on()).toBe(true);
    await house.says("/silent off --for 30m");
    await house.says("/silent off");
    await house.wait(DAY);
    expect(house.gateway.silent.on()).toBe(false);
    const actions = (await house.access.audit()).map(({ action, by }) => `${action} by ${by.door}`);
    expect(actions).toContain("silent on by gateway");
    expect(actions).toContain("silent off by whatsapp");
  });

  it.each([
    "/silent off --for soon",
    "/silent off --for 0m",
    "/silent off --for 60d",
    "/silent of",
    "/silent on --for 2h",
  ])("%s is refused and changes nothing", async (text) => {
    const house = await open();
    expect(await house.says(text)).toMatch(/^(--for takes a time like 30m, 2h or 1d|It is \/silent on, \/silent off)/);
    expect(house.gateway.silent.on()).toBe(true);
  });

  it("turning it on works at once, even where the audit can't be written; turning it off does not", async () => {
    const logged: string[] = [];
    let isFull = false;
    const silent = createSilentMode({
      record: async () => {
        if (isFull) throw new Error("disk full");
      },
      clock: () => NOON,
      scheduler: { at: () => () => {} },
      log: { error: (_, message) => void logged.push(message) },
    });
    const by = { door: "cli", who: "x" } as const;
    await silent.set(false, by);
    isFull = true;
    await silent.set(true, by);
    expect(silent.on()).toBe(true);
    expect(logged).toEqual(["silent mode is on, but the audit could not be written"]);
    await expect(silent.set(false, by)).rejects.toThrow("disk full");
    expect(silent.on()).toBe(true);
  });

  it("an order to be silent overtakes one to speak that is still being written", async () => {
    let written = (): void => {};
    const record = (action: string): Promise<void> =>
      action === "silent off"
        ? new Promise((resolve) => {
            written = resolve;
          })
        : Promise.resolve();
    const silent = createSilentMode({
      record,
      clock: () => NOON,
      scheduler: { at: () => () => {} },
      log: { error() {} },
    });
    const by = { door: "cli", who: "x" } as const;
    const off = silent.set(false, by);
    await silent.set(true, by);
    written();
    await off;
    expect(silent.on()).toBe(true);
  });
});

describe("an argument that is no reference", () => {
  it.each([[["-1"]], [["-1", "nobody"]], [[""]], [[" ", "Bob"]], [["\u0000"]], [["🙃"]]])(
    "%j approves nobody, though only one is pending",
    async (args) => {
      const house = await open();
      await house.knocks("Bob", "+1 555 000 3000");
      expect(await house.cli("approve", ...args)).toMatchObject({ ok: false });
      expect(house.access.counts()).toMatchObject({ approved: 0, pending: 1 });
    },
  );

  // Apple's logo, a character younger than this Node, a control character, a mark or a skin tone on its own, empty quotes.
  it.each(["\uF8FF", "\u{10FA15}", "\u0005", "\u0301", "🏽", '""', "“”"])(
    "in the chat, %j approves nobody, though only one is pending",
    async (typed) => {
      const house = await open();
      await house.knocks("\uFFFD", "+1 555 000 3000");
      expect(await house.says(`/approve ${typed}`)).toContain('"" names nobody');
      expect(house.access.counts()).toMatchObject({ approved: 0, pending: 1 });
    },
  );

  it.each(["", " \u00a0", "\u200e", "\ufe0f\u200b"])("in the chat, %j behind /approve is none", async (typed) => {
    const house = await open();
    await house.knocks("Bob", "+1 555 000 3000");
    await house.says(`/approve ${typed}`);
    expect(house.access.counts()).toMatchObject({ approved: 1, pending: 0 });
  });
});

describe("looking", () => {
  it("/status says how it goes", async () => {
    const house = await open();
    await house.knocks("Alice", ALICE);
    expect(await house.says("/status")).toBe(
      [
        "Link: open, as +1 555 000 9000",
        "Silent mode: on",
        "0 approved, 1 pending, 0 denied",
        "Responder: off",
        "KafClaw 0.1.0, up 2 h",
      ].join("\n"),
    );
    expect((await house.cli("status")).data).toMatchObject({ link: "open", silent: true, counts: { pending: 1 } });
  });

  it("/pending shows who waits, with their last words", async () => {
    const house = await open();
    expect(await house.says("/pending")).toBe("Nobody is pending.");
    const alice = await house.knocks("Alice", ALICE);
    await house.writes(alice, "let me in");
    expect(await house.says("/pending")).toBe(
      [
        "1 pending:",
        `• Alice (${alice.code}) · +1 555 000 2000 · since 12:00, sent the pairing token`,
        "> let me in",
        `/approve ${alice.code} · /deny ${alice.code}`,
      ].join("\n"),
    );
  });

  it("/list pages through 20 at a time", async () => {
    const house = await open();
    for (let index = 0; index < 23; index++) await house.cli("approve", `+1 555 002 ${1000 + index}`);
    expect(await house.says("/list")).toContain("23 approved, 0 denied, 0 pending.");
    const first = (await house.says("/list approved")).split("\n");
    expect(first).toHaveLength(22);
    expect(first.at(-1)).toBe("more: /list approved 2");
    const second = (await house.says("/list approved 2")).split("\n");
    expect(second[0]).toBe("23 approved, page 2 of 2:");
    expect(second).toHaveLength(4);
    expect(await house.says("/list approved 3")).toBe("There are only 2 pages: /list approved 2");
    expect(await house.says("/list friends")).toMatch(/^It is \/list approved/);
    expect((await house.cli("list", "approved")).data).toHaveLength(23);
  });

  it("/whois tells state, number, and who decided what", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    await house.cli("approve", alice.code);
    expect(await house.says("/whois alice")).toBe(
      [
        `Alice (${alice.code}) · +1 555 000 2000`,
        "approved since 12:00",
        "sent the pairing token",
        "• entered the queue, 12:00",
        "• was approved at the command line, 12:00",
      ].join("\n"),
    );
    expect(await house.says("/whois +1 555 000 8888")).toBe(
      "+1 555 000 8888 is on no list. /missed shows which strangers wrote.",
    );
    expect(await house.says("/whois ZZZ9")).toMatch(/ZZZ9/);
  });

  it("/missed lists strangers", async () => {
    const house = await open();
    expect(await house.says("/missed")).toBe("No stranger was missed.");
    house.missed = [{ at: NOON, who: "+1 555 000 7777", what: "voice note, 0:12", messages: 1 }];
    expect(await house.says("/missed")).toBe(
      "1 stranger without a valid token:\n• 12:00 · +1 555 000 7777 · voice note, 0:12",
    );
  });
});

describe("tokens and invites", () => {
  it("/token shows it masked, /token rotate replaces it and offers to remove who came with the old one", async () => {
    const house = await open();
    expect(await house.says("/token")).not.toContain(TOKEN);
    const alice = await house.knocks("Alice", ALICE);
    const answer = await house.says("/token rotate");
    const fresh = house.access.revealToken() ?? "";
    expect(fresh).not.toBe(TOKEN);
    expect(answer.split("\n")).toEqual([
      `New pairing token: ${fresh}`,
      "The old one is void. Whoever is approved stays approved.",
      "This message is deleted in 15 minutes: copy the token now.",
      "1 pending sender came with the old token: /remove old-token removes them.",
    ]);
    const bob = await house.knocks("Bob", "+1 555 000 3000", fresh);
    expect(await house.says("/remove old-token")).toBe("Removed 1 sender who came with an old token.");
    expect([house.state(alice), house.state(bob)]).toEqual(["stranger", "pending"]);
    expect(await house.says("/remove old-token")).toBe("Nobody pending came with an old token.");
  });

  it("the first token voids none", async () => {
    const house = await open({ token: null });
    expect(await house.says("/token rotate")).not.toContain("void");
    expect(await house.says("/token rotate")).toContain("The old one is void.");
  });

  it("a message with the token is deleted for everyone after 15 minutes, across a restart", async () => {
    const house = await open();
    await house.says("/token rotate");
    const { id } = house.notice("New pairing token");
    await house.wait(14 * MINUTE);
    expect(house.deleted()).toEqual([]);
    await house.restart();
    await house.wait(MINUTE);
    expect(house.deleted()).toEqual([id]);
  });

  it("the next rotation deletes the message before, at once", async () => {
    const house = await open();
    await house.says("/token rotate");
    const { id } = house.notice("New pairing token");
    await house.says("/token rotate");
    expect(house.deleted()).toEqual([id]);
  });

  it("/invite makes an invite and a wa.me link; the message goes once it is used", async () => {
    const house = await open();
    const answer = await house.says("/invite Bob --days 2");
    const [invite] = house.access.invites();
    expect(answer.split("\n")).toEqual([
      `Invite for Bob: ${invite?.token}`,
      `https://wa.me/15550009000?text=${invite?.token}`,
      "Works once, until 25 Nov 12:00. Who uses it becomes pending, and you decide.",
      "This message is deleted once the invite is used or over, after two days at the latest.",
    ]);
    const { id } = house.notice("Invite for Bob");
    await house.knocks("Bob", ALICE, invite?.token ?? "");
    expect(house.deleted()).toEqual([id]);
    expect(house.notice("New sender").text).toContain("used the invite for Bob");
  });

  it("--auto says whom it lets in, and --for binds it to one number", async () => {
    const house = await open();
    expect(await house.says("/invite Bob --auto")).toContain(
      "Whoever uses it first is approved at once, and you are told.",
    );
    const bound = await house.says("/invite Carol --auto --for +15550002000");
    expect(bound).toContain("+1 555 000 2000 is approved at once, and you are told.");
    expect(bound).toContain("until 24 Nov 12:00");
    expect(await house.says("/invite Dave --for +15550002000")).toMatch(/^--for goes with --auto/);
    expect(await house.says("/invite Dave --auto --for me")).toMatch(/^--for takes a number with country code/);
    expect(await house.says("/invite Dave --days 0")).toBe("--days takes a whole number from 1 to 90, not 0.");
    expect(await house.says("/invite")).toMatch(/^For whom\?/);
    expect(house.access.invites()).toHaveLength(2);
  });

  it.each([
    ["/invite Team 7 --auto --for +49 170 1234567", "Team 7", "491701234567"],
    ["/invite Bob 2 --for +1 555 000 2000 --auto", "Bob 2", "15550002000"],
    ["/invite Bob --auto --for=+1 (555) 000-2000 --days 2", "Bob", "15550002000"],
    ["/invite --auto --for +15550002000 Bob 2", "Bob 2", "15550002000"],
  ])("a number is what stands behind --for, and no more: %s", async (text, label, digits) => {
    const house = await open();
    await house.says(text);
    expect(house.access.invites()).toMatchObject([{ label, for: { pn: `${digits}@s.whatsapp.net` } }]);
  });

  it("/invite list and revoke", async () => {
    const house = await open();
    await house.says("/invite Bob");
    const { id } = house.notice("Invite for Bob");
    expect(await house.says("/invite list")).toBe(
      "• Bob · until 30 Nov 12:00\n/invite revoke and the name takes one back.",
    );
    expect(await house.says("/invite revoke bob")).toBe("The invite for Bob is void.");
    expect(house.deleted()).toEqual([id]);
    expect(await house.says("/invite list")).toBe("No invite is open. /invite and a name makes one.");
    expect(await house.says("/invite revoke bob")).toMatch(/^No open invite is for bob/);
  });
});

describe("the rest", () => {
  it("/pause and /resume leave silent mode alone", async () => {
    const house = await open();
    expect(await house.says("/pause")).toBe("⏸ The responder is paused: /resume starts it again.");
    expect(house.gateway.responder.paused).toBe(true);
    expect(await house.says("/pause")).toMatch(/paused already/);
    expect(await house.says("/resume")).toBe(
      "▶️ The responder answers again. Silent mode is on, so nobody hears it: /silent off.",
    );
    expect(house.gateway.silent.on()).toBe(true);
    const actions = (await house.access.audit()).map(({ action }) => action);
    expect(actions.filter((action) => action === "pause" || action === "resume")).toHaveLength(2);
  });

  it("/dashboard says how to reach it, or gives a link that is deleted when it is over", async () => {
    const house = await open();
    expect(await house.says("/dashboard")).toBe(
      "The dashboard has no address that your phone could open: on the machine it is http://127.0.0.1:18791",
    );
    house.loginLink = async () => ({ url: "https://bot.example/login?t=1", until: house.time.now + 5 * MINUTE });
    await house.restart();
    expect(await house.says("/dashboard")).toBe("https://bot.example/login?t=1\nWorks once, until 12:05.");
    const { id } = house.notice("https://bot.example");
    await house.wait(5 * MINUTE);
    expect(house.deleted()).toEqual([id]);
  });

  it("the command line runs the same commands, with reasons for exit codes", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    expect(await house.cli("approve", alice.code)).toMatchObject({
      ok: true,
      text: expect.stringContaining("Approved Alice"),
    });
    expect(await house.cli("approve", "QQQ9")).toMatchObject({
      ok: false,
      error: { code: "unknown-reference", kind: "refused" },
    });
    expect(await house.cli("approve", "123@g.us")).toMatchObject({
      ok: false,
      error: { code: "not-a-person", kind: "usage" },
    });
    expect(await house.cli("aprove", "x")).toMatchObject({
      ok: false,
      error: { kind: "usage" },
      text: "There is no command aprove. Did you mean approve?",
    });
    expect((await house.cli("silent", "off", "--for", "1h")).data).toEqual({
      silent: false,
      until: house.time.now + HOUR,
    });
  });

  it("/approve at the command line alone means the only one pending, told or not", async () => {
    const house = await open({ parts: { quiet: { from: 11 * 60, to: 13 * 60 } } });
    const alice = await house.knocks("Alice", ALICE);
    expect((await house.cli("approve")).ok).toBe(true);
    expect(house.state(alice)).toBe("approved");
  });

  it("every command has a line and an explanation, and README's table lists them all", () => {
    const table = commandTable().trim().split("\n");
    expect(table).toHaveLength(commands.length + 2);
    for (const command of commands) {
      expect(command.summary).toMatch(/^[a-z]/);
      expect(command.details).not.toBe("");
      expect(table.some((row) => row.startsWith(`| \`/${command.name}`))).toBe(true);
    }
  });
});
