/** The dashboard's routes: who gets in, what they are shown, what they can change, and what is refused. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import request, { type Response } from "supertest";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";

import { parseConfig } from "../../src/config.js";
import { SignIn } from "../../src/dashboard/index.js";
import { createDashboard } from "../../src/dashboard/web.js";
import { DAY, House, MINUTE, OWNER, person, TOKEN } from "../admin/house.js";
import { FakeLink } from "./fake-link.js";

const ACCESS_TOKEN = "the-access-token-of-tests";
const API_TOKEN = "t0ken-of-this-start";
const SECRET = "sk-of-the-model-0123456789";
const CONFIG = { timezone: "Europe/Berlin", responder: { model: "parrot", apiKey: SECRET } };
const { config, origins } = parseConfig(JSON.stringify(CONFIG), {});

let house: House;
let link: FakeLink;
let signIn: SignIn;
let server: Server;
let count = 0;

beforeEach(async () => {
  house = await House.open();
  link = new FakeLink();
  const random = (size: number) => new Uint8Array(size).fill(++count);
  const clock = () => house.time.now;
  signIn = new SignIn({ clock, random, accessToken: ACCESS_TOKEN, publicUrl: "https://bot.example.org" });
  const { access, admin, gateway } = house;
  const dashboard = createDashboard({
    access,
    admin,
    gateway,
    link,
    activity: {
      seen: () => [{ id: "1", at: clock() - MINUTE, verdict: "stranger" }],
      incoming: async () => [
        { at: clock() - MINUTE, verdict: "stranger", who: "+1 555 000 6660", name: "", what: "text" },
      ],
      outgoing: () => [
        {
          state: "suppressed",
          inWords: () => ({
            at: clock(),
            to: "+1 555 000 2000",
            name: "Alice",
            state: "suppressed",
            error: undefined,
            why: "no-buddy",
            what: "<b>hi</b>",
          }),
        },
      ],
    },
    settings: { config, origins },
    signIn,
    clock,
    random,
    token: API_TOKEN,
    by: { door: "cli", who: "olga" },
    host: "127.0.0.1",
    publicUrl: "https://bot.example.org",
    log: { error: (details) => expect(details).toBeUndefined() },
  });
  server = createServer(dashboard.app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  server.close();
  await house.close();
});

/** A browser: keeps its cookies, and the CSRF token of the last page. */
class Browser {
  readonly agent: ReturnType<typeof request.agent>;
  csrf = "";

  constructor(at = server) {
    this.agent = request.agent(at);
  }

  static async signedIn(at = server): Promise<Browser> {
    const browser = new Browser(at);
    await browser.get("/sign-in");
    await browser.post("/sign-in", { token: ACCESS_TOKEN }).expect(303).expect("location", "/");
    await browser.get("/");
    return browser;
  }

  async get(path: string, status = 200): Promise<Response> {
    const response = await this.agent.get(path);
    expect(response.status).toBe(status);
    this.csrf = /name="csrf" value="(\w+\.\w+)"/.exec(response.text)?.[1] ?? this.csrf;
    return response;
  }

  post(path: string, fields: Record<string, string> = {}) {
    return this.agent
      .post(path)
      .type("form")
      .send({ csrf: this.csrf, ...fields });
  }

  /** Posts, follows, and tells what the next page says about it. */
  async does(path: string, fields: Record<string, string>): Promise<string> {
    const { headers } = await this.post(path, fields).expect(303);
    const { text } = await this.get(headers.location ?? "");
    return /class="said[^>]*>(.*?)<\/div>/s.exec(text)?.[1]?.replace(/<[^>]+>/g, "") ?? "";
  }
}

/** What an open page of the browser hears, event by event; undefined once the gateway has ended it. */
async function eventsOf(browser: Browser): Promise<() => Promise<string | undefined>> {
  const { cookies: cookie } = (await browser.agent.get("/")).request;
  const { port } = server.address() as AddressInfo;
  const { body } = await fetch(`http://127.0.0.1:${port}/live`, { headers: { cookie } });
  if (!body) throw new Error("no stream");
  onTestFinished(() => server.closeAllConnections());
  const events = body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  return async () => (await events.next()).value;
}

/** What of a page is replaced where something changes, by its name. */
function liveOf(text: string): Record<string, string> {
  const parts = [...text.matchAll(/<(\w+)[^>]* data-live="([^"]+)"[^>]*>([\s\S]*?)<\/\1>/g)];
  return Object.fromEntries(parts.map(([, , name, inner]) => [name, inner ?? ""]));
}

const PAGES = ["/", "/whatsapp", "/whatsapp?list=denied", "/settings", "/activity", "/activity?show=messages", "/link"];
type Form = [path: string, fields: Record<string, string>];
const FORMS: Form[] = [
  ["/whatsapp/decide", { do: "approve", code: "" }],
  ["/whatsapp/undo", { decision: "x" }],
  ["/whatsapp/allow", { do: "approve", number: "+1 555 000 7777" }],
  ["/whatsapp/talk", { do: "forget", code: "" }],
  ["/settings/silent", { to: "off" }],
  ["/settings/responder", { to: "pause" }],
  ["/settings/token", { do: "rotate" }],
  ["/settings/old-token", {}],
  ["/settings/invites", { label: "Bob" }],
  ["/settings/invites/revoke", { id: "x" }],
  ["/link", {}],
  ["/link/logout", {}],
];

/** Where who is not signed in and asks for a page is sent. */
function signInFor(path: string): string {
  return ["/", "/live"].includes(path) ? "/sign-in" : `/sign-in?${new URLSearchParams({ said: "needed", back: path })}`;
}

const ROOT = { door: "cli", who: "root" } as const;

