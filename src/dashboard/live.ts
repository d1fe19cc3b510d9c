/** Server-sent events: tells open pages that something they may show has changed, so that they fetch themselves anew. */
import type { Request, Response } from "express";

/** How often is looked for changes while somebody watches. A look costs microseconds. */
const LOOK_EVERY_MS = 300;
/** Proxies and browsers drop a connection on which nothing moves. */
const BEAT_EVERY_MS = 25_000;
/** So many pages at a time. */
const WATCHERS = 100;
/** Only that something changed is told, never what: the page asks for that, signed in. */
const CHANGE = "event: change\ndata: 1\n\n";

/** Open pages that want to hear of changes. */
export class Live {
  /** With the session each belongs to, where pages have any. */
  readonly #watchers = new Map<Response, string | undefined>();
  #last = "";
  #timer: NodeJS.Timeout | undefined;
  #beat: NodeJS.Timeout | undefined;

  /** @param look what pages show, in short: when it differs from the last look, something has changed */
  constructor(private readonly look: () => string) {}

  /** Answers a page that watches, for as long as it stays open and its session is not ended. */
  watch(request: Request, response: Response, session?: string): void {
    if (this.#watchers.size >= WATCHERS) {
      response.status(503).end();
      return;
    }
    response.writeHead(200, {
      "Content-Type": "text/event-stream",
      "Cache-Control": "no-store",
      "X-Accel-Buffering": "no",
    });
    if (request.method === "HEAD") {
      response.end();
      return;
    }
    // The first event tells where the page stands: it may have been rendered a moment before a change.
    response.write(`retry: 2000\n${CHANGE}`);
    this.#watchers.set(response, session);
    this.#start();
    request.on("close", () => {
      this.#watchers.delete(response);
      if (this.#watchers.size === 0) this.stop();
    });
  }

  /**
   * Looks, and tells the open pages where something has changed. To be called as well whenever a page is rendered: what
   * changes back before the next look would otherwise stay on that page.
   */
  tellChanges(): void {
    const now = this.look();
    if (now === this.#last) return;
    this.#last = now;
    this.#send(CHANGE);
  }

  /** Ends the connections of one session. */
  endSession(session: string): void {
    for (const [watcher, whose] of this.#watchers) {
      if (whose !== session) continue;
      this.#watchers.delete(watcher);
      watcher.end();
    }
  }

  /** Ends all connections. */
  stop(): void {
    clearInterval(this.#timer);
    clearInterval(this.#beat);
    this.#timer = undefined;
    this.#beat = undefined;
    for (const watcher of this.#watchers.keys()) watcher.end();
    this.#watchers.clear();
  }

  #start(): void {
    if (this.#timer !== undefined) return;
    this.#last = this.look();
    this.#timer = setInterval(() => this.tellChanges(), LOOK_EVERY_MS);
    this.#beat = setInterval(() => this.#send(":\n\n"), BEAT_EVERY_MS);
    this.#timer.unref();
    this.#beat.unref();
  }

  #send(text: string): void {
    for (const watcher of this.#watchers.keys()) watcher.write(text);
  }
}
