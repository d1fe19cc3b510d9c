import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type FakeSocket, LinkRig, NO_ROOM } from "./link-rig.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** One connection, and with the credentials that the session has: a phone that scans its QR links this gateway. */
function expectOne(rig: LinkRig): FakeSocket {
  expect(rig.alive).toHaveLength(1);
  expect(rig.alive[0]).toBe(rig.socket);
  expect(rig.socket.creds).toBe(rig.session.credentials());
  return rig.socket;
}

describe("a connection has caught up", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  it("two seconds after all has come and the last of it was read", async () => {
    const { link, socket, journal } = await LinkRig.open();
    socket.hasSent(3);
    for (const id of ["A", "B", "C"]) {
      vi.advanceTimersByTime(1_900);
      const attrs = { from: "77@lid", id, t: "1", ...(id === "C" ? {} : { offline: "0" }) };
      await journal.record([journal.draft(attrs, new Uint8Array())]);
    }
    expect(link.caughtUp).toBe(false);
    vi.advanceTimersByTime(100);
    expect(link.caughtUp).toBe(true);
  });

  it("at once where nothing waited", async () => {
    const { link, socket } = await LinkRig.open();
    socket.hasSent(0);
    vi.advanceTimersByTime(0);
    expect(link.caughtUp).toBe(true);
  });

  it("half a minute after the login, where WhatsApp does not say that all has come", async () => {
    const { link } = await LinkRig.open();
    vi.advanceTimersByTime(29_999);
    expect(link.caughtUp).toBe(false);
    vi.advanceTimersByTime(1);
    expect(link.caughtUp).toBe(true);
  });
});

describe("an attempt to link that another one overtakes leaves one connection", () => {
  it("while the newest version is asked for", async () => {
    const rig = await LinkRig.open();
    rig.version.shut = true;
    rig.socket.close(405);
    await rig.time.settled();
    await rig.link.beginLinking({ replace: true });
    rig.version.open();
    await rig.time.pass(5 * MINUTE);
    expect(rig.sockets).toHaveLength(3);
    expectOne(rig).showQr();
    expect(rig.link.event.event).toBe("qr");
  });

  it("while the newest version is asked for, and nothing was linked", async () => {
    const rig = await LinkRig.create();
    rig.link.start();
    rig.version.shut = true;
    rig.socket.close(405);
    await rig.time.settled();
    await rig.link.beginLinking();
    rig.version.open();
    await rig.time.pass(5 * MINUTE);
    expectOne(rig).showQr();
    expect(rig.link.event.event).toBe("qr");
  });

  it("while the connection of before is closing: the last wish counts", async () => {
    const rig = await LinkRig.open();
    const { closing } = rig.socket;
    closing.shut = true;
    const first = rig.link.beginLinking({ replace: true, phone: "15550009111" });
    const second = rig.link.beginLinking({ replace: true });
    await rig.time.settled();
    closing.open();
    await Promise.all([first, second]);
    await rig.time.settled();
    expectOne(rig).showQr();
    expect(rig.link.event.event).toBe("qr");
  });

  it("when it is cancelled while the connection of before is closing", async () => {
    const rig = await LinkRig.open();
    const { closing } = rig.socket;
    closing.shut = true;
    const begun = rig.link.beginLinking({ replace: true });
    await rig.link.cancelLinking();
    closing.open();
    await begun;
    await rig.time.settled();
    expectOne(rig).logIn();
    await rig.time.settled();
    expect(rig.link.state.code).toBe("open");
  });

  it("when it is cancelled, and another begins while its connection is closing", async () => {
    const rig = await LinkRig.open();
    await rig.link.beginLinking({ replace: true });
    const { closing } = rig.socket;
    closing.shut = true;
    const cancelled = rig.link.cancelLinking();
    await rig.link.beginLinking({ replace: true });
    closing.open();
    await cancelled;
    await rig.time.settled();
    expectOne(rig).showQr();
    expect(rig.link.event.event).toBe("qr");
  });

  it("after a log-out or the end of the gateway none is made", async () => {
    const rig = await LinkRig.open();
    const { closing } = rig.socket;
    closing.shut = true;
    const begun = rig.link.beginLinking({ replace: true });
    await rig.link.stop();
    closing.open();
    await begun;
    await rig.time.pass(5 * MINUTE);
    expect(rig.alive).toEqual([]);
  });
});

