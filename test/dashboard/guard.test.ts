import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOurHost } from "../../src/dashboard/guard.js";
import { isOurOrigin } from "../../src/dashboard/safety.js";

const LOOPBACK = { host: "127.0.0.1" };
const PUBLIC = { host: "0.0.0.0", publicUrl: "https://bot.example.org" };

describe("the Host header", () => {
  it.each([
    ["127.0.0.1:18791", LOOPBACK, true],
    ["localhost:18791", LOOPBACK, true],
    ["LOCALHOST:18791", LOOPBACK, true],
    ["[::1]:18791", LOOPBACK, true],
    ["", LOOPBACK, false],
    ["localhost", LOOPBACK, false],
    ["localhost:80", LOOPBACK, false],
    ["192.168.1.5:18791", LOOPBACK, false],
    ["localhost:18791@evil.example", LOOPBACK, false],
    ["evil.example/localhost:18791", LOOPBACK, false],
    ["127.0.0.2:18791", LOOPBACK, false],
    ["127.0.0.2:18791", { host: "127.0.0.2" }, true],
    ["192.168.1.5:18791", PUBLIC, true],
    ["bot.example.org", PUBLIC, true],
    ["bot.example.org:18791", PUBLIC, false],
    ["evil.example:18791", PUBLIC, false],
  ] as const)("%j, listening on %j: %s", (header, place, ours) => {
    expect(isOurHost(header, 18791, place)).toBe(ours);
  });

  it("never takes another name for ours, and never throws", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.domain(), fc.webAuthority()), (header) => {
        expect(isOurHost(header, 18791, LOOPBACK)).toBe(/^(localhost|127\.0\.0\.1|\[::1\]):18791$/i.test(header));
      }),
    );
  });
});

describe("the Origin header", () => {
  it.each([
    ["http://127.0.0.1:18791", "127.0.0.1:18791", true],
    ["https://127.0.0.1:18791", "127.0.0.1:18791", false],
    ["https://bot.example.org", "bot.example.org", true],
    ["https://bot.example.org", "127.0.0.1:18791", true],
    ["http://bot.example.org", "bot.example.org", false],
    ["http://bot.example.org", "BOT.example.org", false],
    [undefined, "bot.example.org", true],
    ["null", "bot.example.org", false],
  ])("%j at %j: %s", (origin, host, ours) => {
    expect(isOurOrigin(origin, host, PUBLIC)).toBe(ours);
  });
});
