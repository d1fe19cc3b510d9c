import type { Pn } from "./access/index.js";
import type { Collection, Doc } from "./store/types.js";

interface MissingDoc extends Doc {
  /** Told of, and not gone from the lists since. */
  readonly told: readonly Pn[];
}

const ID = "missing-numbers";

/** Numbers that somebody is named by and that are not on WhatsApp: which of them the owner was told of, over restarts. */
export class MissingNumbers {
  private constructor(
    private readonly settings: Collection<MissingDoc>,
    private told: readonly Pn[],
  ) {}

  static async open(settings: Collection<Doc>): Promise<MissingNumbers> {
    // The settings file holds documents of several kinds; this id belongs to this class alone.
    const collection = settings as Collection<MissingDoc>;
    return new MissingNumbers(collection, (await collection.get(ID))?.told ?? []);
  }

  /** Those of the numbers that the owner was not told of. */
  untold(missing: readonly Pn[]): readonly Pn[] {
    return missing.filter((pn) => !this.told.includes(pn));
  }

  /**
   * The owner was told of them, perhaps of none.
   * @param named tells whoever is named by number now; the others are forgotten, and told of where somebody is named by them again
   */
  async wereTold(missing: readonly Pn[], named: () => readonly Pn[]): Promise<void> {
    if (missing.length === 0 && this.told.length === 0) return;
    const known = new Set(named());
    const told = [...this.told.filter((pn) => known.has(pn)), ...this.untold(missing)];
    if (missing.length === 0 && told.length === this.told.length) return;
    await this.settings.put({ _id: ID, told });
    this.told = told;
  }
}
