import { DEFAULT_CONNECTION_CONFIG, fetchLatestWaWebVersion, type WAVersion } from "@whiskeysockets/baileys";
import type { Collection, Doc } from "../store/types.js";

interface VersionDoc extends Doc {
  readonly version: WAVersion;
}

/** Asks WhatsApp for its newest client version; without an answer it says that what it returns is not the latest. */
export type FetchVersion = (request: {
  readonly signal: AbortSignal;
}) => Promise<{ readonly version: WAVersion; readonly isLatest: boolean }>;

const ID = "whatsapp-version";
const FETCH_TIMEOUT_MS = 5_000;

/**
 * The client version to show WhatsApp. 405 at connect says that it is outdated: then the current one is asked for, the
 * last that worked is kept, and the one bundled with Baileys is the fallback.
 */
export class ClientVersion {
  private constructor(
    private readonly settings: Collection<VersionDoc>,
    private readonly fetchVersion: FetchVersion,
    private version: WAVersion,
    private saved: WAVersion | undefined,
  ) {}

  static async open(settings: Collection<Doc>, fetchVersion: FetchVersion): Promise<ClientVersion> {
    // The settings file holds documents of several kinds; this id belongs to this class alone.
    const collection = settings as Collection<VersionDoc>;
    const saved = (await collection.get(ID))?.version;
    return new ClientVersion(collection, fetchVersion, saved ?? DEFAULT_CONNECTION_CONFIG.version, saved);
  }

  get current(): WAVersion {
    return this.version;
  }

  /** WhatsApp accepted the current version. */
  async worked(): Promise<void> {
    if (this.saved?.join() === this.version.join() || this.version === DEFAULT_CONNECTION_CONFIG.version) return;
    await this.settings.put({ _id: ID, version: this.version });
    this.saved = this.version;
  }

  /** WhatsApp refused the current version: asks for the newest; where that fails or is the same, takes the bundled one. */
  async outdated(): Promise<void> {
    const refused = this.version.join();
    const { version, isLatest } = await this.fetchVersion({ signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    this.version = isLatest && version.join() !== refused ? version : DEFAULT_CONNECTION_CONFIG.version;
  }
}

/**
 * How the newest version is learned: from WhatsApp, unless another root key is trusted. Such a server is not WhatsApp, and
 * what WhatsApp's own newest is says nothing about it.
 */
export function fetchVersionFor(rootKey: string | undefined): FetchVersion {
  if (rootKey === undefined) return fetchLatestWaWebVersion;
  return async () => ({ version: DEFAULT_CONNECTION_CONFIG.version, isLatest: false });
}
