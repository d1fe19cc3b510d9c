import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BufferJSON, initAuthCreds } from "@whiskeysockets/baileys";
import { expect, it, onTestFinished } from "vitest";
import { readBaileysFolder } from "../../src/whatsapp/import.js";

async function folderOf(me: object | undefined): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kafclaw-import-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const creds = { ...initAuthCreds(), account: { details: "" }, me };
  await writeFile(join(folder, "creds.json"), JSON.stringify(creds, BufferJSON.replacer));
  return folder;
}

it("a session of another program is read with its account", async () => {
  const me = { id: "15550009000:3@s.whatsapp.net" };
  expect((await readBaileysFolder(await folderOf(me))).creds.me).toEqual(me);
});

it("takes over the keys of people and of the account, and no group's", async () => {
  const folder = await folderOf({ id: "15550009000:3@s.whatsapp.net" });
  for (const name of ["session-77_1.0", "pre-key-5", "sender-key-1@g.us--77_1--0", "sender-key-memory-1@g.us"])
    await writeFile(join(folder, `${name}.json`), "{}");
  const { keys } = await readBaileysFolder(folder);
  expect([...keys.keys()].sort()).toEqual(["pre-key/5", "session/77_1.0"]);
});

it.each([undefined, { id: "whoever" }, { id: "9000@lid" }])("one of no account is refused (%j)", async (me) => {
  await expect(readBaileysFolder(await folderOf(me))).rejects.toMatchObject({
    code: "import-failed",
    message: expect.stringMatching(/not of a linked session/),
  });
});
