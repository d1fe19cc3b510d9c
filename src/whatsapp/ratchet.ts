import { SessionCipher } from "libsignal";

/** One of the sessions that we have had with a device, as libsignal keeps it; its types leave that out. */
interface Session {
  serialize(): object;
  readonly constructor: { deserialize(data: object): object };
}

/** What libsignal stores of a device, as far as it matters here. */
interface StoredRecord {
  readonly _sessions: Readonly<Record<string, { readonly _chains: Readonly<Record<string, StoredChain>> }>>;
}

interface StoredChain {
  /** 1 is the chain that we send in, 2 one that we receive in. */
  readonly chainType: number;
}

const RECEIVING = 2;
/** As many as Signal's own library keeps: MAX_RECEIVER_CHAINS in libsignal, rust/protocol/src/consts.rs. */
const RECEIVING_KEPT = 5;

/**
 * A Signal record as libsignal hands it over to be stored, without the receiving chains that are long over.
 *
 * libsignal 6.0.0 keeps every chain that there ever was: one for each time that the talk went back and forth, some 100
 * bytes. After a year of talk, a message would be read and written with a megabyte of them.
 */
export function withoutOldChains(record: unknown): unknown {
  if (!isStored(record)) return record;
  const sessions = { ...record._sessions };
  let hasOld = false;
  for (const [key, session] of Object.entries(sessions)) {
    const chains = Object.entries(session._chains);
    const old = chains.filter(([, { chainType }]) => chainType === RECEIVING).slice(0, -RECEIVING_KEPT);
    if (old.length === 0) continue;
    hasOld = true;
    sessions[key] = { ...session, _chains: Object.fromEntries(chains.filter((chain) => !old.includes(chain))) };
  }
  return hasOld ? { ...record, _sessions: sessions } : record;
}

function isStored(record: unknown): record is StoredRecord {
  return typeof record === "object" && record !== null && "_sessions" in record;
}

/** What libsignal's types leave out of its cipher. */
interface Cipher {
  decryptWithSessions(message: Uint8Array, sessions: readonly Session[]): Promise<object>;
}

const cipher = SessionCipher.prototype as unknown as Cipher;
const decryptWithSessions = cipher.decryptWithSessions;

/**
 * Keeps libsignal 6.0.0 from breaking a session that a message does not belong to.
 *
 * It tries a message on each session that there is with a device, moves the ratchet of each before it knows whether the
 * message fits, and writes all of them back once one fits. So a message of an older session (two that crossed while
 * the other side opened a new one, say) spoils the new one: what is sent in it from then on can't be read.
 */
export function keepSessionsApart(): void {
  cipher.decryptWithSessions = async function (message, sessions) {
    for (const session of sessions.slice(0, -1)) {
      const before = session.serialize();
      try {
        return await decryptWithSessions.call(this, message, [session]);
      } catch {
        Object.assign(session, session.constructor.deserialize(before));
      }
    }
    return decryptWithSessions.call(this, message, sessions.slice(-1));
  };
}
