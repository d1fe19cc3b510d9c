/** One request to an endpoint and its response, of which no more is borne than of an honest one. */

/** No honest answer of that length takes more bytes, whatever wraps its words. */
const MOST_BYTES = 8 * 1024 * 1024;
/** Where the end of a stream is looked for, in bytes. */
const TAIL = 64;

/**
 * One request and its response: aborted when nothing came for a while, when it takes too long altogether, or with
 * `outer`. In the place of `AbortSignal.any`, which Node keeps for ever where a listener is left on it, as the package
 * leaves one with each call.
 */
export class Exchange {
  private readonly controller = new AbortController();
  private readonly whole: NodeJS.Timeout;
  private timer: NodeJS.Timeout | undefined;
  private tail = "";
  private readonly stop = (): void => this.controller.abort(this.outer.reason);

  constructor(
    private readonly outer: AbortSignal,
    private readonly borneMs: number,
    wholeMs: number,
  ) {
    this.whole = setTimeout(() => this.controller.abort(), wholeMs);
    this.heard();
    if (outer.aborted) this.stop();
    outer.addEventListener("abort", this.stop);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get isOver(): boolean {
    return this.signal.aborted;
  }

  /** Whether the stream ended as streams do, which some endpoints say in no other way. */
  get saidDone(): boolean {
    return /(^|[\r\n])data: ?\[DONE\]\s*$/.test(this.tail);
  }

  /** The response with a body that ends in an error when it is larger than any honest one, or silent for too long. */
  bounded(response: Response): Response {
    this.heard();
    let bytes = 0;
    const count = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        this.heard();
        bytes += chunk.byteLength;
        this.tail = (this.tail + Buffer.from(chunk).toString("latin1")).slice(-TAIL);
        if (bytes > MOST_BYTES) controller.error(new Error("more than any answer"));
        else controller.enqueue(chunk);
        // Some endpoints leave the connection open behind it.
        if (this.saidDone) controller.terminate();
      },
      // Some end a stream without the empty line that ends its last event; to JSON it means nothing.
      flush: (controller) => controller.enqueue(Buffer.from("\n\n")),
    });
    const body = response.body?.pipeThrough(count, { signal: this.signal }) ?? null;
    const { status, statusText, headers } = response;
    return new Response(body, { status, statusText, headers });
  }

  end(): void {
    clearTimeout(this.timer);
    clearTimeout(this.whole);
    this.outer.removeEventListener("abort", this.stop);
  }

  /** Something came: silence begins anew. */
  private heard(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.controller.abort(), this.borneMs);
  }
}
