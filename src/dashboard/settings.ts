/** What can only be set in the config file, with the value that holds and where it comes from. */
import { configTable, type LoadedConfig, type Origin } from "../config.js";

/** One setting as it is shown. */
export interface ShownSetting {
  readonly key: string;
  readonly what: string;
  /** In words; of a secret, whether there is one. */
  readonly value: string;
  readonly origin: Origin;
}

export function shownSettings({ config, origins }: LoadedConfig): readonly ShownSetting[] {
  return configTable().map(({ key, what, secret }) => {
    const value = valueAt(config, key);
    const isHidden = secret && value !== undefined && value !== "";
    const text = isHidden ? "set, not shown" : shown(key, value);
    return { key, what, value: text, origin: origins.get(key) ?? "default" };
  });
}

function shown(key: string, value: unknown): string {
  if (value === undefined || value === "") return "none";
  if (key === "notices.quiet" && value instanceof Object && "from" in value && "to" in value) {
    return `${clockTime(Number(value.from))}–${clockTime(Number(value.to))}`;
  }
  return String(value);
}

function clockTime(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0")).join(":");
}

/** The value of `dashboard.port` in the nested settings. */
function valueAt(config: object, key: string): unknown {
  return key
    .split(".")
    .reduce<unknown>((node, name) => (node instanceof Object ? Reflect.get(node, name) : undefined), config);
}
