import { parseJid } from "../access/identity.js";
import { KafclawError } from "../access/types.js";
import type { Collection, Doc } from "../store/types.js";
import type { Me } from "./types.js";

interface PinDoc extends Doc {
  readonly pn: string;
  readonly lid?: string;
  readonly linkedAt: number;
}

const PIN = "linked-account";

/** The account that this home is linked to; another one is refused until the owner says so. */
export class AccountPin {
  private constructor(
    private readonly settings: Collection<Doc>,
    private pin: PinDoc | undefined,
  ) {}

  static async open(settings: Collection<Doc>): Promise<AccountPin> {
    // The settings file holds documents of several kinds; this id belongs to the pin alone.
    return new AccountPin(settings, (await settings.get(PIN)) as PinDoc | undefined);
  }

  get isSet(): boolean {
    return this.pin !== undefined;
  }

  /** When the account was linked, milliseconds since 1970; 0 while none is. */
  get linkedAt(): number {
    return this.pin?.linkedAt ?? 0;
  }

  /**
   * Checks a JID of the account that is about to be linked.
   * @throws KafclawError `other-account`
   */
  check(id: string | undefined): void {
    const { pin } = this;
    const address = id ? parseJid(id) : undefined;
    if (!pin || address?.kind !== "pn" || address.pn === pin.pn) return;
    throw new KafclawError(
      "other-account",
      `This home belongs to +${pin.pn.split("@")[0]}, and the phone is +${address.pn.split("@")[0]}; nothing was changed. To change the account: kafclaw whatsapp-auth --replace.`,
    );
  }

  /** The account is linked: from now on it is this one. */
  async set({ pn, lid }: Me, now: number): Promise<void> {
    this.pin = { _id: PIN, pn, ...(lid ? { lid } : {}), linkedAt: now };
    await this.settings.put(this.pin);
  }
}
