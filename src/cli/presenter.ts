import { stripVTControlCharacters } from "node:util";
import qrcode from "qrcode";
import type { LinkEvent } from "../whatsapp/types.js";
import type { Terminal } from "./command.js";

/**
 * The QR code as text, small enough for a terminal of 80 columns; where even that is too wide, what else there is.
 * @param colour with the terminal's own codes for black and white; without, light blocks on what is taken to be dark
 * @param columns how wide the terminal is; undefined for a file, 0 for a terminal that nobody told its size, as a container's
 */
export async function qrText(data: string, colour: boolean, columns: number | undefined): Promise<string> {
  const how = colour ? ({ type: "terminal", small: true } as const) : ({ type: "utf8" } as const);
  const text = await qrcode.toString(data, { ...how, errorCorrectionLevel: "L" });
  const width = Math.max(
    ...stripVTControlCharacters(text)
      .split("\n")
      .map((line) => line.length),
  );
  if (!columns || columns >= width) return text;
  return `The QR code takes ${width} columns, and this terminal has ${columns}: widen it, open the picture, or link by code: kafclaw whatsapp-auth --phone <the bot's number>`;
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
        out(await qrText(event.data, this.terminal.colour.out, this.terminal.columns.out));
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
