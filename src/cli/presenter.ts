import qrcode from "qrcode";
import type { LinkEvent } from "../whatsapp/types.js";
import type { Terminal } from "./command.js";

/**
 * The QR code as text, small enough for a terminal of 80 columns.
 * @param colour with the terminal's own codes for black and white; without, light blocks on what is taken to be dark
 */
export function qrText(data: string, colour: boolean): Promise<string> {
  const how = colour ? ({ type: "terminal", small: true } as const) : ({ type: "utf8" } as const);
  return qrcode.toString(data, { ...how, errorCorrectionLevel: "L" });
}

/** Shows whoever is linking what happens, each thing once. */
export class Presenter {
  private last = "";

  constructor(
    private readonly json: boolean,
    private readonly terminal: Terminal,
    private readonly png: string,
  ) {}

  /** @returns the exit code, once it is over */
  async show(event: LinkEvent): Promise<number | undefined> {
    const line = JSON.stringify(event);
    if (line !== this.last) await this.say(event, line);
    this.last = line;
    if (event.event === "linked") return 0;
    return event.event === "error" ? 1 : undefined;
  }

  private async say(event: LinkEvent, line: string): Promise<void> {
    const { out, err } = this.terminal;
    if (this.json) {
      if (event.event !== "connecting") out(line);
      return;
    }
    switch (event.event) {
      case "qr":
        out(await qrText(event.data, this.terminal.colour.out));
        return err(
          `Scan it with WhatsApp → Linked devices → Link a device. Also in ${this.png}; it changes every 20 to 60 seconds.`,
        );
      case "pairing-code":
        out(`${event.code.slice(0, 4)}-${event.code.slice(4)}`);
        return err("Type this code on the phone: WhatsApp → Linked devices → Link a device → Link with phone number.");
      case "linked":
        return out(`Linked as +${event.jid.split("@")[0]}.`);
      case "error":
        return err(event.message);
      case "connecting":
        return;
    }
  }
}
