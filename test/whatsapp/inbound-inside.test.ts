import { proto } from "@whiskeysockets/baileys";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sealedEdit, secretOf } from "../../src/simulator/sealed.js";
import { fromHistory, normalise, type Raw, resent, withOtherAddress } from "../../src/whatsapp/inbound.js";
import { Journal, type JournalRecord } from "../../src/whatsapp/journal.js";
import { unseal } from "../../src/whatsapp/sealed.js";
import { ALICE_LID, ALICE_PN, ARRIVED, FROM_ALICE, ME, ME_LID, ME_PN, record, T } from "./inbound-rig.js";
import { tempStore } from "./temp-store.js";

const { Type } = proto.Message.ProtocolMessage;

function answer(...infos: readonly (proto.IWebMessageInfo | Uint8Array)[]): proto.IMessage {
  const peerDataOperationResult = infos.map((info) => ({
    placeholderMessageResendResponse: {
      webMessageInfoBytes: info instanceof Uint8Array ? info : proto.WebMessageInfo.encode(info).finish(),
    },
  }));
  return {
    protocolMessage: {
      type: Type.PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE,
      peerDataOperationRequestResponseMessage: { peerDataOperationResult },
    },
  };
}

const FROM_PHONE = { from: ME_PN, id: "P1", category: "peer", t: String(T) };
const ALICES: proto.IWebMessageInfo = {
  key: { remoteJid: ALICE_LID, fromMe: false, id: "3EB0A9" },
  messageTimestamp: T,
  pushName: "Alice",
  message: { conversation: "hello" },
};

/** What becomes of a message that came inside another, once it is in the journal. */
function journaled({ attrs, body }: Raw) {
  return normalise({ _id: "j", attrs, body: Buffer.from(body).toString("base64"), at: ARRIVED }, ME);
}

describe("messages that our phone brings back", () => {
  it("come out as they would have come by themselves", () => {
    const [raw] = resent(record(answer(ALICES), FROM_PHONE), ME);
    expect(raw && journaled(raw)).toMatchObject({
      id: "3EB0A9",
      sender: { lid: ALICE_LID },
      fromMe: false,
      name: "Alice",
      at: T * 1000,
      content: { kind: "text", text: "hello" },
    });
  });

  it("come out with the secret that edits of them are sealed with, which phones keep beside them", () => {
    const messageSecret = secretOf("3EB0A9");
    const [raw] = resent(record(answer({ ...ALICES, messageSecret }), FROM_PHONE), ME);
    const original = Buffer.from(raw?.body ?? []).toString("base64");
    const edit = record(sealedEdit("hallo", { id: "3EB0A9" }, ALICE_LID));
    const body = unseal(edit, original, ME) ?? "";
    expect(normalise({ ...edit, body }, ME)?.content).toMatchObject({ kind: "edit", text: "hallo" });
    expect(raw && journaled(raw)?.content).toEqual({ kind: "text", text: "hello" });
  });

  it("come out wrapped by our phone too", () => {
    const wrapped = { deviceSentMessage: { destinationJid: ME_PN, message: answer(ALICES) } };
    expect(resent(record(wrapped, FROM_PHONE), ME)).toHaveLength(1);
  });

  it("count from our own phone alone: not from a stranger, nor from another of our devices", () => {
    expect(resent(record(answer(ALICES), FROM_ALICE), ME)).toEqual([]);
    expect(resent(record(answer(ALICES), { ...FROM_PHONE, from: "15550001000:9@s.whatsapp.net" }), ME)).toEqual([]);
  });

  it("the answer itself is no message", () => {
    expect(normalise(record(answer(ALICES), FROM_PHONE), ME)).toBeUndefined();
  });

  it("damaged or empty ones are left out, and the others come", () => {
    const { message: _, ...empty } = ALICES;
    const found = resent(record(answer(new Uint8Array([255, 255, 1]), empty, ALICES), FROM_PHONE), ME);
    expect(found.map(({ attrs }) => attrs.id)).toEqual(["3EB0A9"]);
  });

  it("arbitrary bytes never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const raw of resent(record(answer(bytes), FROM_PHONE), ME)) journaled(raw);
      }),
      { numRuns: 300 },
    );
  });
});

