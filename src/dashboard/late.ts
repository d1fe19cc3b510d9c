import type { RequestListener } from "node:http";
import type { Dashboard, DashboardParts } from "./web.js";

/** By then the link is up, or waits for somebody. */
const LOAD_PAGES_AFTER_MS = 2_000;

/** The dashboard, loaded once the gateway has started, or when the first asks for it: until then the link is more urgent. */
export class LateDashboard {
  readonly #parts: DashboardParts;
  #loading: Promise<Dashboard> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: DashboardParts) {
    this.#parts = parts;
  }

  readonly serve: RequestListener = (request, response) => {
    this.#load().then(
      ({ app }) => app(request, response),
      (error) => {
        this.#parts.log.error({ err: error }, "the dashboard could not be loaded; restart KafClaw");
        response.destroy();
      },
    );
  };

  loadSoon(): void {
    this.#timer = setTimeout(() => void this.#load().catch(() => {}), LOAD_PAGES_AFTER_MS);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    (await this.#loading?.catch(() => undefined))?.stop();
  }

  #load(): Promise<Dashboard> {
    this.#loading ??= import("./web.js").then(({ createDashboard }) => createDashboard(this.#parts));
    return this.#loading;
  }
}
