import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import request from "supertest";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config.js";
import { listen } from "../../src/dashboard/index.js";
import { createApi } from "../../src/dashboard/web.js";
import { KafclawError } from "../../src/errors.js";
import { DAY, House, TOKEN as PAIRING_TOKEN } from "../admin/house.js";
import { FakeLink } from "./fake-link.js";

const TOKEN = "t0ken-of-this-start";
const SECRET = "sk-of-the-model-0123456789";
const auth = { authorization: `Bearer ${TOKEN}` };

let house: House;
let link: FakeLink;
let server: Server;

beforeEach(async () => {
  house = await House.open();
  await serve();
});

async function serve(): Promise<void> {
  link = new FakeLink();
  const app = createApi({
    access: house.access,
    admin: house.admin,
    gateway: house.gateway,
    link,
    activity: {
      seen: () => Array.from({ length: 51 }, (_, at) => ({ id: String(at), at, verdict: "buddy" })),
      incoming: async (messages) => messages.map(({ at, verdict }) => ({ at, verdict, who: "", name: "", what: "" })),
      outgoing: () => [
        {
          state: "suppressed",
          inWords: () => ({
            at: 0,
            to: "+1 555 000 2000",
            name: "Alice",
            state: "suppressed",
            error: undefined,
            why: "no-buddy",
            what: "hi",
          }),
        },
      ],
    },
    settings: parseConfig(JSON.stringify({ responder: { model: "parrot", apiKey: SECRET } }), {
      KAFCLAW_NOTICES_QUIET: "23:00-7:00",
    }),
    clock: () => house.time.now,
    token: TOKEN,
    by: { door: "cli", who: "olga" },
    random: (size) => new Uint8Array(size),
    host: "127.0.0.1",
    publicUrl: "https://bot.example.org",
    log: { error: () => {} },
  });
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
}

afterEach(async () => {
  server.close();
  await house.close();
});

describe("the door of the API", () => {
  it("healthz needs no token and says three things, no more", async () => {
    const response = await request(server).get("/healthz").expect(200);
    expect(response.body).toEqual({ status: "ok", link: "open", silent: true });
    expect(response.headers).not.toHaveProperty("x-powered-by");
    expect(response.headers["cache-control"]).toBe("no-store");
  });

  it.each([
    ["no token", {}],
    ["a wrong token", { authorization: "Bearer wrong" }],
    ["another scheme", { authorization: `Basic ${TOKEN}` }],
    ["a token with more behind it", { authorization: `Bearer ${TOKEN}x` }],
  ])("%s gets 401, whatever is asked", async (_, headers) => {
    for (const path of ["/api/v1/status", "/api/v1/link", "/api/v1/nothing"]) {
      const { body } = await request(server).get(path).set(headers).expect(401);
      expect(body.error.code).toBe("unauthorized");
    }
    await request(server)
      .post("/api/v1/commands")
      .set(headers)
      .send({ name: "silent", args: ["off"] })
      .expect(401);
    expect(house.gateway.silent.on()).toBe(true);
  });

  it("a name that was made to point here (DNS rebinding) gets nothing, healthz neither", async () => {
    const { port } = server.address() as AddressInfo;
    for (const host of [
      "evil.example",
      `evil.example:${port}`,
      "127.0.0.1",
      `127.0.0.1:${port + 1}`,
      `127.0.0.1.evil:${port}`,
    ]) {
      await request(server).get("/healthz").set("host", host).expect(421);
      await request(server)
        .get("/api/v1/status")
        .set({ ...auth, host })
        .expect(421);
    }
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, "bot.example.org"]) {
      await request(server).get("/healthz").set("host", host).expect(200);
    }
  });

  it("malformed, huge, wrong and unknown requests are told so in JSON, without a stack trace", async () => {
    const post = (path: string) => request(server).post(path).set(auth).set("content-type", "application/json");
    const cases = [
      [await post("/api/v1/commands").send('{"name":'), 400, "bad-request"],
      [await post("/api/v1/commands").send(JSON.stringify({ name: "x".repeat(1_100_000) })), 413, "too-large"],
      [await post("/api/v1/commands").send({ name: 5 }), 400, "bad-request"],
      [await post("/api/v1/commands").send({ name: "status", extra: 1 }), 400, "bad-request"],
      [await post("/api/v1/commands"), 400, "bad-request"],
      [await request(server).get("/api/v1/nothing").set(auth), 404, "not-found"],
      [await request(server).get("/").set(auth), 404, "not-found"],
      [await request(server).get("/api/v1/contacts?state=friends").set(auth), 400, "bad-request"],
      [await request(server).get("/api/v1/contacts?page=0").set(auth), 400, "bad-request"],
    ] as const;
    for (const [{ status, body }, expected, code] of cases) {
      expect(status).toBe(expected);
      expect(body.error).toMatchObject({ code, message: expect.any(String) });
      expect(JSON.stringify(body)).not.toMatch(/\.js:|\.ts:|node_modules/);
    }
  });
});

