/** The questions of `whatsapp-setup` at a terminal. */
import { isCancel, note, select, text } from "@clack/prompts";
import { checkToken, parseAddress, parseNumber } from "../access/index.js";
import type { SetupInput } from "../admin/index.js";
import { KafclawError } from "../errors.js";

/**
 * @param hasToken a pairing token is set already
 * @returns undefined where it was cancelled
 */
export async function askForSetup(hasToken: boolean): Promise<SetupInput | undefined> {
  note(
    "KafClaw is an unofficial client, and numbers that use one can be banned: give the bot a spare number.",
    "Before you begin",
  );
  const setup = await select({
    message: "Which number does the bot use?",
    options: [
      { value: "own-number" as const, label: "One of its own", hint: "recommended: your phone rings when it writes" },
      { value: "self" as const, label: "Mine", hint: 'commands in "Message yourself", which does not ring' },
    ],
  });
  if (isCancel(setup)) return undefined;
  const owner = setup === "self" ? "self" : await ask("Your own number, with country code", checkNumber);
  if (owner === undefined) return undefined;
  const token = await askForToken(hasToken);
  if (token === undefined) return undefined;
  const allow = await ask("Numbers or JIDs to approve right away (commas between; empty for none)", checkPeople);
  if (allow === undefined) return undefined;
  const deny = await ask("Numbers or JIDs to deny for good (commas between; empty for none)", (typed) =>
    deniedProblem(typed, [owner, ...listOf(allow)]),
  );
  if (deny === undefined) return undefined;
  return { owner, confirm: setup === "own-number", ...token, allow: listOf(allow), deny: listOf(deny) };
}

async function askForToken(isSet: boolean): Promise<Pick<SetupInput, "token" | "generateToken"> | undefined> {
  const how = await select({
    message: "The pairing token, which a buddy sends first",
    initialValue: isSet ? ("keep" as const) : ("generate" as const),
    options: [
      ...(isSet ? [{ value: "keep" as const, label: "Leave it as it is" }] : []),
      {
        value: "generate" as const,
        label: "Make one for me",
        ...(isSet ? { hint: "the present one is void then" } : {}),
      },
      { value: "own" as const, label: "I type one", hint: "8 characters or more, one word" },
      ...(isSet ? [] : [{ value: "keep" as const, label: "None for now", hint: "then nobody can enter" }]),
    ],
  });
  if (isCancel(how)) return undefined;
  if (how === "keep") return {};
  if (how === "generate") return { generateToken: true };
  const token = await ask("Pairing token", tokenProblem);
  return token === undefined ? undefined : { token };
}

async function ask(message: string, check: (typed: string) => string | undefined): Promise<string | undefined> {
  const answer = await text({ message, validate: (typed = "") => check(typed) });
  return isCancel(answer) ? undefined : (answer ?? "");
}

/** What would be refused is told at the question, not when all the others have been answered. */
export function tokenProblem(typed: string): string | undefined {
  try {
    checkToken(typed);
    return undefined;
  } catch (error) {
    // The rest is about leaving the option out.
    if (error instanceof KafclawError) return error.message.replace(" Or leave it out to have one made.", "");
    throw error;
  }
}

/** @param others who was named before, and so can't be denied */
export function deniedProblem(typed: string, others: readonly string[]): string | undefined {
  const named = new Set(others.map(addressOf));
  const both = listOf(typed).find((who) => named.has(addressOf(who)));
  return checkPeople(typed) ?? (both === undefined ? undefined : `${both} is the owner, or was to be approved`);
}

function addressOf(who: string): string {
  const address = parseAddress(who);
  if (address?.kind === "pn") return address.pn;
  return address?.kind === "lid" ? address.lid : who;
}

function checkNumber(typed: string): string | undefined {
  return parseNumber(typed) === undefined ? "Write it with country code, like +1 555 000 1000" : undefined;
}

function checkPeople(typed: string): string | undefined {
  const wrong = listOf(typed).find((who) => !["pn", "lid"].includes(parseAddress(who)?.kind ?? "none"));
  return wrong === undefined ? undefined : `${wrong} is no number with country code and no person's JID`;
}

function listOf(typed: string): string[] {
  return typed
    .split(",")
    .map((who) => who.trim())
    .filter((who) => who !== "");
}