it("how the last attempt to link ended is no news about the one that was just begun", async () => {
  const rig = await LinkRig.create();
  rig.link.start();
  await rig.link.cancelLinking();
  expect(rig.link.event).toMatchObject({ event: "error", code: "cancelled" });
  await rig.link.beginLinking();
  expect(rig.link.event).toEqual({ event: "connecting" });
});

describe("a connection that ends while its login is being written down", () => {
  it("is not taken for an open one, and the link comes back", async () => {
    const rig = await LinkRig.create();
    rig.link.start();
    rig.socket.pair("15550009000");
    await rig.time.settled();
    rig.socket.close(515);
    await rig.time.pass(0);
    rig.settings.gate.shut = true;
    rig.socket.logIn();
    await rig.time.settled();
    rig.socket.close(503);
    await rig.time.settled();
    rig.settings.gate.open();
    await rig.time.settled();
    expect(rig.link.state.code).toBe("connecting");
    expect(rig.heard).toEqual(["linked"]);
    await rig.time.pass(MINUTE);
    rig.socket.logIn();
    await rig.time.settled();
    expect(rig.link.state.code).toBe("open");
    expect(rig.heard).toEqual(["linked", "open"]);
  });
});

describe("a connection that is lost", () => {
  it("440: is left to whoever has the session for half a minute at least, and comes back", async () => {
    const rig = await LinkRig.open();
    rig.socket.close(440);
    await rig.time.settled();
    expect(rig.link.state.code).toBe("conflict");
    await rig.time.pass(MINUTE / 2 - 1);
    expect(rig.alive).toHaveLength(0);
    await rig.time.pass(MINUTE / 2 + 1);
    expectOne(rig).logIn();
    await rig.time.settled();
    expect(rig.link.state.code).toBe("open");
  });

  it("comes back more slowly where logins do not hold, but never later than after four seconds, and quickly after one that did", async () => {
    const rig = await LinkRig.open();
    /** Loses the connection. @returns after how many seconds the next one is made, which is logged in then */
    const pause = async (logIn = () => rig.socket.logIn()): Promise<number> => {
      const { now } = rig.time;
      rig.socket.close(503);
      await rig.time.settled();
      while (rig.alive.length === 0) await rig.time.pass(SECOND);
      logIn();
      await rig.time.settled();
      return (rig.time.now - now) / SECOND;
    };
    expect([await pause(), await pause(), await pause(), await pause()]).toEqual([1, 2, 4, 4]);
    // So, too, where they end before Baileys has done all that comes after one.
    const accept = () => void rig.socket.ws.emit("CB:success", { tag: "success", attrs: {} });
    expect([await pause(accept), await pause(accept), await pause()]).toEqual([4, 4, 4]);
    await rig.time.pass(MINUTE);
    expect(await pause()).toBe(1);
  });

  it("401: is not made again, and says how to link anew", async () => {
    const rig = await LinkRig.open();
    rig.socket.close(401);
    await rig.time.pass(60 * MINUTE);
    expect(rig.alive).toEqual([]);
    expect(rig.link.state.code).toBe("loggedOut");
    expect(rig.link.event).toMatchObject({ event: "error", code: "logged-out" });
  });
});

