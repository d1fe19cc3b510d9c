import { digitsOf, type Lid, type Pn, parseJid } from "../access/identity.js";
import { KafclawError } from "../access/types.js";
import { DAY, SECOND } from "../clock.js";
import { present } from "../present.js";
import type { Collection, Doc } from "../store/types.js";
import type { Me } from "./types.js";

interface PinDoc extends Doc {
  readonly pn: Pn;
  readonly lid?: Lid;
  readonly linkedAt: number;
  /** The linked device, as WhatsApp calls it: a new link has another one. Absent where it was pinned before this was kept. */
  readonly device?: string;
  /** The link was ended here, so what came since is not for the bot. */
  readonly ended?: true;
}

const PIN = "linked-account";
/** WhatsApp unlinks a device after two weeks without its phone; the journal knows what it has handled for longer. */
const MISSED_MS = 14 * DAY;

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

  /** From when on messages to the account are for the bot, milliseconds since 1970; 0 while none is linked. */
  get linkedAt(): number {
    return this.pin?.linkedAt ?? 0;
  }

  /** Whether this device is another one than was linked last, so that its link is a new one. */
  isNew(device: string | undefined): boolean {
    return this.pin === undefined || (this.pin.device !== undefined && this.pin.device !== device);
  }

  /**
   * Checks the account that is about to be linked, as its credentials name it. A number alone does not tell an account: it
   * can pass to somebody else, a LID can't.
   * @throws KafclawError `other-account`
   */
  check(account: { readonly id: string; readonly lid?: string | undefined } | undefined): void {
    const { pin } = this;
    const address = account ? parseJid(account.id) : undefined;
    const lid = account?.lid ? parseJid(account.lid) : undefined;
    if (!pin || address?.kind !== "pn") return;
    const isOther = pin.lid !== undefined && lid?.kind === "lid" && lid.lid !== pin.lid;
    if (address.pn === pin.pn && !isOther) return;
    const phone = `+${digitsOf(address.pn)}`;
    const whose = address.pn === pin.pn ? `another account, which has ${phone} now` : phone;
    throw new KafclawError(
      "other-account",
      `This home belongs to +${digitsOf(pin.pn)}, and the phone is ${whose}; nothing was changed. To change the account: kafclaw whatsapp-auth --replace.`,
    );
  }

  /** The link is ended by whoever owns it, and not by WhatsApp: the account stays this one. */
  async end(): Promise<void> {
    if (!this.pin) return;
    const pin: PinDoc = { ...this.pin, ended: true };
    await this.settings.put(pin);
    this.pin = pin;
  }

  /**
   * The account is linked: from now on it is this one.
   * @param now WhatsApp's time, whose messages have whole seconds
   */
  async set({ pn, lid }: Me, device: string | undefined, now: number): Promise<void> {
    // What the same account got while it was not linked comes with its history, and is meant for the bot.
    const isSame = this.pin?.pn === pn && this.pin.lid === lid && this.pin.ended !== true;
    const missed = isSame ? Math.max(this.linkedAt, now - MISSED_MS) : now;
    const linkedAt = Math.floor(missed / SECOND) * SECOND;
    const pin = { _id: PIN, pn, linkedAt, ...present({ lid, device }) };
    await this.settings.put(pin);
    this.pin = pin;
  }
}
