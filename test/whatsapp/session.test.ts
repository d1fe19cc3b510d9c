import { BufferJSON, Curve, DEFAULT_CONNECTION_CONFIG, initAuthCreds } from "@whiskeysockets/baileys";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Quiet } from "../../src/simulator/quiet.js";
import { type Sealed, SignalDevice } from "../../src/simulator/signal.js";
import type { Store } from "../../src/store/index.js";
import { Journal, type JournalRecord } from "../../src/whatsapp/journal.js";
import { Session, type SessionDoc } from "../../src/whatsapp/session.js";
import { tempStore } from "./temp-store.js";

async function openSession(store: Store, known: (user: string) => boolean = () => false) {
  const collection = await store.open<SessionDoc>("session");
  const journal = await Journal.open(await store.open<JournalRecord>("journal"), Date.now);
  const onMapping = vi.fn();
  const onFailure = vi.fn();
  const session = await Session.open({ collection, journal, isKnown: known, onMapping, onFailure });
  return { session, journal, collection, onMapping, onFailure };
}

const account = { details: Buffer.from("x"), accountSignatureKey: Buffer.alloc(32) };

describe("Session", () => {
  it("writes nothing while a link is only being tried, so an attempt can't replace a session", async () => {
    const { session, collection } = await openSession(await tempStore());
    session.credentials().me = { id: "1@s.whatsapp.net" };
    await session.save();
    expect(session.linked).toBe(false);
    expect(await collection.count()).toBe(0);
  });

  it("has one identity until it starts over, however often it is asked", async () => {
    const { session } = await openSession(await tempStore());
    const { noiseKey } = session.credentials();
    expect(session.credentials().noiseKey).toBe(noiseKey);
    session.startOver();
    expect(session.credentials().noiseKey).not.toEqual(noiseKey);
  });

  it("stays begun anew where going back to the old session was under way", async () => {
    const { session } = await openSession(await tempStore());
    Object.assign(session.credentials(), { account, me: { id: "1@s.whatsapp.net" } });
    await session.save();
    const resumed = session.resume();
    session.startOver();
    await resumed;
    expect(session.linked).toBe(false);
  });

  it("brings credentials and keys back as they were", async () => {
    const store = await tempStore();
    const { session } = await openSession(store);
    const creds = Object.assign(session.credentials(), { account, me: { id: "1:2@s.whatsapp.net", name: "Bot" } });
    await session.save();
    await session.set({ session: { "77_1.0": new Uint8Array([1, 2, 3]) } });
    const again = (await openSession(store)).session;
    expect(again.linked).toBe(true);
    expect(again.credentials().noiseKey).toEqual(creds.noiseKey);
    expect(Buffer.from((await again.get("session", ["77_1.0"]))["77_1.0"] ?? [])).toEqual(Buffer.from([1, 2, 3]));
  });

  it("I5: never knows the account's display name, which Baileys would announce as presence", async () => {
    const { session } = await openSession(await tempStore());
    const creds = session.credentials();
    creds.me = { id: "1@s.whatsapp.net", name: "Bot" };
    Object.assign(creds, { me: { id: "1@s.whatsapp.net", name: "Bot", lid: "7@lid" } });
    expect(creds.me).toEqual({ id: "1@s.whatsapp.net", lid: "7@lid" });
    expect(JSON.stringify(creds, BufferJSON.replacer)).not.toContain('"name"');
  });

  it("I10: writes the journal before the keys that moved with the message", async () => {
    const { session, journal, collection, onFailure } = await openSession(await tempStore());
    const record = journal.draft({ id: "M1", from: "1@lid" }, Buffer.from("hi"));
    await collection.close();
    const moved = session.set({ journal: { [record._id]: record }, session: { "1_1.0": new Uint8Array([1]) } });
    await expect(moved).rejects.toThrow();
    expect(onFailure).toHaveBeenCalledOnce();
    expect(await journal.unhandled()).toHaveLength(1);
  });

  it("tells of each LID mapping that Baileys learns, and finds it in both directions", async () => {
    const { session, onMapping } = await openSession(await tempStore());
    await session.set({ "lid-mapping": { "15550002000": "77", "77_reverse": "15550002000" } });
    expect(onMapping.mock.calls).toEqual([[{ pnUser: "15550002000", lidUser: "77" }]]);
    expect(await session.mapped("15550002000", "pn")).toBe("77");
    expect(await session.mapped("77", "lid")).toBe("15550002000");
  });

  it("keeps at most a thousand strangers' keys, and every contact's", async () => {
    const { session, collection } = await openSession(await tempStore(), (user) => user === "5");
    for (let user = 0; user < 1_200; user += 1) {
      await session.set({
        session: { [`${user}_1.0`]: new Uint8Array([1]) },
        "identity-key": { [`${user}_1.0`]: new Uint8Array([2]) },
      });
    }
    const left = (await collection.find()).map(({ _id }) => _id);
    expect(left).toHaveLength(2 * 1_001);
    expect(left).toContain("session/5_1.0");
    expect(left).not.toContain("session/6_1.0");
    expect(left).toContain("identity-key/1199_1.0");
  });

  it("keeps a person's privacy token, and no index of all that ever sent one", async () => {
    const store = await tempStore();
    const { session, collection } = await openSession(store);
    await collection.put({ _id: "tctoken/__index", v: "{}" });
    await openSession(store);
    const token = { token: Buffer.from("token"), timestamp: "1" };
    await session.set({ tctoken: { "77@lid": token, __index: { token: Buffer.from('["77@lid"]') } } });
    expect((await collection.find()).map(({ _id }) => _id)).toEqual(["tctoken/77@lid"]);
    expect(await session.get("tctoken", ["77@lid", "__index"])).toEqual({ "77@lid": token });
  });

  it("keeps no group's keys: those that were kept once go when it opens", async () => {
    const store = await tempStore();
    const { collection } = await openSession(store);
    const groups = ["sender-key/1@g.us::77_1::0", "sender-key-memory/1@g.us"];
    await collection.putAll([...groups, "session/77_1.0"].map((_id) => ({ _id, v: "{}" })));
    await openSession(store);
    expect((await collection.find()).map(({ _id }) => _id)).toEqual(["session/77_1.0"]);
  });

  it("keeps the old session on disk until a new link is real, then replaces it whole", async () => {
    const store = await tempStore();
    const { session } = await openSession(store);
    Object.assign(session.credentials(), { account, me: { id: "1@s.whatsapp.net" } });
    await session.save();
    await session.set({ session: { "77_1.0": new Uint8Array([1]) } });
    session.startOver();
    expect(session.linked).toBe(false);
    session.credentials();
    await session.save();
    expect((await openSession(store)).session.credentials().me?.id).toBe("1@s.whatsapp.net");
    Object.assign(session.credentials(), { ...initAuthCreds(), account, me: { id: "2@s.whatsapp.net" } });
    await session.save();
    const replaced = (await openSession(store)).session;
    expect(replaced.credentials().me?.id).toBe("2@s.whatsapp.net");
    expect(await replaced.get("session", ["77_1.0"])).toEqual({});
  });
});

