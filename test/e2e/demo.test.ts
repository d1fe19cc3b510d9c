import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { DemoProcess } from "./demo-process.js";
import { Endpoint, KEY, streamed } from "./endpoint.js";

/** A home that must not be touched, and settings that would break any gateway that got them. */
async function realHome(): Promise<{ env: Record<string, string>; files(): Promise<string[]> }> {
  const path = await mkdtemp(join(tmpdir(), "kafclaw-e2e-real-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  await writeFile(join(path, "config.json"), "not JSON at all");
  return {
    env: { KAFCLAW_HOME: path, HOME: path, KAFCLAW_DASHBOARD_PORT: "99999", KAFCLAW_WHATSAPP_URL: "http://wrong" },
    files: () => readdir(path),
  };
}

describe("kafclaw demo --once", () => {
  it("plays the six steps and ends with 0; two at once, one of them with a real model, touch nothing and leave nothing but with --keep", async () => {
    const real = await realHome();
    const endpoint = await Endpoint.start();
    endpoint.answering = (_, response) => streamed(response, "Ahoy from the real one.");
    const [told, asJson] = [
      await DemoProcess.start(["--once"], real.env),
      await DemoProcess.start(["--once", "--json", "--keep", "--model", "parrot", "--base-url", endpoint.url], {
        ...real.env,
        OPENAI_API_KEY: KEY,
      }),
    ];
    expect([await told.ended, told.err]).toEqual([0, ""]);
    expect([await asJson.ended, asJson.err]).toEqual([0, ""]);
    expect(told.out.match(/^Step \d/gm)).toHaveLength(6);
    expect(told.out).toMatch(/a simulation/);
    expect(told.out).toMatch(/Sam → bot .*Hello\?[\s\S]*Sam is a stranger: nothing goes back/);
    expect(told.out).toMatch(/bot → Olga .*New sender/);
    expect(told.out).toMatch(/silent mode: .*to Alice, not sent.*You're in/);
    expect(told.out).toMatch(/bot → Alice .*no real model/);
    expect(told.out).not.toMatch(/bot → Sam/);

    const entries = asJson.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(entries.filter(({ event }) => event === "step").map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(entries).toContainEqual(expect.objectContaining({ event: "suppressed", to: "alice" }));
    expect(entries).toContainEqual(expect.objectContaining({ event: "decision", about: "sam", verdict: "stranger" }));

    expect(asJson.out).toContain("parrot is a real model");
    expect(asJson.out).toContain("Ahoy from the real one.");
    expect(asJson.out).not.toContain(KEY);
    expect(endpoint.asked.every(({ authorization }) => authorization === `Bearer ${KEY}`)).toBe(true);

    for (const demo of [told, asJson]) expect(await demo.processes()).toEqual([]);
    expect(await told.leftovers()).toEqual([]);
    expect(await asJson.leftovers()).toEqual([expect.stringMatching(/^kafclaw-demo-/)]);
    expect(await real.files()).toEqual(["config.json"]);
  });

  it("ends with 1 and the step that failed", async () => {
    const demo = await DemoProcess.start(["--once", "--model", "parrot", "--base-url", "http://127.0.0.1:9/v1"]);
    expect(await demo.ended).toBe(1);
    expect(demo.err).toMatch(/^Step 2 \(configure auth settings\) failed: the model does not answer/);
    expect(await demo.leftovers()).toEqual([]);
  });

  it("says in one sentence where there is no temporary folder, a model without a place, or a place without a model", async () => {
    const none = await DemoProcess.start(["--once"], { TMPDIR: "/nowhere" });
    expect(await none.ended).toBe(1);
    expect(none.err.trim().split("\n")).toHaveLength(1);
    expect(none.err).toMatch(/can't make a folder in \/nowhere \(ENOENT\); make it writable/);
    for (const args of [
      ["--model", "parrot"],
      ["--base-url", "http://127.0.0.1:9/v1"],
    ]) {
      const wrong = await DemoProcess.start(args);
      expect(await wrong.ended).toBe(2);
      expect(wrong.err).toMatch(/--base-url/);
    }
  });
});

describe("a demo that is ended", () => {
  it.each([
    ["at once", /"event":"note"/, 1],
    ["while it links", /whatsapp-auth/, 1],
    ["while the gateway starts, and a second signal", /kafclaw gateway/, 2],
  ])("by Ctrl-C %s leaves no process and no file", async (_, moment, times) => {
    const demo = await DemoProcess.start(["--json"]);
    await demo.prints(moment);
    demo.child.kill("SIGINT");
    // Another signal, since two of a kind may count as one.
    if (times > 1) demo.child.kill("SIGTERM");
    expect(await demo.ended).toBe(times === 1 ? 0 : 130);
    await demo.allEnded();
    expect(await demo.leftovers()).toEqual([]);
  });

  it("by kill -9 takes its gateway with it", async () => {
    const demo = await DemoProcess.start(["--json"]);
    await demo.prints(/linked, and silent mode is on/);
    expect(await demo.processes()).toHaveLength(1);
    demo.child.kill("SIGKILL");
    await demo.ended;
    await demo.allEnded();
  });

  it("by the end of its gateway says so, ends with 1 and leaves nothing", async () => {
    const demo = await DemoProcess.start(["--json"]);
    await demo.prints(/linked, and silent mode is on/);
    const [gateway] = await demo.processes();
    if (gateway === undefined) throw new Error("a gateway runs");
    process.kill(gateway, "SIGKILL");
    expect(await demo.ended).toBe(1);
    expect(demo.err).toMatch(/^The demo's gateway ended by itself/);
    expect(await demo.leftovers()).toEqual([]);
  });
});
