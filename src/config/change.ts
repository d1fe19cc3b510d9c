/** Changing `config.json`: what the set-up chose goes in, and everything else in it stays as it is. */

/**
 * The text of a `config.json` with some settings changed.
 * @param text as it is now, known to be good; undefined where there is none
 * @param changes by key, `responder.model`
 */
export function withChanges(text: string | undefined, changes: Readonly<Record<string, unknown>>): string {
  // Checked by whoever has read the settings from it before.
  const root = JSON.parse((text ?? "{}").replace(/^\uFEFF/, "")) as Record<string, unknown>;
  for (const [key, value] of Object.entries(changes)) change(root, key.split("."), value);
  return `${JSON.stringify(root, null, 2)}\n`;
}

function change(node: Record<string, unknown>, [name = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    node[name] = value;
    return;
  }
  // A good file has an object where settings lie below, or nothing.
  const below = (node[name] ?? {}) as Record<string, unknown>;
  node[name] = below;
  change(below, rest, value);
}
