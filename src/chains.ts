interface Chain {
  work: Promise<void>;
  waiting: number;
}

/** Work in chains: what has one key is done in order, and nobody waits for another's. */
export class Chains<T> {
  private readonly chains = new Map<string, Chain>();

  /** @param work never rejects */
  constructor(
    private readonly keyOf: (item: T) => string,
    private readonly work: (item: T) => Promise<void>,
  ) {}

  add(item: T): void {
    const key = this.keyOf(item);
    const chain = this.chains.get(key) ?? { work: Promise.resolve(), waiting: 0 };
    this.chains.set(key, chain);
    chain.waiting += 1;
    const work = chain.work.then(() => {
      chain.waiting -= 1;
      return this.work(item);
    });
    chain.work = work;
    void work.finally(() => {
      if (chain.work === work) this.chains.delete(key);
    });
  }

  /** How many of an item's chain have not had their turn. */
  waiting(item: T): number {
    return this.chains.get(this.keyOf(item))?.waiting ?? 0;
  }

  /** Resolves when all that was added by now is done. */
  async done(): Promise<void> {
    await Promise.all([...this.chains.values()].map(({ work }) => work));
  }
}
