/** What has to be taken down again, in reverse order, whatever happened in between. */
export class Closing {
  private readonly works: (() => unknown)[] = [];
  private isClosed = false;

  /** What is set up when everything is taken down already is taken down at once. */
  defer(work: () => unknown): void {
    if (this.isClosed) void work();
    else this.works.push(work);
  }

  /** Takes everything down; what fails doesn't keep the rest from it. @throws the first failure, at the end */
  async close(): Promise<void> {
    this.isClosed = true;
    const failures: unknown[] = [];
    for (const work of this.works.splice(0).reverse()) {
      try {
        await work();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
