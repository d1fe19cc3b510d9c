import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/browser/**"],
          // To load Baileys anew for each file takes as long as a quarter of the tests.
          isolate: false,
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        // Each test starts processes of its own.
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 30_000,
        },
      },
      {
        // A real browser before a gateway of its own.
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          globalSetup: ["test/browser/unpack.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // The fault campaign. Only `make torture` runs it.
        test: {
          name: "torture",
          include: ["test/torture/**/*.torture.ts"],
          testTimeout: 0,
          hookTimeout: 60_000,
          disableConsoleIntercept: true,
        },
      },
      {
        // Measures and prints; asserts nothing about time. Only `make bench` runs it.
        test: {
          name: "bench",
          include: ["test/bench/**/*.bench.ts"],
          testTimeout: 0,
          fileParallelism: false,
          disableConsoleIntercept: true,
        },
      },
    ],
    // Much of a test is waiting, for debounce and pace: one more than there are cores.
    maxWorkers: 3,
  },
});
