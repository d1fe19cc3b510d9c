import { SessionCipher } from "libsignal";

/** One of the sessions that we have had with a device, as libsignal keeps it; its types leave that out. */
interface Session {
  serialize(): object;
  readonly constructor: { deserialize(data: object): object };
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