describe("an address of the API", () => {
  it("names its methods to whoever asks by another, and to OPTIONS", async () => {
    const { body } = await request(server).get("/api/v1/openapi.json").set(auth);
    for (const [path, methods] of Object.entries<object>(body.paths)) {
      const known = Object.keys(methods).flatMap((method) =>
        method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()],
      );
      for (const method of ["get", "post", "put", "patch", "delete"] as const) {
        if (method in methods) continue;
        const asked = await request(server)[method](`/api/v1${path}`).set(auth).expect(405);
        expect(asked.body.error).toMatchObject({ code: "wrong-method", message: expect.stringContaining("not ") });
        expect(asked.headers.allow).toBe(known.join(", "));
      }
      const options = await request(server).options(`/api/v1${path}`).set(auth).expect(204);
      expect(options.headers.allow).toBe(known.join(", "));
      await request(server).put(`/api/v1${path}`).expect(401);
    }
    await request(server).post("/healthz").expect(405).expect("allow", "GET, HEAD");
  });

  it.each([
    ["text/plain", '{"replace":true}'],
    ["application/x-www-form-urlencoded", "phone=15550009000"],
    ["application/json; charset=klingon", "{}"],
    ["", "{}"],
  ])("takes nothing that is not sent as JSON: %j", async (type, text) => {
    const posted = request(server).post("/api/v1/link").set(auth).set("content-type", type).send(text);
    expect((await posted.expect(415)).body.error).toMatchObject({ code: "not-json", message: expect.any(String) });
    expect(link.asked).toEqual([]);
  });

  it("takes no body at all for an empty one", async () => {
    await request(server).post("/api/v1/link").set(auth).expect(202);
    await request(server).post("/api/v1/link/cancel").set(auth).set("content-length", "0").expect(200);
  });
});

describe("the owner through the API", () => {
  it.each([{}, { lock: false }, { lock: true, owner: "+15550008888" }])("is not changed by %j", async (body) => {
    const before = house.access.auditCount({});
    const answer = await request(server).post("/api/v1/owner").set(auth).send(body).expect(400);
    expect(answer.body.error.message).toContain('either {"lock":true} or {"owner":"…"}');
    expect(house.access.auditCount({})).toBe(before);
  });
});

