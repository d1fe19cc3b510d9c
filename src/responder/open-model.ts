import type { Asked, ModelSettings } from "./model.js";

/** The model that the settings name; undefined where they name none, and then its client is not even loaded. */
export async function openModel(settings: ModelSettings): Promise<Asked | undefined> {
  const { model } = settings;
  if (model === undefined) return undefined;
  const { modelFrom } = await import("./model.js");
  return modelFrom({ ...settings, model });
}
