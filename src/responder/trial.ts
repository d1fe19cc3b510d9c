import { firstWords } from "../text.js";
import type { ModelSettings } from "./model.js";
import { openModel } from "./open-model.js";
import { ModelProblem } from "./problem.js";

/** What came back when a model was tried. */
export interface Trial {
  readonly ok: boolean;
  /** One sentence for a person; holds no key. */
  readonly sentence: string;
}

/** Whoever tries a model sits and waits. */
const LONGEST_S = 30;
const SHOWN = 60;

/** Asks the model one small question. @returns undefined where the settings name no model */
export async function tryModel(
  settings: ModelSettings,
  clock: () => number,
  signal: AbortSignal,
): Promise<Trial | undefined> {
  const model = await openModel({ ...settings, timeout: Math.min(settings.timeout, LONGEST_S) });
  if (model === undefined) return undefined;
  const began = clock();
  try {
    const answer = await model.ask([{ role: "user", content: "Say hello, in one word." }], signal);
    const seconds = ((clock() - began) / 1000).toFixed(1);
    return { ok: true, sentence: `${model.name} answered in ${seconds} s: "${firstWords(answer, SHOWN)}"` };
  } catch (error) {
    if (signal.aborted) return { ok: false, sentence: `${model.name} had not answered yet.` };
    if (!(error instanceof ModelProblem)) throw error;
    return { ok: false, sentence: error.sentence };
  }
}
