/** How `dist/` is made: in a few files, since to find and load 900 small ones takes longer than to link with WhatsApp. */
import { defineConfig } from "rolldown";

export default defineConfig({
  input: "src/main.ts",
  platform: "node",
  // Baileys draws thumbnails with them where somebody installs them; nobody does here.
  external: ["jimp", "sharp", "link-preview-js", "audio-decode"],
  output: {
    dir: "dist",
    cleanDir: true,
    // V8 keeps the source, and where one character needs it, all of a file in two bytes for each: 7 MB more in all.
    charset: "ascii",
    comments: { jsdoc: false },
    // As deep in `dist/` as the modules are in `src/`, whose paths to templates/ hold in both.
    chunkFileNames: "parts/[name]-[hash].js",
  },
});
