import { randomInt } from "node:crypto";
import {
  Curve,
  DEFAULT_CONNECTION_CONFIG,
  generateSignalPubKey,
  type KeyPair,
  type SignalDataSet,
  type SignalKeyStoreWithTransaction,
  type SignalRepository,
  type SignedKeyPair,
  signedKeyPair,
} from "@whiskeysockets/baileys";
import type { Quiet } from "./quiet.js";

const MAX_REGISTRATION_ID = 16380;
/** Under what a phone keeps its own sender keys. */
const SELF = "0@lid";

/** The public keys with which somebody opens a session to a device. */
export interface Bundle {
  readonly registrationId: number;
  readonly identity: Uint8Array;
  readonly signedPreKey: { readonly id: number; readonly key: Uint8Array; readonly signature: Uint8Array };
  readonly preKey?: { readonly id: number; readonly key: Uint8Array };
}

/** The companion at the other end of a session. */
export interface Peer {
  readonly account: { readonly serial: number };
  readonly device: number;
}

/** Something encrypted for one device. */
export interface Sealed {
  readonly type: "pkmsg" | "msg";
  readonly ciphertext: Uint8Array;
}

type Logger = typeof DEFAULT_CONNECTION_CONFIG.logger;

/**
 * A primary phone's own Signal state: identity, prekeys, and one session for each companion that it talks with,
 * whatever addresses are used. Everything is made when first needed, so that a phone costs nothing until it speaks.
 */
export class SignalDevice {
  readonly registrationId = randomInt(1, MAX_REGISTRATION_ID);
  readonly #quiet: Quiet;
  readonly #store = new MemoryKeys();
  #identity: KeyPair | undefined;
  #signedPreKey: SignedKeyPair | undefined;
  #lastPreKey = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(quiet: Quiet) {
    this.#quiet = quiet;
  }

  get identity(): KeyPair {
    this.#identity ??= Curve.generateKeyPair();
    return this.#identity;
  }

  /** The keys the server hands out for this phone, with a new one-time key each time. */
  bundle(): Bundle {
    const { keyId, keyPair, signature } = this.#signed();
    const preKey = Curve.generateKeyPair();
    this.#lastPreKey += 1;
    this.#store.set({ "pre-key": { [this.#lastPreKey]: preKey } });
    return {
      registrationId: this.registrationId,
      identity: this.identity.public,
      signedPreKey: { id: keyId, key: keyPair.public, signature },
      preKey: { id: this.#lastPreKey, key: preKey.public },
    };
  }

  /** Encrypts for a companion; the first time with the bundle that `fetch` gets from the server. */
  encrypt(companion: Peer, data: Uint8Array, fetch: () => Bundle): Promise<Sealed> {
    return this.#work(async (repository) => {
      const jid = sessionJid(companion);
      if (!(await repository.validateSession(jid)).exists) {
        await inject(repository, jid, fetch());
      }
      return repository.encryptMessage({ jid, data });
    });
  }

  decrypt(companion: Peer, sealed: Sealed): Promise<Uint8Array> {
    return this.#work((repository) => repository.decryptMessage({ jid: sessionJid(companion), ...sealed }));
  }

  /** Loses every session and key but the identity, as a phone that was restored from a backup. */
  forget(): void {
    this.#store.clear();
    this.#signedPreKey = undefined;
  }

  /** Drops the session with a companion and opens one from the bundle. */
  restart(companion: Peer, bundle: Bundle): Promise<void> {
    return this.#work((repository) => inject(repository, sessionJid(companion), bundle));
  }

  /** Encrypts under this phone's sender key for a group; the distribution message goes to each reader. */
  encryptGroup(
    group: string,
    data: Uint8Array,
  ): Promise<{ ciphertext: Uint8Array; senderKeyDistributionMessage: Uint8Array }> {
    return this.#work((repository) => repository.encryptGroupMessage({ group, data, meId: SELF }));
  }

  #signed(): SignedKeyPair {
    this.#signedPreKey ??= signedKeyPair(this.identity, 1);
    return this.#signedPreKey;
  }

  /**
   * Does one thing after the other (two sends at once must not open two sessions), each with a repository of its own:
   * its caches weigh more than all that a stranger's phone has to remember.
   */
  #work<T>(work: (repository: SignalRepository) => Promise<T>): Promise<T> {
    const done = this.#last.then(() => this.#quiet.run(() => work(this.#open())));
    this.#last = done.catch(() => undefined);
    return done;
  }

  #open(): SignalRepository {
    const device = this;
    return DEFAULT_CONNECTION_CONFIG.makeSignalRepository(
      {
        creds: {
          get signedIdentityKey() {
            return device.identity;
          },
          get signedPreKey() {
            return device.#signed();
          },
          registrationId: this.registrationId,
        },
        keys: this.#store,
      },
      SILENT,
    );
  }
}

function inject(repository: SignalRepository, jid: string, bundle: Bundle): Promise<void> {
  const { signedPreKey, preKey } = bundle;
  return repository.injectE2ESession({
    jid,
    session: {
      registrationId: bundle.registrationId,
      identityKey: generateSignalPubKey(bundle.identity),
      signedPreKey: {
        keyId: signedPreKey.id,
        publicKey: generateSignalPubKey(signedPreKey.key),
        signature: signedPreKey.signature,
      },
      ...(preKey ? { preKey: { keyId: preKey.id, publicKey: generateSignalPubKey(preKey.key) } } : {}),
    },
  });
}

/** LID form, because the repository takes such addresses as they are and looks no mapping up. */
function sessionJid(companion: Peer): string {
  return `${companion.account.serial}:${companion.device}@lid`;
}

/** A Signal key store in memory. Work on it is serialised by its device, so a transaction is just the work. */
class MemoryKeys implements SignalKeyStoreWithTransaction {
  readonly #values = new Map<string, unknown>();

  get: SignalKeyStoreWithTransaction["get"] = (type, ids) => {
    const found: Record<string, unknown> = {};
    for (const id of ids) {
      const value = this.#values.get(`${type} ${id}`);
      if (value !== undefined) {
        found[id] = value;
      }
    }
    // What is stored under a type was set under that type.
    return found as ReturnType<SignalKeyStoreWithTransaction["get"]> as never;
  };

  set(data: SignalDataSet): void {
    for (const [type, values] of Object.entries(data)) {
      for (const [id, value] of Object.entries(values)) {
        if (value === null) {
          this.#values.delete(`${type} ${id}`);
        } else {
          this.#values.set(`${type} ${id}`, value);
        }
      }
    }
  }

  clear(): void {
    this.#values.clear();
  }

  isInTransaction(): boolean {
    return true;
  }

  transaction<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }
}

const nothing = (): void => undefined;

const SILENT: Logger = {
  level: "silent",
  child: () => SILENT,
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
};
