import type { Disconnect } from "./disconnects.js";

/** QR codes are shown for this many rounds (about 160 s each) before the attempt ends. */
const ROUNDS = 3;
/** So many connections may fail before any code was shown until whoever links is told; it goes on being tried. */
const FAILURES_BORNE = 2;

const TIMED_OUT =
  "No phone took the code in time. Run kafclaw whatsapp-auth to try again; if the phone hangs or says that it couldn't link the device, it may want a passkey confirmed first (update WhatsApp and keep it open), or try --phone <number> for a pairing code.";

/** Why there is no connection. */
export interface Reason {
  /** Stable and machine-readable. */
  readonly code: string;
  /** For people. */
  readonly message: string;
}

/** A lost connection as the reason. */
export function reasonOf({ name, sentence, remedy }: Disconnect): Reason {
  return { code: name, message: `${sentence} ${remedy}` };
}

/** An attempt to link. */
export interface Linking {
  /** Digits of the number to link by pairing code; by QR without one. */
  readonly phone?: string;
  /** Another account may be linked in place of this one. */
  readonly replace: boolean;
  /** The session that was there is of no use any more. */
  readonly loggedOut: boolean;
  /** For how many more rounds codes are shown. */
  rounds: number;
}

/** An attempt that begins. */
export function linkingBy(wish: Omit<Linking, "rounds">): Linking {
  return { ...wish, rounds: ROUNDS };
}

/** What follows after a connection that ended before a phone took the code. */
export type Next =
  | { readonly kind: "give-up"; readonly why: Reason }
  /** Nobody scanned the codes for as long as WhatsApp shows them: the next ones, at once. */
  | { readonly kind: "next-round" }
  /** `isTold`: whoever links is told how it ended; not where they have a code to scan, which they are to wait for. */
  | { readonly kind: "retry"; readonly isTold: boolean };

/**
 * Whether linking goes on after a connection that ended before a phone took the code.
 * @param rounds for how many more rounds codes are shown, this one included
 * @param wasShown a code was shown on the connection
 * @param failed how many connections before it failed in a row
 */
export function afterInterruption(disconnect: Disconnect, rounds: number, wasShown: boolean, failed: number): Next {
  // A lost connection has the same code as a QR that nobody scanned; then there was none to scan.
  if (disconnect.name === "connection-lost" && wasShown) {
    const why = { code: "linking-timed-out", message: TIMED_OUT };
    return rounds > 1 ? { kind: "next-round" } : { kind: "give-up", why };
  }
  if (disconnect.retry === "stop") return { kind: "give-up", why: reasonOf(disconnect) };
  const isClear = disconnect.name === "not-whatsapp" || disconnect.name === "network-down";
  return { kind: "retry", isTold: !wasShown && (isClear || failed >= FAILURES_BORNE) };
}