describe("linking", () => {
  it("shows codes for three rounds, and then gives up", async () => {
    const rig = await LinkRig.create();
    rig.link.start();
    for (let round = 0; round < 3; round++) {
      expectOne(rig).showQr();
      rig.socket.close(408);
      await rig.time.pass(0);
    }
    expect(rig.link.event).toMatchObject({ event: "error", code: "linking-timed-out" });
    await rig.time.pass(60 * MINUTE);
    expect(rig.alive).toEqual([]);
  });

  it("counts no round where the network went down while a code was shown, and whoever links goes on waiting", async () => {
    const rig = await LinkRig.create();
    rig.link.start();
    for (let failed = 0; failed < 5; failed++) {
      expectOne(rig).showQr();
      rig.socket.close(408, "ENETDOWN");
      await rig.time.settled();
      expect(rig.link.event).toEqual({ event: "connecting" });
      await rig.time.pass(5 * MINUTE);
    }
    expectOne(rig);
  });

  it("goes on through a lost network for as long as that takes, and says so", async () => {
    const rig = await LinkRig.create();
    rig.link.start();
    for (let failed = 0; failed < 10; failed++) {
      expectOne(rig).close(408);
      await rig.time.settled();
      // Nothing is said of a hiccup.
      expect(rig.link.event.event).toBe(failed < 2 ? "connecting" : "error");
      await rig.time.pass(5 * MINUTE);
    }
    expectOne(rig).showQr();
    expect(rig.link.event.event).toBe("qr");
  });

  it("refuses another account before it is confirmed, and goes back to the one of before", async () => {
    const rig = await LinkRig.open();
    rig.socket.close(401);
    await rig.time.settled();
    await rig.link.beginLinking();
    const refused = rig.socket;
    refused.pair("15550009111");
    expect(refused.isEnded).toBe(true);
    await rig.time.settled();
    expect(rig.link.event).toMatchObject({ event: "error", code: "other-account" });
    expect(rig.link.me?.pn).toBe("15550009000@s.whatsapp.net");

    await rig.link.beginLinking({ replace: true });
    await rig.pairs("15550009111");
    expect(rig.link.me?.pn).toBe("15550009111@s.whatsapp.net");
    expect(rig.link.state.code).toBe("open");
  });
});

describe("a failure of our own disk", () => {
  it("is named as the reason why the connection ended", async () => {
    const rig = await LinkRig.open();
    rig.lines.full = true;
    rig.socket.saves();
    await rig.time.settled();
    expect(rig.link.state).toMatchObject({ code: "connecting", sentence: NO_ROOM });
    rig.lines.full = false;
    await rig.time.pass(MINUTE);
    rig.socket.logIn();
    await rig.time.settled();
    expect(rig.link.state.code).toBe("open");
  });

  it("leaves WhatsApp alone for as long as nothing can be written, and comes back as soon as something can", async () => {
    const rig = await LinkRig.open();
    rig.lines.full = true;
    rig.socket.saves();
    await rig.time.pass(60 * MINUTE);
    expect(rig.alive).toEqual([]);
    rig.lines.full = false;
    await rig.time.pass(2 * SECOND);
    expectOne(rig);
  });

  it("that came when the connection had ended is not named as the reason of the next end", async () => {
    const rig = await LinkRig.open();
    const { socket } = rig;
    socket.flushed = () => socket.saves();
    rig.lines.full = true;
    socket.close(503);
    await rig.time.settled();
    rig.lines.full = false;
    await rig.time.pass(MINUTE);
    rig.socket.logIn();
    await rig.time.settled();
    rig.socket.close(503);
    await rig.time.settled();
    expect(rig.link.state.sentence).toMatch(/not available/);
  });
});

describe("logging out while another phone is waited for", () => {
  it("tells WhatsApp, as the device that was linked", async () => {
    const rig = await LinkRig.open();
    await rig.link.beginLinking({ replace: true });
    const left = rig.link.logout();
    await rig.time.settled();
    rig.socket.logIn();
    expect(await left).toBeUndefined();
    expect(rig.socket.logout).toHaveBeenCalledOnce();
    expect(rig.alive).toEqual([]);
    expect(rig.session.linked).toBe(false);
  });

  it("shows that it ended, though the disk keeps the keys", async () => {
    const rig = await LinkRig.open();
    rig.socket.logIn();
    await rig.time.settled();
    rig.lines.full = true;
    const message = expect.stringMatching(/^WhatsApp has unlinked .* keys could not be removed\. Run .*--logout again/);
    await expect(rig.link.logout()).rejects.toMatchObject({ code: "disk-full", message });
    expect(rig.socket.logout).toHaveBeenCalledOnce();
    expect(rig.link.state).toMatchObject({
      code: "unlinked",
      sentence: expect.stringMatching(/keys could not be removed/),
    });
    rig.lines.full = false;
    expect(await rig.link.logout()).toBeUndefined();
    expect(rig.lines.docs.size).toBe(0);
  });

  it("says so where WhatsApp can't be told", async () => {
    const rig = await LinkRig.open();
    await rig.link.beginLinking({ replace: true });
    const left = rig.link.logout();
    await rig.time.settled();
    rig.socket.close(503);
    expect(await left).toMatch(/could not be told/);
    expect(rig.alive).toEqual([]);
    expect(rig.session.linked).toBe(false);
  });
});