describe("commands through the API", () => {
  const run = (name: string, ...args: string[]) =>
    request(server).post("/api/v1/commands").set(auth).send({ name, args });

  it("I6: decides through the same door as all others, and the audit names it", async () => {
    const { body } = await run("approve", "+15550002000").expect(200);
    expect(body).toMatchObject({ ok: true, error: null, text: expect.stringContaining("Approved") });
    const contacts = await request(server).get("/api/v1/contacts?state=approved").set(auth).expect(200);
    expect(contacts.body).toMatchObject({ total: 1, page: 1, pages: 1 });
    expect(contacts.body.contacts[0]).toMatchObject({ pn: "15550002000@s.whatsapp.net", lid: null, state: "approved" });
    const audit = await request(server).get("/api/v1/audit").set(auth).expect(200);
    expect(audit.body.records[0]).toMatchObject({ to: "approved", by: { door: "cli", who: "olga" } });
  });

  it.each([
    [404, "unknown-command", "aprove", []],
    [404, "unknown-reference", "approve", ["nobody"]],
    [400, "bad-usage", "status", ["now"]],
    [409, "owner", "deny", ["+15550001000"]],
  ] as const)("%i: %s", async (status, code, name, args) => {
    const { body } = await run(name, ...args).expect(status);
    expect(body).toMatchObject({ ok: false, error: { code, message: expect.any(String) } });
  });

  it("status says how things are, and who the owner is", async () => {
    const { body } = await request(server).get("/api/v1/status").set(auth).expect(200);
    expect(body).toMatchObject({
      link: "open",
      silent: true,
      counts: { approved: 0, denied: 0, pending: 0 },
      owner: { setup: "own-number", pn: "15550001000@s.whatsapp.net", confirmed: true, locked: null },
    });
  });

  it("the set-up is all or nothing", async () => {
    const setup = (body: object) => request(server).post("/api/v1/setup").set(auth).send(body);
    await setup({ owner: "+15550005000", allow: ["+15550002000"], deny: ["+1555000200", "120363@g.us"] }).expect(400);
    await setup({ owner: "+15550005000", token: "short" }).expect(400);
    await setup({ owner: "+15550005000", typo: true }).expect(400);
    expect(house.access.owner()?.person.pn).toBe("15550001000@s.whatsapp.net");
    expect(house.access.counts()).toEqual({ approved: 0, denied: 0, pending: 0 });
    const { body } = await setup({ owner: "+15550005000", generateToken: true, allow: ["+15550002000"] }).expect(200);
    expect(body.data.token.length).toBeGreaterThanOrEqual(8);
    expect(house.access.owner()?.person.pn).toBe("15550005000@s.whatsapp.net");
    expect(house.access.counts().approved).toBe(1);
  });

  it("the owner can be locked and named", async () => {
    await request(server).post("/api/v1/owner").set(auth).send({ lock: true }).expect(200);
    expect(house.access.owner()?.locked).toBeDefined();
    await house.knocks("Alice", "+1 555 000 2000");
    const told = () =>
      house.outbox.sent.flatMap(({ parcel }) => (parcel.kind === "text" ? [[parcel.to.pn, parcel.text]] : []));
    expect(told()).toEqual([]);
    await request(server).post("/api/v1/owner").set(auth).send({ owner: "+15550001000" }).expect(200);
    const notice = expect.stringMatching(/New sender.*\nAlice/);
    expect(told()).toEqual([["15550001000@s.whatsapp.net", notice]]);
    await house.wait(1000);
    await request(server).post("/api/v1/owner").set(auth).send({ owner: "+15550005000" }).expect(200);
    expect(told().slice(1)).toEqual([["15550005000@s.whatsapp.net", notice]]);
    expect(house.access.owner()).toMatchObject({ person: { pn: "15550005000@s.whatsapp.net" }, confirmed: true });
  });
});

