/** The dashboard's pages with 10,000 contacts: how long the server takes, and how large they are (DESIGN 13). */
import { expect, test } from "vitest";
import { WhatsApp } from "../../src/simulator/index.js";
import { TestHome } from "../e2e/gateway-process.js";
import { fillHome } from "./home.js";
import { median, print } from "./table.js";

const CONTACTS = 10_000;
const RUNS = 21;
const ACCESS_TOKEN = "the-access-token-of-the-benchmark";
const PAGES = [
  "/",
  "/whatsapp",
  "/whatsapp?list=approved",
  "/whatsapp?list=approved&page=90",
  "/whatsapp?list=denied",
  "/whatsapp?list=approved&search=person+77",
  "/settings",
  "/activity",
  "/activity?page=100",
  "/activity?show=messages",
  "/activity?show=sent",
  "/link",
];

test("dashboard", async () => {
  const wa = await WhatsApp.start();
  const home = await TestHome.create(wa, { KAFCLAW_DASHBOARD_ACCESS_TOKEN: ACCESS_TOKEN });
  try {
    await home.run(["onboard"]);
    await fillHome(home.path, CONTACTS);
    await home.start();
    const cookie = await home.signIn(ACCESS_TOKEN);
    const { address } = await home.api();
    const rows: (string | number)[][] = [];
    const medians: number[] = [];
    const sizes: number[] = [];
    for (const path of PAGES) {
      const times: number[] = [];
      let bytes = 0;
      for (let run = 0; run < RUNS; run += 1) {
        const begun = performance.now();
        const response = await fetch(address + path, { headers: { cookie } });
        bytes = (await response.arrayBuffer()).byteLength;
        times.push(performance.now() - begun);
        expect(response.status).toBe(200);
      }
      medians.push(median(times));
      sizes.push(bytes / 1000);
      rows.push([path, median(times).toFixed(1), Math.max(...times).toFixed(1), (bytes / 1000).toFixed(1)]);
    }
    const [slowest, largest] = [Math.max(...medians), Math.max(...sizes)];
    await print(
      "dashboard",
      `Dashboard with ${CONTACTS.toLocaleString("en")} contacts (goal: 50 ms, 100 kB)`,
      { head: ["page", "median ms", "slowest ms", "kB"], rows },
      [
        {
          what: `dashboard page with ${CONTACTS.toLocaleString("en")} contacts`,
          measured: `${slowest.toFixed(0)} ms and ${largest.toFixed(0)} kB at most, medians of ${RUNS}`,
          goal: "under 50 ms, under 100 kB",
          isMet: slowest < 50 && largest < 100,
        },
      ],
    );
  } finally {
    await home.remove();
    await wa.close();
  }
});
