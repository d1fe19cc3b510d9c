import { DisconnectReason } from "@whiskeysockets/baileys";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoff, classify, disconnectTable, remedyAlone, waitFor } from "../../src/whatsapp/disconnects.js";

const NOW = Date.UTC(2026, 10, 23, 12);

/** An error as Baileys ends a socket with: a Boom. */
function boom(statusCode: number, data?: unknown, message = "Connection Failure"): Error {
  return Object.assign(new Error(message), { isBoom: true, output: { statusCode }, data });
}

describe("disconnects", () => {
  const known = Object.values(DisconnectReason).filter((code) => typeof code === "number");

  it.each([...known, 400, 402, 405, 406, 409])(
    "code %i has a sentence, a remedy and a row in README's table",
    (code) => {
      const { sentence, remedy, name } = classify(boom(code), NOW);
      expect(sentence).toMatch(/\.$/);
      expect(remedy).toMatch(/\.$/);
      expect(disconnectTable()).toContain(`| ${code} ${name} |`);
    },
  );

  it.each([
    [401, "link", "loggedOut"],
    [403, "stop", "loggedOut"],
    [405, "version", "connecting"],
    [408, "backoff", "connecting"],
    [411, "stop", "loggedOut"],
    [428, "backoff", "connecting"],
    [440, "backoff", "conflict"],
    [503, "backoff", "connecting"],
    [515, "now", "connecting"],
  ])("code %i: retry %s, shown as %s", (code, retry, link) => {
    expect(classify(boom(code), NOW)).toMatchObject({ code, retry, link });
  });

  it("a temporary ban is waited out until the end that WhatsApp names, as a length or as a date", () => {
    const end = NOW + 3_600_000;
    expect(classify(boom(402, { reason: "402", expire: "3600" }), NOW)).toMatchObject({ retry: "wait", until: end });
    expect(classify(boom(402, { expire: String(end / 1000) }), NOW).until).toBe(end);
    expect(classify(boom(402, { expire: "3600" }), NOW).sentence).toContain("until 2026-11-23 13:00 UTC");
  });

  it.each(["", "soon", "-5", "1e300", undefined])("a ban with the end %j is waited out by long pauses", (expire) => {
    const ban = classify(boom(402, { expire }), NOW);
    expect(ban.until).toBeUndefined();
    expect(ban.slow).toBe(true);
  });

  it("a removed device is a log-out, though the stream calls it a conflict", () => {
    const node = { tag: "conflict", attrs: { type: "device_removed" } };
    expect(classify(boom(440, node, "Stream Errored (conflict)"), NOW)).toMatchObject({ code: 401, retry: "link" });
    const replaced = { tag: "conflict", attrs: { type: "replaced" } };
    expect(classify(boom(440, replaced, "Stream Errored (conflict)"), NOW).name).toBe("connection-replaced");
  });

  it.each(["ENOTFOUND", "ECONNREFUSED", "EAI_AGAIN", "ENETUNREACH"])("%s says that the network is down", (code) => {
    const cause = Object.assign(new Error(`connect ${code}`), { code });
    expect(classify(boom(408, cause, "WebSocket Error ()"), NOW)).toMatchObject({
      name: "network-down",
      retry: "backoff",
    });
  });

  it.each([
    boom(400, undefined, "noise certificate signature invalid"),
    boom(400, undefined, "noise intermediate certificate signature invalid"),
    boom(400, undefined, "invalid noise leaf certificate"),
    boom(400, undefined, "certification match failed"),
    boom(500, Object.assign(new Error("self-signed certificate"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" })),
  ])("a server that can't prove itself is named as such, and tried again slowly: %s", (error) => {
    expect(classify(error, NOW)).toMatchObject({ name: "not-whatsapp", retry: "backoff", slow: true });
  });

  it.each([...known, 400, 402, 405, 406, 409, 599])(
    "whoever links without a gateway is told of nothing that comes back by itself: code %i",
    (code) => {
      const { name, remedy } = classify(boom(code), NOW);
      const told = remedyAlone(name) ?? remedy;
      expect(told).toContain("kafclaw whatsapp-auth");
      expect(told).not.toMatch(/itself|comes back|tries|tried/);
    },
  );

  it("an unknown code is shown, and tried again", () => {
    const { sentence, retry, code } = classify(boom(599), NOW);
    expect(sentence).toContain("599");
    expect({ retry, code }).toEqual({ retry: "backoff", code: 599 });
  });

  it("anything at all can be classified, and gets words", () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (error) => {
        const { sentence, remedy } = classify(error, NOW);
        expect(sentence.length * remedy.length).toBeGreaterThan(0);
      }),
    );
  });

  it("pauses double from one second to five minutes, the upper half by chance", () => {
    expect([1, 2, 3, 9, 10, 1000].map((attempt) => backoff(attempt, () => 1))).toEqual([
      1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
    ]);
    expect(backoff(1, () => 0)).toBe(500);
    expect(backoff(1, () => 0, true)).toBe(30_000);
    expect(backoff(4, () => 1, true)).toBe(300_000);
  });

  it("515 is tried again at once, but not for ever", () => {
    const restart = classify(boom(515), NOW);
    expect([1, 2, 3].map((attempt) => waitFor(restart, attempt, NOW, () => 1))).toEqual([
      0,
      ...[2, 3].map((attempt) => backoff(attempt, () => 1)),
    ]);
    expect(backoff(2, () => 1)).toBeGreaterThan(0);
  });
});