describe("decisions through the API", () => {
  const decide = (body: object) => request(server).post("/api/v1/decisions").set(auth).send(body);
  const shown = async () => {
    const { body } = await request(server).get("/api/v1/contacts?state=pending").set(auth).expect(200);
    const { code, state, episode } = body.contacts[0];
    return { code, state, episode };
  };

  it("are made about somebody as they were shown, and taken back one by one", async () => {
    const alice = await house.knocks("Alice", "+1 555 000 2000");
    const old = await shown();
    const { body } = await decide({ do: "approve", ...old }).expect(200);
    expect(body).toMatchObject({ ok: true, text: expect.stringContaining("Approved Alice"), error: null });
    const again = await decide({ do: "approve", ...old }).expect(200);
    expect(again.body.text).toMatch(/^Alice \(\w{4}\) is approved already/);
    await house.cli("approve", "+15550003000");
    const { body: audit } = await request(server).get(`/api/v1/audit?contact=${alice._id}`).set(auth);
    expect(audit.records[0]).toMatchObject({ action: "approve", by: { door: "cli", who: "olga" } });
    const { body: byCode } = await request(server).get(`/api/v1/audit?contact=${alice.code}`).set(auth);
    expect(byCode).toEqual(audit);
    const undo = (decision: string) => request(server).post("/api/v1/decisions/undo").set(auth).send({ decision });
    expect((await undo(audit.records[0]._id).expect(200)).body.text).toContain("Undone: Alice");
    expect(house.state(alice)).toBe("pending");
    await undo(audit.records[0]._id).expect(409);
    await undo("nothing").expect(409);
    await decide({ do: "block", ...old }).expect(200);
    expect(house.blocks).toEqual([{ name: "Alice", blocked: true }]);
    await decide({ do: "remove", code: alice.code, state: "denied" }).expect(200);
    expect(house.state(alice)).toBe("stranger");
  });

  it("change nothing where somebody is another by now, nobody is meant, or nothing", async () => {
    const alice = await house.knocks("Alice", "+1 555 000 2000");
    const old = await shown();
    await house.cli("deny", alice.code);
    const { body } = await decide({ do: "approve", ...old }).expect(409);
    expect(body.error).toMatchObject({
      code: "already-decided",
      message: expect.stringMatching(/Alice.*is denied by now/),
    });
    await decide({ do: "block", ...old }).expect(409);
    expect(house.blocks).toEqual([]);
    await house.cli("remove", alice.code);
    await house.knocks("Alice", "+1 555 000 2000");
    const decided = house.access.auditCount({});
    expect((await decide({ do: "approve", ...old }).expect(409)).body.error.code).toBe("already-decided");
    const now = await shown();
    await decide({ do: "approve", code: now.code, state: now.state }).expect(409);
    expect((await decide({ do: "approve", ...now, code: "ZZZZ" }).expect(404)).body.error.code).toBe(
      "unknown-reference",
    );
    const approve = { do: "approve", ...now };
    for (const wrong of [now, { ...approve, do: "dance" }, { ...approve, state: "friend" }, { ...approve, more: 1 }]) {
      await decide(wrong).expect(400);
    }
    await decide(now).set("authorization", "Bearer wrong").expect(401);
    expect(house.access.auditCount({})).toBe(decided);
    expect(house.state(alice)).toBe("pending");
  });
});

describe("secrets and settings through the API", () => {
  const get = (path: string) => request(server).get(`/api/v1/${path}`).set(auth);

  it("the pairing token is shown to who asks for it, where there is one", async () => {
    const reveal = () => request(server).post("/api/v1/token/reveal").set(auth);
    expect((await reveal().expect(200)).body).toEqual({ token: PAIRING_TOKEN });
    await request(server).post("/api/v1/token/reveal").expect(401);
    server.close();
    await house.close();
    house = await House.open({ token: null });
    await serve();
    expect((await reveal().expect(404)).body.error.code).toBe("no-token");
  });

  it("an invite shows its token and its link while it is open", async () => {
    await house.cli("invite", "Bob", "--days", "3");
    const [invite] = house.access.invites();
    const path = `invites/${invite?._id}`;
    const { body } = await get(path).expect(200);
    expect(body).toMatchObject({ label: "Bob", open: true, token: invite?.token, used: null, revoked: null });
    expect(body.link).toBe(`https://wa.me/15550009000?text=${invite?.token}`);
    await house.wait(3 * DAY);
    expect((await get(path).expect(200)).body).toMatchObject({ label: "Bob", open: false, token: null, link: null });
    expect((await get("invites/nobody").expect(404)).body.error.code).toBe("unknown-reference");
  });

  it("the settings that hold come with their origin, and secrets without their value", async () => {
    const { body } = await get("settings").expect(200);
    const one = (key: string) => body.settings.find((setting: { key: string }) => setting.key === key);
    expect(one("responder.model")).toMatchObject({ value: "parrot", origin: "file", what: expect.any(String) });
    expect(one("responder.apiKey")).toMatchObject({ value: "set, not shown", origin: "file" });
    expect(one("notices.quiet")).toMatchObject({ value: "23:00–07:00", origin: "environment" });
    expect(one("dashboard.port")).toMatchObject({ value: "18791", origin: "default" });
    expect(JSON.stringify(body)).not.toContain(SECRET);
  });
});

