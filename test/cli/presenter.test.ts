import { expect, it } from "vitest";
import { qrText } from "../../src/cli/presenter.js";

it("a QR code is plain text where colours are not shown, and fits 80 columns either way", async () => {
  const data = `https://wa.me/settings/linked_devices#${"A".repeat(200)}`;
  const plain = await qrText(data, false, 80);
  expect(plain).toMatch(/^[█▀▄ \n]+$/);
  expect(await qrText(data, true, 80)).toContain("\u001b[");
  for (const line of plain.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});

it("a terminal that is too narrow is told the other ways, as a broken QR code can't be scanned", async () => {
  const data = `https://wa.me/settings/linked_devices#${"A".repeat(200)}`;
  for (const colour of [true, false]) {
    const told = await qrText(data, colour, 45);
    expect(told).toMatch(/^The QR code takes \d\d columns, and this terminal has 45:.* --phone /);
    const wanted = Number(/\d+/.exec(told)?.[0]);
    expect(await qrText(data, colour, wanted)).toContain("█");
    for (const unknown of [undefined, 0]) expect(await qrText(data, colour, unknown)).toContain("█");
  }
});