/** Nothing of what the forms would do has happened. */
async function nothingChanged(): Promise<void> {
  expect(house.gateway.silent.on()).toBe(true);
  expect(house.gateway.responder.paused).toBe(false);
  expect(house.access.revealToken()).toBe(TOKEN);
  expect(house.access.invites()).toEqual([]);
  expect(house.access.counts()).toEqual({ approved: 0, denied: 0, pending: 0 });
  expect(link.asked).toEqual([]);
}

it("no page shows a secret of the settings", async () => {
  const browser = await Browser.signedIn();
  for (const path of PAGES) {
    const { text } = await browser.get(path);
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(ACCESS_TOKEN);
  }
  expect((await browser.get("/settings")).text).toMatch(/responder\.apiKey[\s\S]*?set, not shown/);
});

it("without a pairing token the pages say that nobody can enter, but where pairing is open that everyone does", async () => {
  const browser = await Browser.signedIn();
  vi.spyOn(house.access, "token").mockReturnValue(undefined);
  const pages = async () => [(await browser.get("/")).text, (await browser.get("/whatsapp")).text];
  for (const text of await pages()) expect(text).toContain("There is no pairing token, so nobody can enter");
  vi.spyOn(house.access, "isOpen").mockReturnValue(true);
  const [overview, lists] = await pages();
  expect(overview).not.toContain("nobody can enter");
  expect(lists).toContain("Nobody is pending. Pairing is open: everyone who writes to the bot’s number appears here.");
});

describe("the door", () => {
  it("the sign-in says only what it has to say, whatever its address asks for", async () => {
    for (const said of ["__defineGetter__", "__proto__", "constructor", "toString", "nonsense"]) {
      const { text } = await new Browser().get(`/sign-in?said=${said}`);
      expect(text).not.toContain('role="status"');
    }
    expect((await new Browser().get("/sign-in?said=signed-out")).text).toContain("You are signed out.");
  });

  it("every page and form leads whoever is not signed in to the sign-in, and changes nothing", async () => {
    for (const path of [...PAGES, "/live", "/nowhere"])
      await request(server).get(path).expect(303).expect("location", signInFor(path));
    for (const [path, fields] of FORMS) {
      await request(server)
        .post(path)
        .type("form")
        .send(fields)
        .expect(303)
        .expect("location", "/sign-in?said=not-done");
    }
    expect((await request(server).get("/sign-in?said=not-done")).text).toContain("nothing was changed");
    await nothingChanged();
  });

  it("after the sign-in one is where one wanted to be, and on no page but ours", async () => {
    const browser = new Browser();
    const { headers } = await browser.agent.get("/whatsapp?list=denied").expect(303);
    const { text } = await browser.get(headers.location ?? "");
    expect(text).toContain("sign in to see that page");
    const back = /name="back" value="([^"]+)"/.exec(text)?.[1]?.replaceAll("&#x3D;", "=") ?? "";
    const wrong = await browser.post("/sign-in", { token: "a guess", back }).expect(403);
    expect(wrong.text).toContain('name="back" value="/whatsapp?list');
    await browser.post("/sign-in", { token: ACCESS_TOKEN, back }).expect("location", "/whatsapp?list=denied");
    for (const evil of ["//evil.example/", "https://evil.example/", "/\\evil.example"]) {
      const other = new Browser();
      await other.get(`/sign-in?back=${encodeURIComponent(evil)}`);
      await other.post("/sign-in", { token: ACCESS_TOKEN, back: evil }).expect("location", "/");
    }
  });

  it("an expired session is told so, and its forms change nothing", async () => {
    const browser = await Browser.signedIn();
    house.time.now += DAY + MINUTE;
    for (const [path, fields] of FORMS) {
      await browser.post(path, fields).expect(303).expect("location", "/sign-in?said=ended");
    }
    expect((await browser.get("/sign-in?said=ended")).text).toContain("Your session has ended");
    await nothingChanged();
  });

  it("a wrong token is refused, ten times, then everything for 15 minutes", async () => {
    const browser = new Browser();
    await browser.get("/sign-in");
    for (let tries = 0; tries < 10; tries++) await browser.post("/sign-in", { token: `guess${tries}` }).expect(403);
    expect((await browser.post("/sign-in", { token: ACCESS_TOKEN }).expect(429)).text).toContain("wait 15 minutes");
  });

  it("whoever guesses locks nobody out who has a link", async () => {
    const browser = new Browser();
    await browser.get("/sign-in");
    for (let tries = 0; tries < 11; tries++) await browser.post("/sign-in", { token: `wrong ${tries}` });
    const link = new URL(signIn.link("whatsapp", house.access)?.url ?? "").searchParams.get("link") ?? "";
    await browser.post("/sign-in", { link: `${link}x` }).expect(429);
    await browser.post("/sign-in", { link }).expect(303);
    await browser.get("/");
  });

  it("says where the access token is, and offers the chat only where its link works on a phone", async () => {
    const text = async (): Promise<string> => (await new Browser().get("/sign-in")).text;
    expect(await text()).toMatch(
      /what dashboard\.accessToken is set to[\s\S]*<code>\/dashboard<\/code> in the admin chat/,
    );
    expect(await text()).not.toContain("was printed");
    Object.defineProperty(signIn, "isOnPhones", { value: false });
    Object.defineProperty(signIn, "printable", { value: ACCESS_TOKEN });
    expect(await text()).not.toContain("admin chat");
    expect(await text()).toContain("It was printed when the gateway started.");
  });

  it("a link is not used up by looking, signs in once, and is void after 5 minutes or by a newer one", async () => {
    const linkOf = (): string => new URL(signIn.link("cli", house.access)?.url ?? "").searchParams.get("link") ?? "";
    const first = linkOf();
    const browser = new Browser();
    for (let looks = 0; looks < 3; looks++) await browser.get(`/sign-in?link=${first}`);
    await browser.post("/sign-in", { link: first }).expect(303);
    await browser.get("/settings");
    const other = new Browser();
    await other.get("/sign-in");
    await other.post("/sign-in", { link: first }).expect(410);

    const voided = linkOf();
    const late = linkOf();
    await other.post("/sign-in", { link: voided }).expect(410);
    house.time.now += 5 * MINUTE;
    await other.post("/sign-in", { link: late }).expect(410);
    await other.get(`/sign-in?link=${late}`, 410);
  });

  it("whoever is signed in already goes on from a sign-in of before: the way back, another tab, a second press", async () => {
    const link = new URL(signIn.link("cli", house.access)?.url ?? "").searchParams.get("link") ?? "";
    const browser = new Browser();
    await browser.get(`/sign-in?link=${link}`);
    const before = browser.csrf;
    await browser.post("/sign-in", { link, back: "/settings" }).expect(303);
    await browser.get("/sign-in", 303);
    await browser.get(`/sign-in?link=${link}`, 303);
    await browser
      .post("/sign-in", { link, back: "/settings", csrf: before })
      .expect(303)
      .expect("location", "/settings");
  });

  it("a link is void where the clock was set back: nobody knows how old it is", async () => {
    const link = new URL(signIn.link("cli", house.access)?.url ?? "").searchParams.get("link") ?? "";
    house.time.now -= 60 * MINUTE;
    const browser = new Browser();
    await browser.get(`/sign-in?link=${link}`, 410);
    await browser.post("/sign-in", { link }).expect(410);
  });

  it("signing out ends the session for whoever has the cookie", async () => {
    const browser = await Browser.signedIn();
    const cookie = (await browser.agent.get("/")).request.cookies;
    await browser.post("/sign-out").expect(303).expect("location", "/sign-in?said=signed-out");
    await request(server).get("/").set("cookie", cookie).expect(303);
  });

  it("signing out ends the live events of that session, and of no other", async () => {
    const [mine, others] = [await Browser.signedIn(), await Browser.signedIn()];
    const [next, othersNext] = [await eventsOf(mine), await eventsOf(others)];
    expect(await next()).toContain("event: change");
    expect(await othersNext()).toContain("event: change");
    await mine.post("/sign-out").expect(303);
    expect(await next()).toBeUndefined();
    house.link = "unlinked";
    expect(await othersNext()).toContain("event: change");
  });

  it.each([
    ["another owner", { setup: "own-number", person: person("+1 555 000 8888"), confirmed: true }],
    ["a lock", { setup: "own-number", person: OWNER, confirmed: true, locked: "the phone is lost" }],
  ] as const)("%s ends sessions and sign-in links from before, and those alone", async (_, owner) => {
    const link = new URL(signIn.link("whatsapp", house.access)?.url ?? "").search;
    const browser = await Browser.signedIn();
    await house.access.setOwner(owner, ROOT);
    await browser.get("/", 303);
    await browser.get(`/sign-in${link}`, 410);
    await (await Browser.signedIn()).get("/");
  });

  it("an open page hears at once of a lock, which ends its session", async () => {
    const next = await eventsOf(await Browser.signedIn());
    expect(await next()).toContain("event: change");
    await house.access.setOwner(
      { setup: "own-number", person: OWNER, confirmed: true, locked: "the phone is lost" },
      ROOT,
    );
    expect(await next()).toContain("event: change");
  });

  it("a browser that signed in before there was an owner is theirs once there is one", async () => {
    const before = house.access.owner();
    if (!before) throw new Error("no owner");
    await house.access.setOwner({ setup: "self", person: {}, confirmed: true }, ROOT);
    const browser = await Browser.signedIn();
    await house.access.setOwner(before, ROOT);
    await browser.get("/");
    await house.access.setOwner({ ...before, person: person("+1 555 000 8888") }, ROOT);
    await browser.get("/", 303);
  });

  it("the cookie is HttpOnly, SameSite=Strict, and Secure where the public address is TLS", async () => {
    const browser = new Browser();
    await browser.get("/sign-in");
    const { headers } = await browser.post("/sign-in", { token: ACCESS_TOKEN });
    expect(String(headers["set-cookie"])).toMatch(/kafclaw-session-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict/);
    const publicly = await request(server).get("/sign-in").set("host", "bot.example.org");
    expect(String(publicly.headers["set-cookie"])).toContain("; Secure");
  });
});

