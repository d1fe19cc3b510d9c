import { type Access, digitsOf, type Learned, type Person, type Pn, personFrom } from "./access/index.js";
import type { People } from "./people.js";
import type { Mapped } from "./whatsapp/inbound.js";
import type { Link } from "./whatsapp/link.js";

/** What is needed to ask for LIDs. */
export interface LidsParts {
  readonly access: Access;
  readonly people: People;
  readonly link: Pick<Link, "state" | "askLid">;
  readonly mapped: Mapped;
  /** Tells the owner of what was learned. */
  readonly tell: (learned: Learned) => Promise<void>;
}

/** Numbers of contacts whose LID is asked of WhatsApp after a login; the rest is learned when they write. */
const MOST_ASKED = 500;
/** How long a stranger's message waits at most for those answers. */
const PATIENCE_MS = 10_000;

/**
 * Asks WhatsApp for the LIDs of numbers: today people write under their LID alone, and whoever is named by number is to be
 * recognised by it.
 */
export class Lids {
  /** Resolves when the LIDs of the numbers that we know were asked, or that took too long. */
  readonly asked: Promise<void>;
  private resolveAsked = (): void => {};

  constructor(private readonly parts: LidsParts) {
    this.asked = new Promise((resolve) => {
      this.resolveAsked = resolve;
    });
  }

  /** The person of a number, with the LID where WhatsApp tells it. What is learned is kept: they may be on a list by it. */
  async whose(pn: Pn): Promise<Person> {
    const { access, link, mapped, tell } = this.parts;
    await link.askLid(pn);
    const lid = await mapped(digitsOf(pn), "pn");
    const person = personFrom(pn, lid && `${lid}@lid`) ?? { pn };
    await tell(await access.learn(person));
    return person;
  }

  /** Asks for everyone who counts. Call after each login. */
  async askAll(): Promise<void> {
    const { people, link } = this.parts;
    const patience = setTimeout(this.resolveAsked, PATIENCE_MS).unref();
    const isOpen = (): boolean => link.state.code === "open";
    for (const pn of people.numbersWithoutLid().slice(0, MOST_ASKED)) if (isOpen()) await this.whose(pn);
    clearTimeout(patience);
    // Where the connection ended meanwhile, the next login asks.
    if (isOpen()) this.resolveAsked();
  }

  /** Nobody is asked any more, and nobody waits for it. */
  stop(): void {
    this.resolveAsked();
  }
}