describe("Session, one in place of another", () => {
  const link = (session: Session, id: string) =>
    Object.assign(session.credentials(), { account, me: { id: `${id}:2@s.whatsapp.net` } });

  it("leaves the old session on disk when the disk refuses the new one", async () => {
    const { session, collection, journal } = await openSession(await tempStore());
    link(session, "1");
    await session.save();
    session.startOver();
    link(session, "2");
    const put = vi.spyOn(collection, "put").mockRejectedValue(new Error("no room"));
    await expect(session.save()).rejects.toThrow("no room");
    put.mockRestore();
    const options = { collection, journal, isKnown: () => false, onMapping: vi.fn(), onFailure: vi.fn() };
    const again = await Session.open(options);
    expect(again.credentials().me?.id).toBe("1:2@s.whatsapp.net");
  });

  it("is the new one, whole, where a crash or a full disk interrupts the exchange", async () => {
    const { session, collection, journal } = await openSession(await tempStore());
    link(session, "1");
    await session.save();
    await session.set({ session: { "77_1.0": new Uint8Array([1]) } });
    const creds = link((await openSession(await tempStore())).session, "2");
    const putAll = collection.putAll.bind(collection);
    const full = vi.spyOn(collection, "putAll").mockImplementationOnce(putAll).mockRejectedValue(new Error("no room"));
    const keys = new Map([["session/88_1.0", new Uint8Array([2])]]);
    await expect(session.adopt(creds, keys)).rejects.toThrow("no room");
    full.mockRestore();
    const options = { collection, journal, isKnown: () => false, onMapping: vi.fn(), onFailure: vi.fn() };
    const again = await Session.open(options);
    expect(again.credentials().me?.id).toBe("2:2@s.whatsapp.net");
    expect(Object.keys(await again.get("session", ["77_1.0", "88_1.0"]))).toEqual(["88_1.0"]);
  });
});

it("a long talk costs no more to go on with than a short one, and what comes late is still read", async () => {
  const { session, collection } = await openSession(await tempStore());
  const quiet = new Quiet();
  onTestFinished(() => quiet.close());
  const creds = initAuthCreds();
  const preKey = Curve.generateKeyPair();
  await session.set({ "pre-key": { 1: preKey } });
  const keys = Object.assign(Object.create(session), {
    isInTransaction: () => true,
    transaction: (work: () => unknown) => work(),
  });
  const { logger } = DEFAULT_CONNECTION_CONFIG;
  const repository = DEFAULT_CONNECTION_CONFIG.makeSignalRepository({ creds, keys }, logger);
  const jid = "77@lid";
  const phone = new SignalDevice(quiet);
  const peer = { account: { serial: 9 }, device: 0 };
  const bundle = () => ({
    registrationId: creds.registrationId,
    identity: creds.signedIdentityKey.public,
    signedPreKey: {
      id: creds.signedPreKey.keyId,
      key: creds.signedPreKey.keyPair.public,
      signature: creds.signedPreKey.signature,
    },
    preKey: { id: 1, key: preKey.public },
  });
  const says = (words: string) => phone.encrypt(peer, Buffer.from(words), bundle);
  const reads = async ({ type, ciphertext }: Sealed) =>
    Buffer.from(await repository.decryptMessage({ jid, type, ciphertext: Buffer.from(ciphertext) })).toString();
  const answers = async (words: string) => {
    const sealed = await repository.encryptMessage({ jid, data: Buffer.from(words) });
    const ciphertext = Buffer.from(sealed.ciphertext);
    expect(Buffer.from(await phone.decrypt(peer, { type: sealed.type, ciphertext })).toString()).toBe(words);
  };
  const size = async () =>
    (await collection.find()).filter(({ _id }) => _id.startsWith("session/")).reduce((sum, { v }) => sum + v.length, 0);

  const sizes: number[] = [];
  for (let turn = 0; turn < 40; turn++) {
    const late = await says(`late ${turn}`);
    expect(await reads(await says(`hello ${turn}`))).toBe(`hello ${turn}`);
    await answers(`answer ${turn}`);
    expect(await reads(late)).toBe(`late ${turn}`);
    sizes.push(await size());
  }
  expect(sizes.at(-1)).toBeLessThan((sizes[7] ?? 0) * 1.05);
});
