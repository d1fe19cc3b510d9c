import { setFlagsFromString } from "node:v8";
import { KafclawError } from "../errors.js";
import { type CliCommand, textFlag } from "./command.js";

export const gateway: CliCommand = {
  name: "gateway",
  usage: "",
  summary: "runs the gateway until it is stopped (Ctrl-C)",
  details:
    "Creates the home with safe defaults where there is none, and shows the QR code where WhatsApp is not linked yet.\nSilent mode is on at each start: nothing goes out but to the admin chat.",
  flags: { mode: { type: "string", value: "MODE", help: "standalone, which is the default" } },
  async run(given, terminal) {
    const mode = textFlag(given, "mode") ?? "standalone";
    if (mode !== "standalone") {
      throw new KafclawError("wrong-usage", `--mode takes standalone, not "${mode}".`, "usage");
    }
    keepGarbageLow();
    // Only here: WhatsApp and the dashboard take more than half a second to load.
    const { runGateway } = await import("./run-gateway.js");
    return runGateway(given.json, terminal);
  },
};

/**
 * New objects keep the small room that V8 gives them at first, where they would get 32 MB (128 MB on Node 24) after the first
 * burst and never give it back. V8 reads the factor each time it would grow that room. What it saves: test/bench/README.md.
 */
function keepGarbageLow(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
