import { randomBytes } from "node:crypto";
import { deflateSync } from "node:zlib";
import { proto } from "@whiskeysockets/baileys";
import type { Account, Companion } from "./account.js";
import type { PostOffice } from "./outgoing.js";

const { Type } = proto.Message.ProtocolMessage;

/** What the phone sends to a companion once, right after the link: the app-state key, and the chats so far. */
export async function firstSync(companion: Companion, post: PostOffice, clock: () => number): Promise<void> {
  const { account } = companion;
  await post.peer(companion, {
    type: Type.APP_STATE_SYNC_KEY_SHARE,
    appStateSyncKeyShare: {
      keys: [
        {
          keyId: { keyId: randomBytes(6) },
          keyData: {
            keyData: randomBytes(32),
            fingerprint: { rawId: 1, currentIndex: 0, deviceIndexes: [0, companion.device] },
            timestamp: clock(),
          },
        },
      ],
    },
  });
  await post.peer(companion, {
    type: Type.HISTORY_SYNC_NOTIFICATION,
    historySyncNotification: {
      syncType: proto.HistorySync.HistorySyncType.INITIAL_BOOTSTRAP,
      chunkOrder: 1,
      progress: 100,
      initialHistBootstrapInlinePayload: deflateSync(historyOf(account)),
    },
  });
}

function historyOf(account: Account): Uint8Array {
  const chats = new Map<Account, proto.IHistorySyncMsg[]>();
  for (const { from, id, text, at } of account.history) {
    const key = { remoteJid: from.address("lid"), fromMe: false, id };
    const message = {
      key,
      message: { conversation: text },
      messageTimestamp: Math.floor(at / 1000),
      pushName: from.name,
    };
    chats.set(from, [...(chats.get(from) ?? []), { message }]);
  }
  const known = [account, ...chats.keys()];
  return proto.HistorySync.encode({
    syncType: proto.HistorySync.HistorySyncType.INITIAL_BOOTSTRAP,
    progress: 100,
    conversations: [...chats].map(([from, messages]) => ({
      id: from.address("lid"),
      name: from.name,
      messages,
      ...(from.pn === undefined ? {} : { pnJid: from.address("pn") }),
    })),
    phoneNumberToLidMappings: known
      .filter((person) => person.pn !== undefined && person.lid !== undefined)
      .map((person) => ({ pnJid: person.address("pn"), lidJid: person.address("lid") })),
  }).finish();
}
