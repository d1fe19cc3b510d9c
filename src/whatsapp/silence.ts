/**
 * Silences libsignal, which prints session state, private keys included, with `console.info` and friends. KafClaw
 * itself never writes through the console.
 */
export function silenceLibsignal(target: Pick<Console, "info" | "warn" | "error">): void {
  const nothing = () => {};
  target.info = nothing;
  target.warn = nothing;
  target.error = nothing;
}
