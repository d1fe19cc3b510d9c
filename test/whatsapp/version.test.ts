import { DEFAULT_CONNECTION_CONFIG, type WAVersion } from "@whiskeysockets/baileys";
import { expect, it } from "vitest";
import type { Doc } from "../../src/store/types.js";
import { ClientVersion } from "../../src/whatsapp/version.js";
import { tempStore } from "./temp-store.js";

const BUNDLED = DEFAULT_CONNECTION_CONFIG.version;
const NEWER: WAVersion = [2, 3000, 2_000_000_000];
const answers =
  (version: WAVersion, isLatest = true) =>
  async () => ({ version, isLatest });
const silent = answers(BUNDLED, false);

it("is the bundled one at first, then the newest, and over restarts the last that worked", async () => {
  const settings = await (await tempStore()).open<Doc>("settings");
  const version = await ClientVersion.open(settings, answers(NEWER));
  expect(version.current).toEqual(BUNDLED);
  await version.outdated();
  expect(version.current).toEqual(NEWER);
  expect((await ClientVersion.open(settings, silent)).current).toEqual(BUNDLED);
  await version.worked();
  expect((await ClientVersion.open(settings, silent)).current).toEqual(NEWER);
});

it("is the bundled one where the one that worked is refused and no newer one is known", async () => {
  const settings = await (await tempStore()).open<Doc>("settings");
  const version = await ClientVersion.open(settings, answers(NEWER));
  await version.outdated();
  await version.worked();
  await version.outdated();
  expect(version.current).toEqual(BUNDLED);

  const later = await ClientVersion.open(settings, silent);
  expect(later.current).toEqual(NEWER);
  await later.outdated();
  expect(later.current).toEqual(BUNDLED);
});
