import { afterEach, beforeEach, expect } from "vitest";
import { type Phone, WhatsApp } from "../../src/simulator/index.js";
import { Client, trust } from "./client.js";

/** A WhatsApp, a bot's phone with a Baileys that can be linked to it, and somebody who writes. */
export interface Rig {
  wa: WhatsApp;
  bot: Phone;
  alice: Phone;
  client: Client;
}

/** Sets a fresh rig up before each test; a test that leaves the simulator complaining fails. */
export function useRig(): Rig {
  // Filled before each test runs; nothing reads it earlier.
  const rig = {} as Rig;
  let restore: () => void;
  beforeEach(async () => {
    rig.wa = await WhatsApp.start();
    restore = trust(Buffer.from(rig.wa.rootKeyHex, "hex"));
    rig.bot = rig.wa.phone({ pn: "15550009000", lid: "1000000009", name: "Bot" });
    rig.alice = rig.wa.phone({ pn: "15550002000", lid: "1000000002", name: "Alice" });
    rig.client = new Client(rig.wa);
  });
  afterEach(async () => {
    rig.client.close();
    await rig.wa.close();
    restore();
    expect(rig.wa.troubles).toEqual([]);
  });
  return rig;
}

/** Links the client by QR and waits until it is in. */
export async function link({ wa, bot, client }: Rig): Promise<void> {
  client.connect();
  await bot.scan(await client.qr());
  await client.closed();
  await logIn({ wa, client });
  await client.synced();
}

export async function logIn({ wa, client }: Pick<Rig, "wa" | "client">, device = 1): Promise<void> {
  client.connect();
  await client.state(({ connection }) => connection === "open");
  await wa.waitForCompanion("open", { device });
}