describe("other web pages", () => {
  it("a gateway on another port of this machine has cookies of other names, so that it signs nobody out", async () => {
    const other = createServer((incoming, response) => server.emit("request", incoming, response));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const namesAt = async (at: Server): Promise<string[]> => {
      const { cookies } = (await (await Browser.signedIn(at)).agent.get("/")).request;
      return String(cookies).match(/kafclaw-[\w-]+(?==)/g) ?? [];
    };
    const names = await namesAt(server);
    expect(names).toHaveLength(2);
    expect((await namesAt(other)).filter((name) => names.includes(name))).toEqual([]);
  });

  it("browsers ask each time whether their script and style are the newest", async () => {
    for (const path of ["/assets/kafclaw.js", "/assets/kafclaw.css", "/assets/pico.css"]) {
      const { headers } = await request(server).get(path).expect(200);
      expect(headers["cache-control"]).toBe("public, max-age=0");
      const since = headers["last-modified"] ?? "";
      await request(server).get(path).set("if-modified-since", since).expect(304);
    }
  });

  it("a name that was made to point here (DNS rebinding) gets nothing", async () => {
    for (const path of [...PAGES, "/sign-in", "/assets/kafclaw.js"]) {
      await request(server).get(path).set("host", "evil.example").expect(421);
    }
  });

  it("a browser is told in words where to go, a program in JSON", async () => {
    const html = "text/html,application/xhtml+xml,*/*;q=0.8";
    const host = await request(server).get("/").set({ host: "evil.example", accept: html }).expect(421);
    expect(host.text).toMatch(/^This is KafClaw.*: open https:\/\/bot\.example\.org, or set dashboard\.publicUrl/);
    const origin = await request(server)
      .post("/sign-in")
      .set({ origin: "https://evil.example", accept: html })
      .expect(403);
    expect(origin.text).toMatch(/nothing was changed\. Open the dashboard/);
    const { body } = await request(server).get("/api/v1/status").set("host", "evil.example").expect(421);
    expect(body.error.code).toBe("wrong-host");
  });

  it("what is neither a look nor a form is not allowed, whoever asks", async () => {
    const browser = await Browser.signedIn();
    for (const path of ["/", "/settings/silent"]) {
      for (const method of ["put", "patch", "delete"] as const) {
        await browser.agent[method](path).expect(405).expect("allow", "GET, HEAD, POST");
      }
    }
    await nothingChanged();
  });

  it("an Origin that is not ours changes nothing, another port of this machine neither", async () => {
    const browser = await Browser.signedIn();
    const { port } = server.address() as AddressInfo;
    for (const origin of [
      "https://evil.example",
      "null",
      `http://127.0.0.1:${port + 1}`,
      `https://127.0.0.1:${port}`,
    ]) {
      for (const [path, fields] of FORMS) await browser.post(path, fields).set("origin", origin).expect(403);
      await request(server)
        .post("/api/v1/commands")
        .set({ authorization: `Bearer ${API_TOKEN}`, origin })
        .send({ name: "silent", args: ["off"] })
        .expect(403);
    }
    await nothingChanged();
    await browser.post("/settings/silent", { to: "off" }).set("origin", `http://127.0.0.1:${port}`).expect(303);
    expect(house.gateway.silent.on()).toBe(false);
  });

  it("a form without the CSRF token, or with another's, changes nothing and says so", async () => {
    const browser = await Browser.signedIn();
    const other = await Browser.signedIn();
    for (const [path, fields] of FORMS) {
      for (const csrf of ["", "wrong", other.csrf]) {
        const { text } = await browser.post(path, { ...fields, csrf }).expect(403);
        expect(text).toContain("nothing was changed");
      }
    }
    await nothingChanged();
  });

  it("the headers allow no inline script, no foreign origin and no frame", async () => {
    const { headers, text } = await (await Browser.signedIn()).get("/");
    const policy = String(headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(text).not.toMatch(/<script(?! src="\/assets\/)|style="|onclick|https?:\/\/(?!www\.w3\.org)/);
    expect(headers["cache-control"]).toBe("no-store");
  });
});

describe("what the pages do", () => {
  it("comes back to the longest search, too", async () => {
    const browser = await Browser.signedIn();
    const back = `/whatsapp?${new URLSearchParams({ list: "pending", search: "𐍈文".repeat(66) })}`;
    await browser.post("/settings/silent", { to: "on", back }).expect("location", back);
  });

  it("approves, denies, removes and takes back, in the words of the commands", async () => {
    const alice = await house.knocks("Alice", "+1 555 000 2000");
    const browser = await Browser.signedIn();
    const form = { code: alice.code, back: "/whatsapp" };
    const episode = String(alice.episode);
    expect(await browser.does("/whatsapp/decide", { ...form, do: "approve", state: "pending", episode })).toMatch(
      /^Done\. Approved Alice/,
    );
    expect(house.state(alice)).toBe("approved");
    const { text } = await browser.get("/whatsapp");
    const decision = /name="decision" value="([^"]+)"/.exec(text)?.[1] ?? "";
    expect(await browser.does("/whatsapp/undo", { decision })).toMatch(/^Done\. Undone: Alice/);
    expect(house.state(alice)).toBe("pending");
    expect(await browser.does("/whatsapp/decide", { ...form, do: "block", state: "pending", episode })).toMatch(
      /Denied/,
    );
    expect(house.blocks).toEqual([{ name: "Alice", blocked: true }]);
    expect(await browser.does("/whatsapp/decide", { ...form, do: "remove", state: "denied" })).toMatch(/Removed Alice/);
    const [last] = await house.access.audit({ limit: 1 });
    expect(last?.by).toEqual({ door: "dashboard", who: expect.stringMatching(/^browser \w{4}$/) });
  });

  it("the last decision can be taken back however many come meanwhile, and no decision that /undo would refuse", async () => {
    const alice = await house.knocks("Alice", person("+1 555 000 2000", "2000@lid"));
    await house.cli("approve", alice.code);
    for (let count = 10; count < 40; count++) await house.knocks("", `+1 555 000 40${count}`);
    const browser = await Browser.signedIn();
    const shown = async (page: string) => /Last decision: .*? was \w+/.exec((await browser.get(page)).text)?.[0] ?? "";
    expect(await shown("/whatsapp")).toMatch(/Alice.* was approved$/);
    expect(await shown(`/whatsapp/${alice.code}`)).toMatch(/Alice.* was approved$/);
    const bob = await house.knocks("Bob", person("+1 555 000 3000", "3000@lid"));
    await house.cli("approve", bob.code);
    expect(await shown("/whatsapp")).toMatch(/Bob.* was approved$/);
    await house.access.learn(person("+1 555 000 3000", "9999@lid"));
    expect(await shown("/whatsapp")).toMatch(/Alice.* was approved$/);
    expect(await shown(`/whatsapp/${bob.code}`)).toBe("");
    house.time.now += 11 * MINUTE;
    expect(await shown("/whatsapp")).toBe("");
  });

  it("Activity says in words what the machine did, too", async () => {
    const owner = { setup: "own-number", person: OWNER, confirmed: true, locked: "lost" } as const;
    await house.access.setOwner(owner, { door: "cli", who: "olga" });
    const alice = await house.knocks("Alice", "+1 555 000 2000");
    await house.cli("approve", alice.code);
    await house.cli("undo");
    const { text } = await (await Browser.signedIn()).get("/activity");
    for (const words of ["owner locked", "entered the queue", "approved", "set back"]) expect(text).toContain(words);
    expect(text).not.toContain("owner-locked");
  });

  it("a block on an old page is not told as done where nobody was blocked", async () => {
    const alice = await house.knocks("Alice", "+1 555 000 2000");
    const browser = await Browser.signedIn();
    const form = { code: alice.code, state: "pending", episode: String(alice.episode) };
    await browser.does("/whatsapp/decide", { ...form, do: "deny" });
    expect(await browser.does("/whatsapp/decide", { ...form, do: "block" })).toMatch(/Nothing changed/);
    expect(house.access.byId(alice._id)?.blocked).not.toBe(true);
  });

  it("a second click finds what the first one did, and is no failure", async () => {
    const alice = await house.knocks("Alice", "+1 555 000 2000");
    const browser = await Browser.signedIn();
    const form = { code: alice.code, state: "pending", episode: String(alice.episode), do: "approve" };
    await browser.does("/whatsapp/decide", form);
    const decided = house.access.auditCount({});
    expect(await browser.does("/whatsapp/decide", form)).toMatch(
      /^Done\. Alice \(\w{4}\) is approved already \(was approved on the dashboard, [\d:]+\)\.$/,
    );
    expect(house.access.auditCount({})).toBe(decided);
  });

  it("an old page changes nothing: decided meanwhile, another episode, an unknown code", async () => {
    const alice = await house.knocks("Alice", "+1 555 000 2000");
    const browser = await Browser.signedIn();
    const old = { code: alice.code, state: "pending", episode: String(alice.episode) };
    await house.cli("deny", alice.code);
    expect(await browser.does("/whatsapp/decide", { ...old, do: "approve" })).toMatch(
      /^Not done\. Nothing changed: Alice.*denied/,
    );
    await house.cli("remove", alice.code);
    await house.knocks("Alice", "+1 555 000 2000");
    expect(await browser.does("/whatsapp/decide", { ...old, do: "approve" })).toMatch(/^Not done/);
    expect(await browser.does("/whatsapp/decide", { ...old, code: "ZZZZ", do: "approve" })).toMatch(
      /Nobody has that code/,
    );
    expect(await browser.does("/whatsapp/decide", { ...old, do: "dance" })).toMatch(/nothing changed/);
    expect(house.state(alice)).toBe("pending");
  });

  it("lets a typed number in, and nothing that is none", async () => {
    const browser = await Browser.signedIn();
    expect(await browser.does("/whatsapp/allow", { do: "approve", number: "+1 555 000 7777" })).toMatch(
      /Approved.*was not pending/,
    );
    for (const number of ["alice", "all", "--block", "12"]) {
      expect(await browser.does("/whatsapp/allow", { do: "approve", number })).toMatch(/^Not done/);
    }
    expect(house.access.counts().approved).toBe(1);
  });

  it("shuts a typed number out; a number that is refused stays in its box", async () => {
    const browser = await Browser.signedIn();
    expect(await browser.does("/whatsapp/allow", { do: "deny", number: "+1 555 000 7777" })).toMatch(/^Done\. Denied/);
    expect(house.access.counts().denied).toBe(1);
    const { headers } = await browser.post("/whatsapp/allow", { do: "approve", number: "555-12" });
    expect((await browser.get(headers.location ?? "")).text).toContain('id="number" name="number" value="555-12"');
    expect(await browser.does("/whatsapp/allow", { number: "+1 555 000 8888" })).toMatch(/did not say what to do/);
  });

  it("a stranger's own page lets them in or shuts them out; who is in or out can be blocked as well", async () => {
    const alice = await house.knocks("Alice", "+1 555 000 2000");
    await house.cli("remove", alice.code);
    const browser = await Browser.signedIn();
    const press = async (title: string): Promise<string> => {
      const { text } = await browser.get(`/whatsapp/${alice.code}`);
      const wish = new RegExp(`name="do" value="(\\w+)"[^>]*>${title}<`).exec(text)?.[1] ?? "no such button";
      const [, state = "", episode = ""] = /name="state" value="(\w+)"><input[^>]*value="(\d+)"/.exec(text) ?? [];
      return browser.does("/whatsapp/decide", { do: wish, code: alice.code, state, episode });
    };
    expect(await press("Approve")).toMatch(/^Done\. Approved Alice/);
    expect(await press("Deny and block")).toMatch(/^Done\. Denied Alice.*Blocked/);
    expect(await press("Block")).toMatch(/^Not done/);
    await press("Remove");
    expect(await press("Deny")).toMatch(/^Done\. Denied Alice/);
    expect(house.access.byId(alice._id)?.blocked).not.toBe(true);
    expect(await press("Block")).toMatch(/^Done\..*Alice.*Blocked at WhatsApp too/);
    expect(house.blocks.at(-1)).toEqual({ name: "Alice", blocked: true });
  });

  it("answers who wrote in silent mode or in a pause, all or one, and forgets a conversation", async () => {
    const [alice, bob] = [await house.knocks("Alice", "+1 555 000 2000"), await house.knocks("Bob", "+1 555 000 3000")];
    const browser = await Browser.signedIn();
    for (const { code } of [alice, bob]) await house.cli("approve", code);
    expect((await browser.get("/settings")).text).not.toContain("nobody has answered");
    house.backlog.set(alice._id, 2).set(bob._id, 1);
    const quiet = (await browser.get("/settings")).text;
    expect(quiet).toMatch(
      /2 buddies wrote[\s\S]*Alice[\s\S]*\(2\)[\s\S]*Once silent mode is off, they can be answered here/,
    );
    expect(quiet).not.toContain("Answer them all");
    await house.cli("silent", "off");
    expect((await browser.get("/settings")).text).toContain("Answer them all");
    expect((await browser.get(`/whatsapp/${alice.code}`)).text).toMatch(/2 messages came .* and wait for an answer/);
    const talk = (wish: string) => browser.does("/whatsapp/talk", { do: wish, code: alice.code });
    expect(await talk("answer")).toMatch(/^Done\. Answering 2 messages of Alice/);
    expect(await browser.does("/settings/responder", { to: "answer" })).toMatch(/^Done\. Answering 1 message of Bob/);
    expect((await browser.get(`/whatsapp/${alice.code}`)).text).toMatch(/begins anew with <bdi>Alice[\s\S]*dropped/);
    expect(await talk("forget")).toMatch(/^Done\. The conversation with Alice .* is forgotten/);
    expect(await talk("dance")).toMatch(/^Not done/);
    expect(house.responded).toEqual(["answer Alice", "answer Bob", "forget Alice"]);
  });

  it("an invite that was refused is there still, as it was typed", async () => {
    const browser = await Browser.signedIn();
    const typed = { label: "Carl & Co", days: "91", auto: "yes", number: "+1 555" };
    const { headers } = await browser.post("/settings/invites", typed);
    const { text } = await browser.get(headers.location ?? "");
    expect(text).toContain("Not done.");
    expect(text).toContain('<details id="invite" open>');
    for (const value of ["Carl &amp; Co", "91", "+1 555"]) expect(text).toContain(`value="${value}"`);
    expect(text).toContain('value="yes" checked');
  });

  it.each([
    ["model", false, /Buddies are answered\./],
    ["model", true, /greeted, but not answered: the responder is paused/],
    ["relay", false, /come to your admin chat, and your replies go back/],
    ["off", false, /nothing answers them: no model is set/],
  ] as const)("with silent mode off it says what happens: %s, paused %s", async (mode, paused, words) => {
    Object.assign(house.gateway.responder, { mode, paused });
    const browser = await Browser.signedIn();
    await house.cli("silent", "off");
    for (const path of ["/", "/settings"]) expect((await browser.get(path)).text).toMatch(words);
  });

  it("silent mode goes off for a while and on again; nonsense leaves it as it is", async () => {
    const browser = await Browser.signedIn();
    expect(await browser.does("/settings/silent", { to: "off", for: "for ever" })).toMatch(/^Not done/);
    expect(await browser.does("/settings/silent", { to: "perhaps" })).toMatch(/^Not done/);
    expect(house.gateway.silent.on()).toBe(true);
    expect(await browser.does("/settings/silent", { to: "off", for: "2h" })).toMatch(/^Done.*off until/);
    expect((await browser.get("/")).text).toContain("It returns to silent by itself");
    await house.wait(2 * 60 * MINUTE);
    expect((await browser.get("/")).text).toContain('aria-checked="true"');
  });

  it("what is said names the page's own buttons, and no command that nobody can type there", async () => {
    const browser = await Browser.signedIn();
    expect(await browser.does("/settings/silent", { to: "off" })).toContain("“Silent Mode” stops that");
    expect(await browser.does("/settings/silent", { to: "on" })).toContain("“Silent Mode” ends it.");
    expect(await browser.does("/settings/responder", { to: "pause" })).toContain("paused: “Resume” starts it again.");
    const { code, episode } = await house.knocks("Alice", "+1 555 000 2000");
    const wish = { do: "deny", code, state: "pending", episode: String(episode) };
    expect(await browser.does("/whatsapp/decide", wish)).toContain("and “Remove” frees them");
    expect(await browser.does("/whatsapp/allow", { do: "approve", number: "+1 555 000 2000" })).toMatch(
      /Not done.*“Remove” first/,
    );
  });

  it("the responder goes on only where the form says so", async () => {
    const browser = await Browser.signedIn();
    expect(await browser.does("/settings/responder", { to: "pause" })).toContain("paused");
    for (const to of ["", "nonsense"]) {
      expect(await browser.does("/settings/responder", { to })).toMatch(/Not done\..*did not say what to do/);
      expect(house.gateway.responder.paused).toBe(true);
    }
    expect(await browser.does("/settings/responder", { to: "resume" })).toContain("Done.");
  });

  it("an invite that is refused is told of by the fields of its form, not by the options of the command", async () => {
    const browser = await Browser.signedIn();
    const wrong: [Record<string, string>, string][] = [
      [{ label: "-Bob" }, "For whom? Write a name that begins with no dash."],
      [{ label: "Bob", days: "-1" }, "“Works for so many days” takes a whole number from 1 to 90, not -1."],
      [
        { label: "Bob", number: "+1 555 000 2000" },
        "“Only for this number” goes with “Approve at once whoever uses it”",
      ],
      [{ label: "Bob", number: "abc", auto: "yes" }, "“Only for this number” takes a number with country code"],
    ];
    for (const [typed, sentence] of wrong)
      expect(await browser.does("/settings/invites", typed)).toContain(`Not done. ${sentence}`);
  });

  it("an invite is for somebody, and not for a word of its command", async () => {
    const browser = await Browser.signedIn();
    expect(await browser.does("/settings/invites", { label: "List" })).toMatch(/Not done\..*another name/);
    const long = { label: "Eve", auto: "yes", number: "1".repeat(201) };
    expect((await browser.post("/settings/invites", long)).status).toBe(400);
    expect((await browser.post("/settings/silent", { to: "off", for: "1h".repeat(101) })).status).toBe(400);
    expect(house.gateway.silent.on()).toBe(true);
    expect(await browser.does("/settings/invites", { label: " " })).toMatch(/Not done\. For whom\? Write a name/);
    expect(house.access.invites()).toEqual([]);
  });

  it("who came with an old token is named before they are removed, and nobody is offered where there is none", async () => {
    const browser = await Browser.signedIn();
    const alice = await house.knocks("Alice", "+1 555 000 2000");
    expect((await browser.get("/settings")).text).not.toContain("old token");
    await house.cli("token", "rotate");
    expect((await browser.get("/settings")).text).toMatch(/stranger again of <bdi>Alice<[\s\S]*Remove this one</);
    const codes = alice.code;
    const bob = await house.knocks("Bob", "+1 555 000 3000", house.access.revealToken());
    await house.cli("token", "rotate");
    expect(await browser.does("/settings/old-token", { codes })).toContain(`Nothing changed: Bob (${bob.code}) came`);
    expect([alice, bob].map((who) => house.state(who))).toEqual(["pending", "pending"]);
    await house.cli("deny", bob.code);
    expect((await browser.get("/settings")).text).toContain(`name="codes" value="${codes}"`);
    expect(await browser.does("/settings/old-token", { codes })).toMatch(/^Done\. Removed 1 sender/);
    expect(house.state(alice)).toBe("stranger");
  });

  it("the overview takes the last decision back as well", async () => {
    const alice = await house.knocks("Alice", "+1 555 000 2000");
    await house.cli("approve", alice.code);
    const browser = await Browser.signedIn();
    const decision = /name="decision" value="([^"]+)"/.exec((await browser.get("/")).text)?.[1] ?? "";
    expect(await browser.does("/whatsapp/undo", { decision, back: "/" })).toMatch(/^Done\. Undone: Alice/);
  });

  it("open pages hear of a sixth message of somebody pending, and of a full disk", async () => {
    const alice = await house.knocks("Alice", "+1 555 000 2000");
    const hold = (index: number) =>
      house.access.hold(alice, { journalId: `j${index}`, at: house.time.now, preview: `message ${index}` });
    for (let index = 1; index <= 5; index++) await hold(index);
    const next = await eventsOf(await Browser.signedIn());
    expect(await next()).toContain("event: change");
    await hold(6);
    expect(await next()).toContain("event: change");
    Object.assign(house.gateway, { trouble: () => "The disk is full." });
    expect(await next()).toContain("event: change");
    house.backlog.set(alice._id, 1);
    expect(await next()).toContain("event: change");
  });

  it("how many more are pending, the pager, and the state of somebody are of what changes live", async () => {
    const browser = await Browser.signedIn();
    const alice = await house.knocks("Alice", "+1 555 000 2000");
    expect(liveOf((await browser.get("/")).text).more).toBe("");
    expect(liveOf((await browser.get("/whatsapp?list=approved")).text).pager).toBe("");
    for (let index = 1; index <= 5; index++) await house.knocks(`Bob ${index}`, `+1 555 000 300${index}`);
    for (let index = 100; index <= 150; index++) await house.access.approve(person(`+1 555 000 4${index}`), ROOT);
    expect(liveOf((await browser.get("/")).text).more).toContain("and 1 more");
    expect(liveOf((await browser.get("/whatsapp?list=approved")).text).pager).toContain("Page 1 of 2");
    expect(liveOf((await browser.get(`/whatsapp/${alice.code}`)).text).facts).toContain("pending, since");
  });

  it("the live events end at once for whoever asks for their head alone", async () => {
    const browser = await Browser.signedIn();
    await browser.agent.head("/live").timeout(5_000).expect(200).expect("content-type", "text/event-stream");
  });

  it("what was done is told on the page it leads to, whatever else the browser looks at before", async () => {
    const browser = await Browser.signedIn();
    await browser.post("/settings/silent", { to: "off" }).expect(303).expect("location", "/settings");
    await browser.agent.head("/settings");
    await browser.agent.get("/settings").set("sec-purpose", "prefetch;prerender");
    expect((await browser.get("/activity")).text).not.toContain("Done.");
    expect((await browser.get("/settings")).text).toContain("Done.");
    expect((await browser.get("/settings")).text).not.toContain("Done.");
  });

  it("the token is masked, is shown once when asked for, and is replaced", async () => {
    const browser = await Browser.signedIn();
    expect((await browser.get("/settings")).text).not.toContain(TOKEN);
    expect(await browser.does("/settings/token", { do: "reveal" })).toContain(TOKEN);
    expect((await browser.get("/settings")).text).not.toContain(TOKEN);
    await browser.does("/settings/token", { do: "rotate" });
    expect(house.access.revealToken()).not.toBe(TOKEN);
  });

  it("an invite has a page with its link and QR, until it is revoked", async () => {
    const browser = await Browser.signedIn();
    const { headers } = await browser.post("/settings/invites", { label: "<i>Bob" }).expect(303);
    const { text } = await browser.get(headers.location ?? "");
    const [invite] = house.access.invites();
    expect(text).toContain(`https://wa.me/15550009000?text&#x3D;${invite?.token}`);
    expect(text).toContain("<svg");
    expect(text).toContain("Invite for &lt;i&gt;Bob");
    expect(await browser.does("/settings/invites/revoke", { id: invite?._id ?? "" })).toMatch(/void/);
    expect((await browser.get(headers.location ?? "")).text).not.toContain(invite?.token);
  });

  it("I9: what senders write is text on every page", async () => {
    const evil = '"><img src=x onerror=alert(1)>';
    const contact = await house.knocks(evil, "+1 555 000 2000");
    const browser = await Browser.signedIn();
    const searched = `/whatsapp?search=${encodeURIComponent(evil)}`;
    for (const path of [...PAGES, searched, `/whatsapp/${contact.code}`, "/activity?show=sent"]) {
      const { text } = await browser.get(path);
      expect(text).not.toContain("<img src=x");
      expect(text).not.toContain("<b>hi</b>");
    }
  });

  it("what was held back says why", async () => {
    const { text } = await (await Browser.signedIn()).get("/activity?show=sent&only=suppressed");
    expect(text).toContain("held back, as this was no buddy");
  });

  it("odd addresses and bodies get a page that says so: page 9999, a wrong list, unknown people, 1 MB, nonsense", async () => {
    const browser = await Browser.signedIn();
    await browser.get("/whatsapp?page=9999&list=approved");
    await browser.get("/whatsapp?page=-1&list=nobody&search[]=x");
    await browser.get("/activity?show=nonsense&only=%F0%9F%92%A9&page=0x10");
    expect((await browser.get("/whatsapp/ZZZZ", 404)).text).toContain("nothing under this address");
    await browser.get("/settings/invites/none", 404);
    const huge = await browser.post("/whatsapp/allow", { number: "1".repeat(1_000_000) }).expect(413);
    expect(huge.text).toContain("at most 64 kB");
    const broken = await browser.agent
      .post("/whatsapp/allow")
      .set("content-type", "application/x-www-form-urlencoded; charset=klingon")
      .send("a=b");
    expect(broken.status).toBe(415);
    for (const { text } of [huge, broken]) expect(text).not.toMatch(/ at .*\.(ts|js):/);
    await nothingChanged();
  });

  it("a form leads back only to pages of ours", async () => {
    const browser = await Browser.signedIn();
    for (const back of ["//evil.example/", "/\\evil.example", "https://evil.example/", "javascript:alert(1)"]) {
      await browser.post("/settings/silent", { to: "on", back }).expect("location", "/settings");
    }
  });

  it("begins to link with a number, and refuses one that is none", async () => {
    const browser = await Browser.signedIn();
    await browser.does("/link", { phone: "+1 555 000 9000" });
    expect(await browser.does("/link", { phone: "12" })).toMatch(/is no full phone number/);
    expect(link.asked).toEqual([{ phone: "15550009000" }]);
    const { headers } = await browser.post("/link", { phone: "1 2" });
    house.link = "unlinked";
    expect((await browser.get(headers.location ?? "")).text).toContain('name="phone" value="1 2"');
    link.event = { event: "qr", data: "x" };
    expect((await browser.get("/link")).text).toContain("Stop linking");
    expect(await browser.does("/link/cancel", {})).toContain("Linking is stopped.");
    expect(link.asked.at(-1)).toEqual({ cancelled: true });
  });

  it("what the link wants is said with the page's own button", async () => {
    const browser = await Browser.signedIn();
    link.event = {
      event: "error",
      code: "logged-out",
      message: "Logged out. Run kafclaw whatsapp-auth to link again.",
    };
    const remedy = "Update WhatsApp on the phone; then run kafclaw whatsapp-auth.";
    const state = { code: "loggedOut", sentence: "Logged out.", remedy, since: house.time.now } as const;
    Object.assign(house.gateway, { link: () => state });
    expect((await browser.get("/")).text).toContain("then press “Link this device”.");
    const { text } = await browser.get("/link");
    expect(text).toContain("Press “Begin to link” to link again.");
    expect(text).not.toContain("kafclaw whatsapp-auth");
  });

  it("an open page of the link gets its forms, and loses them, as the link changes", async () => {
    const browser = await Browser.signedIn();
    const open = liveOf((await browser.get("/link")).text);
    expect(open.begin).not.toContain("<form");
    expect(open.account).toContain("Unlink this device");
    link.event = { event: "qr", data: "x" };
    house.link = "unlinked";
    Object.assign(house.gateway, { me: () => undefined });
    const linking = liveOf((await browser.get("/link")).text);
    expect(linking.begin).toContain("Stop linking");
    expect(linking.hangs).toContain("When it hangs");
    expect(linking.account).toBe("");
  });

  it("however many contacts there are, every page stays under 100 kB", async () => {
    for (let index = 0; index < 500; index++) {
      const contact = person(`+1555${String(1_000_000 + index)}`);
      const name = `Somebody with a long name ${index}`;
      await house.access.approve(contact, { door: "cli", who: "bench" }, { name });
    }
    const browser = await Browser.signedIn();
    for (const path of [...PAGES, "/whatsapp?list=approved&page=7", "/whatsapp?list=approved&search=name"]) {
      const { text } = await browser.get(path);
      expect(Buffer.byteLength(text), path).toBeLessThan(100_000);
    }
  });
});

