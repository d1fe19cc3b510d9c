/** The dashboard, the local API: the face of this folder. */
export type { Activity, Incoming, Outgoing, Seen } from "./activity.js";
export { createApi } from "./api.js";
export { createDashboard } from "./dashboard.js";
export { isOurHost } from "./guard.js";
export { Live } from "./live.js";
export { headers, isOurOrigin } from "./safety.js";
export { type Listening, listen } from "./server.js";
export { SignIn } from "./session.js";
export { createViews, type Views } from "./views.js";
