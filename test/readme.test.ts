import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commandTable } from "../src/admin/index.js";
import { commandLineTable } from "../src/cli/index.js";
import { configTable } from "../src/config.js";
import { disconnectTable } from "../src/whatsapp/disconnects.js";

const README = join(import.meta.dirname, "../README.md");

describe("README", () => {
  it("holds the tables that the registries make; `make docs` writes them", async () => {
    const tables = {
      "command-line": commandLineTable(),
      commands: commandTable(),
      settings: settingsTable(),
      disconnects: disconnectTable(),
    };
    let text = await readFile(README, "utf8");
    for (const [name, table] of Object.entries(tables)) text = withTable(text, name, table);
    await expect(text).toMatchFileSnapshot(README);
  });

  it("opens with the three commands, and the guide fits on two screens", async () => {
    const text = await readFile(README, "utf8");
    expect(text.split("\n").slice(0, 6).join("\n")).toMatch(/make run[\s\S]*make test[\s\S]*make demo/);
    const guide = text.slice(text.indexOf("## The guide"), text.indexOf("## The command line")).split("\n");
    expect(guide.length).toBeLessThan(2 * 40);
    expect(text.indexOf("can ban")).toBeLessThan(text.indexOf("## The guide"));
  });
});

function withTable(text: string, name: string, table: string): string {
  const [before, rest = ""] = text.split(`<!-- ${name} -->\n`);
  const [, after] = rest.split(`<!-- /${name} -->`);
  if (after === undefined) throw new Error(`README has no place for the table ${name}`);
  return `${before}<!-- ${name} -->\n\n${table.trim()}\n\n<!-- /${name} -->${after}`;
}

function settingsTable(): string {
  const rows = configTable().map(({ key, env, default: value, takes, what }) => {
    const about = `${what} Takes ${takes}.`.replaceAll("|", "\\|");
    return `| \`${key}\` | \`${env}\` | ${value.replaceAll("|", "\\|")} | ${about} |`;
  });
  return ["| setting | environment | default | what it is |", "| --- | --- | --- | --- |", ...rows].join("\n");
}
