import { expect, it } from "vitest";
import { qrText } from "../../src/cli/presenter.js";

it("a QR code is plain text where colours are not shown, and fits 80 columns either way", async () => {
  const data = `https://wa.me/settings/linked_devices#${"A".repeat(200)}`;
  const plain = await qrText(data, false);
  expect(plain).toMatch(/^[█▀▄ \n]+$/);
  expect(await qrText(data, true)).toContain("\u001b[");
  for (const line of plain.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});
