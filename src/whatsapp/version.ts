import { DEFAULT_CONNECTION_CONFIG, fetchLatestWaWebVersion, type WAVersion } from "@whiskeysockets/baileys";
import type { Collection, Doc } from "../store/types.js";

interface VersionDoc extends Doc {
  readonly version: WAVersion;
}

const ID = "whatsapp-version";
const FETCH_TIMEOUT_MS = 5_000;

/**
 * The client version to show WhatsApp. 405 at connect says that it is outdated: then the current one is asked for, the
 * last that worked is kept, and the one bundled with Baileys is the fallback.
 */
export class ClientVersion {
  private constructor(
    private readonly settings: Collection<VersionDoc>,
    private version: WAVersion,
    private saved: WAVersion | undefined,
  ) {}

  static async open(settings: Collection<Doc>): Promise<ClientVersion> {
    // The settings file holds documents of several kinds; this id belongs to this class alone.
    const collection = settings as Collection<VersionDoc>;
    const saved = (await collection.get(ID))?.version;
    return new ClientVersion(collection, saved ?? DEFAULT_CONNECTION_CONFIG.version, saved);
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
    const { version, isLatest } = await fetchLatestWaWebVersion({ signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    this.version = isLatest && version.join() !== refused ? version : DEFAULT_CONNECTION_CONFIG.version;
  }
}
