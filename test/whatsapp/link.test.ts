import { describe, expect, it } from "vitest";
import { type FakeSocket, LinkRig, NO_ROOM } from "./link-rig.js";

const MINUTE = 60_000;

/** One connection, and with the credentials that the session has: a phone that scans its QR links this gateway. */
function expectOne(rig: LinkRig): FakeSocket {
  expect(rig.alive).toHaveLength(1);
  expect(rig.alive[0]).toBe(rig.socket);
  expect(rig.socket.creds).toBe(rig.session.credentials());
  return rig.socket;
}

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
