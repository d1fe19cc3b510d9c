import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { MINUTE } from "../clock.js";
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
      const isLater = mode === "full" || mode === "group";
      const why = isLater ? "Group mode over Kafka comes later" : `There is no mode "${mode}"`;
      throw new KafclawError(
        "wrong-usage",
        `${why}; --mode takes standalone, which is what kafclaw gateway starts by itself.`,
        "usage",
      );
    }
    keepGarbageLow();
    // Only here: WhatsApp and the dashboard take more than half a second to load.
    const { runGateway } = await import("./run-gateway.js");
    return runGateway(given.json, terminal);
  },
};

/** How often all garbage is collected, which takes some milliseconds. */
const COLLECT_MS = 5 * MINUTE;

/**
 * V8 lets garbage pile up to several times what is in use, and gives little of it back: a burst of strangers cost 150 MB for
 * good where 5 were in use. With these two, which it reads each time it makes more room, new objects keep the room that
 * they have at first, and all is collected when the heap has grown by a third. A gateway that has little to do takes an hour
 * to get there, so all is collected now and then besides. Figures: test/bench/README.md.
 */
function keepGarbageLow(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=30");
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  setInterval(collect, COLLECT_MS).unref();
}
