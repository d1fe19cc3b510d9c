/**
 * The dashboard, the local API: the face of this folder. What Express and Handlebars are needed for is in `web.ts`, which
 * is loaded when somebody asks: that takes as long as to link with WhatsApp.
 */
export type { Activity, Incoming, Outgoing, Seen } from "./activity.js";
export { LateDashboard } from "./late.js";
export { type Listening, listen } from "./server.js";
export { SignIn } from "./session.js";
