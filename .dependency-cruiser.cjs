/** The arrows of DESIGN 9: what may import what, each with its reason. */
/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "no-circles",
      comment: "Two rooms that need each other are one room, or a third one is missing between them.",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "baileys-behind-one-door",
      comment:
        "Nothing outside whatsapp/ holds a socket that could send around the outbox (I3); the simulator is the other side.",
      severity: "error",
      from: { pathNot: "^src/(whatsapp|simulator)/" },
      to: { path: "node_modules/@whiskeysockets/baileys" },
    },
    {
      name: "simulator-is-for-tests",
      comment: "A gateway in the field holds no pretended WhatsApp; only tests and the demo start one.",
      severity: "error",
      from: { pathNot: "^(src/simulator/|src/demo/|test/)" },
      to: { path: "^src/simulator/" },
    },
    {
      name: "simulator-stands-alone",
      comment: "What tests the gateway must not share its mistakes; a bug of libsignal's own is mended once for both.",
      severity: "error",
      from: { path: "^src/simulator/" },
      to: { path: "^src/", pathNot: "^src/simulator/|^src/whatsapp/ratchet[.]ts$" },
    },
    {
      name: "demo-stands-outside",
      comment:
        "The demo sees of the gateway what anybody sees: the bin as a process, its API, its files. It shares only how pages are served.",
      severity: "error",
      from: { path: "^src/demo/" },
      to: {
        path: "^src/",
        pathNot: "^src/(demo|simulator)/|^src/dashboard/(index|web)\\.ts$|^src/(text|errors|present|files|home)\\.ts$",
      },
    },
    {
      name: "demo-is-one-command",
      comment: "Nothing of the demo is loaded unless it is asked for.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/demo/|^src/cli/demo\\.ts$" },
      to: { path: "^src/demo/" },
    },
    {
      name: "access-knows-who-and-nothing-else",
      comment: "Who may talk is decided without WhatsApp, HTTP, or a clock of its own, so it can be tested by itself.",
      severity: "error",
      from: { path: "^src/access/" },
      to: {
        path: ".",
        pathNot:
          "^src/(access|store)/|^src/(text|errors|present|clock)\\.ts$|node_modules/(libphonenumber-js|p-queue)/|^(node:)?(buffer|crypto|util)$",
      },
    },
    {
      name: "store-is-the-ground",
      comment: "Files know nothing of what lies in them.",
      severity: "error",
      from: { path: "^src/store/" },
      to: { path: "^src/", pathNot: "^src/store/|^src/(errors|present|files|clock)\\.ts$" },
    },
    {
      name: "admin-knows-types-of-whatsapp",
      comment:
        "Orders are the same through every door; the admin side sees the outbox and messages as types, no socket.",
      severity: "error",
      from: { path: "^src/admin/" },
      to: {
        path: "^src/",
        pathNot:
          "^src/(admin|access|store)/|^src/text/|^src/(text|errors|present|clock|files|config)\\.ts$|^src/whatsapp/types\\.ts$",
      },
    },
    {
      name: "responder-is-asked-and-answers",
      comment: "What answers a buddy sends nothing by itself: what it says goes through the outbox.",
      severity: "error",
      from: { path: "^src/responder/" },
      to: {
        path: "^src/",
        pathNot:
          "^src/(responder|access|store)/|^src/(text|errors|present|clock|files|config)\\.ts$|^src/whatsapp/(types|describe)\\.ts$",
      },
    },
    {
      name: "whatsapp-decides-nothing",
      comment: "The link carries; who may talk and what the owner can do is decided above it.",
      severity: "error",
      from: { path: "^src/whatsapp/" },
      to: { path: "^src/(admin|dashboard|responder|cli|simulator)/|^src/(gateway|route|main)\\.ts$" },
    },
    {
      name: "dashboard-is-a-door",
      comment: "HTTP reaches the same commands as the chat, never the link's inside, and is reached by nobody below.",
      severity: "error",
      from: { path: "^src/dashboard/" },
      to: {
        path: "^src/",
        pathNot:
          "^src/(dashboard|admin|access|store)/|^src/(text|errors|present|clock|files|config|home)\\.ts$|^src/whatsapp/types\\.ts$",
      },
    },
    {
      name: "nobody-below-knows-the-command-line",
      comment: "Arrows point down: cli → gateway → everything else; only main.ts starts a command line.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(cli/|main\\.ts$)" },
      to: { path: "^src/(cli/|main\\.ts$)" },
    },
    {
      name: "nobody-below-knows-the-gateway",
      comment: "The composition root is where parts meet; a part that imports it would meet itself.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(cli/|gateway\\.ts$|main\\.ts$)" },
      to: { path: "^src/(gateway|route)\\.ts$" },
    },
    {
      name: "http-in-the-dashboard-only",
      comment:
        "One place of the gateway listens, and so one place checks who asks; the demo is no part of the gateway, and the command line's client only asks.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(dashboard|simulator|demo)/|^src/cli/client\\.ts$" },
      to: { path: "^(node:)?https?$|node_modules/express/" },
    },
    {
      name: "folders-by-their-face",
      comment:
        "Reach into a folder only through its index.ts (or the dashboard's web.ts, which loads Express), so that its inside can change.",
      severity: "error",
      from: { path: "^src/([^/]+)/" },
      to: {
        path: "^src/(store|dashboard|cli|simulator|demo|text)/",
        pathNot: "^src/$1/|/index\\.ts$|^src/store/types\\.ts$|^src/dashboard/web\\.ts$",
      },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "require", "node", "default"] },
  },
};
