/** The other face of this folder: pages and API, and what the demo's page shares with them. */
export { createApi } from "./api.js";
export { createDashboard, type Dashboard, type DashboardParts } from "./dashboard.js";
export { isOurHost } from "./guard.js";
export { Live } from "./live.js";
export { headers, isOurOrigin } from "./safety.js";
export { createViews } from "./views.js";
