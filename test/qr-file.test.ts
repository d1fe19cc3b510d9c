import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { QrFile } from "../src/qr-file.js";

it("a QR that was shown until a moment ago does not come back as a picture", async () => {
  const folder = await mkdtemp(join(tmpdir(), "kafclaw-qr-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "whatsapp-qr.png");
  const qrFile = new QrFile(file);
  const drawn = qrFile.show({ event: "qr", data: "https://wa.me/settings/linked_devices#1" });
  const removed = qrFile.show({ event: "error", code: "cancelled", message: "Linking was cancelled." });
  await drawn;
  await removed;
  await expect(access(file)).rejects.toMatchObject({ code: "ENOENT" });

  await qrFile.show({ event: "qr", data: "https://wa.me/settings/linked_devices#2" });
  await expect(access(file)).resolves.toBeUndefined();
});
