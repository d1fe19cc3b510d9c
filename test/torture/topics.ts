import { abuse } from "./abuse.js";
import { clock } from "./clock.js";
import { disk } from "./disk.js";
import { flood } from "./flood.js";
import { kill } from "./kill.js";
import { network } from "./network.js";
import type { Topic } from "./run.js";
import { soak } from "./soak.js";

/** The fault campaign. */
export const TOPICS: readonly Topic[] = [kill, disk, network, flood, clock, abuse, soak];
