import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CliCommand, listFlag, readArguments, textFlag } from "../../src/cli/command.js";
import { KafclawError } from "../../src/errors.js";

const command: CliCommand = {
  name: "test",
  usage: "",
  summary: "",
  flags: {
    phone: { type: "string", value: "+NUMBER", help: "" },
    allow: { type: "list", help: "" },
    replace: { type: "boolean", help: "" },
    greeting: { type: "string", value: "TEXT", empty: true, help: "" },
  },
  run: async () => 0,
};
const read = (...args: string[]) => readArguments(args, command);
const refusal = (...args: string[]) => {
  try {
    read(...args);
  } catch (error) {
    if (error instanceof KafclawError && error.kind === "usage") return error.message;
  }
  throw new Error(`${args.join(" ")} was not refused`);
};

describe("reading options", () => {
  it("tells an empty value from a missing one", () => {
    for (const empty of [["--greeting", ""], ["--greeting="], ["--replace", "--greeting", ""]]) {
      expect(textFlag(read(...empty), "greeting")).toBe("");
    }
    expect(refusal("--greeting")).toBe("--greeting wants a value behind it: --greeting TEXT.");
    expect(refusal("--phone")).toBe("--phone wants a value behind it: --phone +NUMBER.");
    expect(refusal("--phone", "")).toBe("The value of --phone can't be empty: --phone +NUMBER.");
  });

  it("refuses a list of commas alone as it refuses an empty one, and drops what is empty beside something", () => {
    for (const nobody of ["", ",", " , ", ",,"]) {
      expect(refusal("--allow", nobody)).toBe("The value of --allow can't be empty: --allow VALUE.");
    }
    expect(refusal("--allow=,", "--allow", "alice")).toContain("--allow can't be empty");
    expect(listFlag(read("--allow", ",alice, ,bob,"), "allow")).toEqual(["alice", "bob"]);
  });

  it("takes flags, values and lists, in both spellings", () => {
    const given = read(
      "--phone",
      "+1 555 000 9000",
      "--allow",
      "+15550002000,+15550003000",
      "--allow=alice",
      "--replace",
    );
    expect(textFlag(given, "phone")).toBe("+1 555 000 9000");
    expect(listFlag(given, "allow")).toEqual(["+15550002000", "+15550003000", "alice"]);
    expect(given.flags.replace).toBe(true);
    expect(given).toMatchObject({ json: false, help: false, args: [] });
    expect(textFlag(read("--phone=0049170"), "phone")).toBe("0049170");
  });

  it("names the nearest option to a wrong one", () => {
    expect(refusal("--pone", "+1")).toBe("There is no option --pone. Did you mean --phone?");
    expect(refusal("--replce=yes")).toContain("--replace");
    expect(refusal("--qqqqqqqq")).toContain("--help");
    for (const alike of [["--no-replace"], ["--no-json"], ["--phone.x", "+1"], ["--no-phone"]]) {
      expect(refusal(...alike)).toMatch(/^There is no option --/);
    }
  });

  it("refuses words that nobody asked for, values that are missing, and values given twice", () => {
    expect(refusal("now")).toContain('"now"');
    expect(refusal("--phone")).toContain("--phone +NUMBER");
    expect(refusal("--phone", "--json")).toContain("--phone +NUMBER");
    expect(refusal("--phone", "1", "--phone", "2")).toContain("twice");
    expect(refusal("--replace=maybe")).toContain("--replace");
  });

  it("leaves the words and options of the owner's commands to them", () => {
    const given = readArguments(["off", "--for", "2h", "--json"], { ...command, flags: {}, takesWords: true });
    expect(given).toMatchObject({ args: ["off", "--for", "2h"], json: true });
  });

  it("whatever is typed is either read or refused in a sentence", () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom("--phone", "--allow", "--replace", "--greeting", "--json", "--", "-h", "--__proto__"),
    );
    fc.assert(
      fc.property(fc.array(word), (args) => {
        try {
          const given = read(...args);
          expect(Object.keys(given.flags)).toEqual(["phone", "allow", "replace", "greeting"]);
        } catch (error) {
          expect(error).toBeInstanceOf(KafclawError);
        }
      }),
    );
  });
});