describe("the API for signed-in browsers", () => {
  it("reads with the cookie, changes only with the CSRF token, and never the owner", async () => {
    const browser = await Browser.signedIn();
    await browser.agent.get("/api/v1/status").expect(200);
    const post = (path: string, body: object) => browser.agent.post(path).send(body);
    const off = { name: "silent", args: ["off"] };
    expect((await post("/api/v1/commands", off).expect(403)).body.error.code).toBe("csrf");
    expect(house.gateway.silent.on()).toBe(true);
    await post("/api/v1/commands", off).set("x-csrf-token", browser.csrf).expect(200);
    expect(house.gateway.silent.on()).toBe(false);
    const owner = { action: "set", owner: "+1 555 000 8888" };
    await post("/api/v1/owner", owner).set("x-csrf-token", browser.csrf).expect(403);
    await post("/api/v1/setup", { owner: "+1 555 000 8888" }).set("x-csrf-token", browser.csrf).expect(403);
    expect(house.access.owner()?.person).toEqual(OWNER);
  });

  it("is described by its OpenAPI document, route by route", async () => {
    const { body } = await request(server).get("/api/v1/openapi.json").set("authorization", `Bearer ${API_TOKEN}`);
    const described = Object.entries<object>(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    const source = await (await import("node:fs/promises")).readFile("src/dashboard/api.ts", "utf8");
    const routes = [...source.matchAll(/router\.(get|post|delete|put|patch)\("([^"]+)"/g)].map(
      ([, method, path]) => `${method} ${path?.replace(/:(\w+)/g, "{$1}")}`,
    );
    expect(described.sort()).toEqual(routes.sort());
    await house.cli("invite", "Bob");
    for (const [path, methods] of Object.entries<object>(body.paths)) {
      for (const method of Object.keys(methods)) {
        const address = `/api/v1${path.replace("{id}", house.access.invites()[0]?._id ?? "")}`;
        const asked = request(server)[method as "get"](address).set("authorization", `Bearer ${API_TOKEN}`);
        expect((await asked).status, `${method} ${path}`).not.toBe(404);
      }
    }
    expect(body.paths["/commands"].post.requestBody.content["application/json"].schema.required).toEqual(["name"]);
  });
});
