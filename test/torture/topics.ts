import { kill } from "./kill.js";
import type { Topic } from "./run.js";

/** The fault campaign. */
export const TOPICS: readonly Topic[] = [kill];