describe("lists through the API", () => {
  const get = (path: string) => request(server).get(`/api/v1/${path}`).set(auth).expect(200);

  it("messages and what was sent come in pages, filtered, and a page beyond the end is empty", async () => {
    expect((await get("messages")).body).toMatchObject({ total: 51, page: 1, pages: 2 });
    expect((await get("messages?page=2")).body.messages).toHaveLength(1);
    expect((await get("messages?page=9999")).body).toMatchObject({ messages: [], total: 51, page: 9999, pages: 2 });
    expect((await get("messages?verdict=strangers")).body).toMatchObject({ messages: [], total: 0, pages: 1 });
    expect((await get("sent?state=suppressed")).body.sent).toMatchObject([{ name: "Alice", what: "hi" }]);
    expect((await get("sent?state=sent")).body).toMatchObject({ sent: [], total: 0 });
    await request(server).get("/api/v1/sent?state=gone").set(auth).expect(400);
  });

  it("invites show everything but their tokens", async () => {
    await house.cli("invite", "Bob", "--days", "3");
    const { body } = await get("invites");
    expect(body).toMatchObject({ total: 1, invites: [{ label: "Bob", auto: false, used: null, revoked: null }] });
    expect(JSON.stringify(body)).not.toContain(house.access.invites()[0]?.token);
  });
});

describe("the link through the API", () => {
  const get = () => request(server).get("/api/v1/link").set(auth).expect(200);

  it("shows what the link shows, exactly", async () => {
    link.event = { event: "qr", data: "https://wa.me/settings/linked_devices#a,b,c,d,1" };
    expect((await get()).body).toEqual(link.event);
  });

  it("begins anew by number", async () => {
    const begun = await request(server).post("/api/v1/link").set(auth).send({ phone: "+1 555 000 9000" }).expect(202);
    expect(begun.body).toEqual({ event: "connecting" });
    expect(link.asked).toEqual([{ phone: "15550009000" }]);
  });

  it("ends an attempt that nobody wants any more", async () => {
    await request(server).post("/api/v1/link/cancel").set(auth).expect(200);
    expect(link.asked).toEqual([{ cancelled: true }]);
  });

  it("refuses a second link, and a number that is none", async () => {
    link.refuses = new KafclawError("already-linked", "Already linked.");
    const { body } = await request(server).post("/api/v1/link").set(auth).send({}).expect(409);
    expect(body.error.code).toBe("already-linked");
    await request(server).post("/api/v1/link").set(auth).send({ phone: "12" }).expect(400);
  });

  it("logs out", async () => {
    await request(server).delete("/api/v1/link").set(auth).expect(200);
    expect((await get()).body).toMatchObject({ event: "error", code: "logged-out" });
  });
});

describe("listening", () => {
  it("says where, and on a port in use what to do", async () => {
    const first = await listen((_, response) => void response.end("here"), "127.0.0.1", 0);
    const { port } = new URL(first.address);
    expect(await (await fetch(first.address)).text()).toBe("here");
    await expect(listen(() => {}, "127.0.0.1", Number(port))).rejects.toMatchObject({
      code: "port-in-use",
      message: expect.stringMatching(new RegExp(`${port}.*KAFCLAW_DASHBOARD_PORT=`)),
    });
    await first.close();
    await expect(fetch(first.address)).rejects.toThrow();
  });

  it("on every address of the machine, the command line still comes by loopback", async () => {
    const listening = await listen((_, response) => void response.end("here"), "0.0.0.0", 0);
    expect(listening.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await (await fetch(listening.address)).text()).toBe("here");
    await listening.close();
  });
});