describe("messages that came with the history", () => {
  it("come oldest first, each under its own id, with the other address where Baileys has mapped it", () => {
    const key = { remoteJid: ALICE_LID, remoteJidAlt: ALICE_PN, fromMe: false, id: "2" };
    const older = { ...ALICES, key: { ...ALICES.key, id: "1" }, messageTimestamp: T - 60 };
    const found = fromHistory([{ ...ALICES, key }, older], ME, 0).map(journaled);
    expect(found.map((message) => message?.id)).toEqual(["1", "2"]);
    expect(found[1]?.sender).toEqual({ pn: ALICE_PN, lid: ALICE_LID });
  });

  it("what was written before the account was linked is left out", () => {
    const older = { ...ALICES, key: { ...ALICES.key, id: "1" }, messageTimestamp: T - 60 };
    const found = fromHistory([ALICES, older], ME, (T - 30) * 1000);
    expect(found.map(({ attrs }) => attrs.id)).toEqual(["3EB0A9"]);
  });

  it("what the owner wrote to themselves comes, from themselves", () => {
    for (const remoteJid of [ME_PN, ME_LID]) {
      const [raw] = fromHistory([{ ...ALICES, key: { remoteJid, fromMe: true, id: "1" } }], ME, 0);
      expect(raw && journaled(raw)).toMatchObject({ fromMe: true, chat: { kind: "person", address: remoteJid } });
    }
  });

  it("what the owner wrote to others, groups, and rubbish are left out", () => {
    const history: proto.IWebMessageInfo[] = [
      { ...ALICES, key: { remoteJid: ALICE_PN, fromMe: true, id: "1" } },
      { ...ALICES, key: { remoteJid: "1203@g.us", fromMe: false, id: "1", participant: ALICE_LID } },
      { ...ALICES, key: { remoteJid: "status@broadcast", fromMe: false, id: "1", participant: ALICE_LID } },
      { ...ALICES, key: { remoteJid: ME_PN, fromMe: false, id: "1" } },
      { ...ALICES, key: { fromMe: false, id: "1" } },
      { key: { remoteJid: ALICE_LID, id: "1" } },
    ];
    expect(fromHistory(history, ME, 0)).toEqual([]);
  });
});

describe("a message that phones bring back", () => {
  const mapped = async (user: string, of: "pn" | "lid") => {
    const found = of === "pn" ? [ALICE_PN, ALICE_LID] : [ALICE_LID, ALICE_PN];
    return found[0]?.startsWith(`${user}@`) ? found[1]?.split("@")[0] : undefined;
  };
  const under = (remoteJid: string) => fromHistory([{ ...ALICES, key: { ...ALICES.key, remoteJid } }], ME, 0);

  it("I10: is the same under either address of its sender, as the journal sees it", async () => {
    const journal = await Journal.open(await (await tempStore()).open<JournalRecord>("journal"), Date.now);
    const raws = await Promise.all([ALICE_PN, ALICE_LID].flatMap(under).map((raw) => withOtherAddress(raw, mapped)));
    const came = journal.draft({ ...FROM_ALICE, id: ALICES.key?.id ?? "" }, Buffer.from("x"));
    expect(new Set(raws.map(({ attrs, body }) => journal.draft(attrs, body)._id))).toEqual(new Set([came._id]));
    expect(raws.map(journaled).map((message) => message?.sender)).toEqual(
      Array(2).fill({ pn: ALICE_PN, lid: ALICE_LID }),
    );
  });

  it("keeps the address it has where the other is not known, or said", async () => {
    const nobody = async () => undefined;
    expect((await Promise.all(under(ALICE_PN).map((raw) => withOtherAddress(raw, nobody))))[0]?.attrs).toEqual(
      under(ALICE_PN)[0]?.attrs,
    );
    const said = { attrs: { from: ALICE_PN, id: "1", sender_lid: "9@lid" }, body: new Uint8Array() };
    expect(await withOtherAddress(said, mapped)).toEqual(said);
    const group = { attrs: { from: "1203@g.us", id: "1" }, body: new Uint8Array() };
    expect(await withOtherAddress(group, mapped)).toEqual(group);
  });

  it("was sent before now, as what waits at WhatsApp was", () => {
    expect(under(ALICE_PN).map(({ attrs }) => attrs)).toMatchObject([{ offline: "1" }]);
  });
});
