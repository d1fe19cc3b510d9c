import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { KafclawError } from "../errors.js";
import { systemCode } from "../files.js";

/** Whoever takes longer to ask is no browser on this machine or behind its proxy, and holds a connection for nothing. */
const HEADERS_WITHIN_MS = 15_000;
const REQUEST_WITHIN_MS = 30_000;

/** A listening server. */
export interface Listening {
  /** How this machine reaches it: `http://127.0.0.1:18791`. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Listens where the settings say, and on loopback in any case, since the command line comes that way.
 * @param port 0 for any free one
 * @throws KafclawError `port-in-use`, `cannot-listen`
 */
export async function listen(app: RequestListener, host: string, port: number): Promise<Listening> {
  const first = await open(app, host, port);
  // A TCP server's address is never the string of a pipe.
  const bound = (first.address() as AddressInfo).port;
  const isReachable = isLoopback(host) || isWildcard(host);
  const servers = isReachable ? [first] : [first, await openBeside(first, app, bound)];
  const name = isLoopback(host) ? (host.includes(":") ? `[${host}]` : host) : "127.0.0.1";
  return {
    address: `http://${name}:${bound}`,
    async close() {
      await Promise.all(servers.map(closeServer));
    },
  };
}

async function open(app: RequestListener, host: string, port: number): Promise<Server> {
  const server = createServer({ headersTimeout: HEADERS_WITHIN_MS, requestTimeout: REQUEST_WITHIN_MS }, app);
  server.listen(port, host);
  try {
    await once(server, "listening");
    return server;
  } catch (error) {
    throw explained(error, host, port);
  }
}

async function openBeside(first: Server, app: RequestListener, port: number): Promise<Server> {
  try {
    return await open(app, "127.0.0.1", port);
  } catch (error) {
    await closeServer(first);
    throw error;
  }
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

function explained(error: unknown, host: string, port: number): unknown {
  const code = systemCode(error);
  if (code === "EADDRINUSE") {
    const other = port < 65535 ? port + 1 : port - 1;
    return new KafclawError(
      "port-in-use",
      `Port ${port} on ${host} is in use by another program; stop that, or give KafClaw another port: KAFCLAW_DASHBOARD_PORT=${other} (dashboard.port in config.json).`,
      "failed",
    );
  }
  if (code === undefined) return error;
  return new KafclawError(
    "cannot-listen",
    `KafClaw can't listen on port ${port} of ${host} (${code}); choose another dashboard.port or dashboard.host in config.json.`,
    "failed",
  );
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.|::1$)/.test(host);
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
