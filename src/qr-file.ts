import { rm } from "node:fs/promises";
import qrcode from "qrcode";
import { writePrivate } from "./files.js";
import type { LinkEvent } from "./whatsapp/types.js";

/** The QR as a picture in the home, for as long as it can be scanned. */
export class QrFile {
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly file: string) {}

  /** Draws a QR, and removes it at any other event. Each event has its turn: a drawing takes longer than its removal. */
  show(event: LinkEvent): Promise<void> {
    const turn = this.last.then(() => this.keep(event));
    this.last = turn.catch(() => {});
    return turn;
  }

  private async keep(event: LinkEvent): Promise<void> {
    if (event.event === "qr") await writePrivate(this.file, await qrcode.toBuffer(event.data, { scale: 8 }));
    else await rm(this.file, { force: true });
  }
}
