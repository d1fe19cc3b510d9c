import { parseJid } from "../access/identity.js";
import { KafclawError } from "../access/types.js";
import { present } from "../present.js";
import type { Collection, Doc } from "../store/types.js";
import type { Me } from "./types.js";

interface PinDoc extends Doc {
  readonly pn: string;
  readonly lid?: string;
  readonly linkedAt: number;
  /** The linked device, as WhatsApp calls it: a new link has another one. Absent where it was pinned before this was kept. */
  readonly device?: string;
}

const PIN = "linked-account";
const SECOND = 1000;

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

  /** When the account was linked, milliseconds since 1970; 0 while none is. */
  get linkedAt(): number {
    return this.pin?.linkedAt ?? 0;
  }

  /** Whether this device is another one than was linked last, so that its link is a new one. */
  isNew(device: string | undefined): boolean {
    return this.pin === undefined || (this.pin.device !== undefined && this.pin.device !== device);
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

  /**
   * The account is linked: from now on it is this one.
   * @param now WhatsApp's time, whose messages have whole seconds
   */
  async set({ pn, lid }: Me, device: string | undefined, now: number): Promise<void> {
    const linkedAt = Math.floor(now / SECOND) * SECOND;
    const pin = { _id: PIN, pn, linkedAt, ...present({ lid, device }) };
    await this.settings.put(pin);
    this.pin = pin;
  }
}
