/**
 * A model's Markdown as WhatsApp shows it: `**b**` → `*b*`, `*i*` → `_i_`, `~~s~~` → `~s~`, headings bold, `[text](url)` →
 * `text (url)`, bullets with `- `, tables and rules as plain lines. Code stays as it is, in the marks that WhatsApp has.
 */
import { fullWidth } from "../text.js";

/** Stands for a star that is WhatsApp's own mark already, while single stars are still Markdown's. */
const BOLD = "\u0001";
/** Stands around the number of a piece that is not to be touched any more. */
const KEPT = "\u0002";
const PLACE = new RegExp(`${KEPT}(\\d+)${KEPT}`, "g");

/** Code between fences, on a bullet's line too; an open fence at the end is one that was cut off. */
const FENCED =
  /^([ \t]*(?:(?:[-*+]|\d+[.)])[ \t]+)?)(```+|~~~+)[^\n`]*\n(?:([\s\S]*?\n)??[ \t]*\2[ \t]*$|([\s\S]*)$(?![\s\S]))/gm;
/** An address, without the marks around it: a star in its middle is one of its own. */
const ADDRESS = /\bhttps?:\/\/(?:[^\s<>*]|\*+(?=[\p{L}\p{N}/?=&%]))*[^\s<>*_~.,:;!?]/gu;

/** The one mark of HTML that models use, in tables above all. */
const BREAK = / ?<br ?\/?> ?/gi;

/** Pure; takes any text. */
export function toWhatsApp(markdown: string): string {
  const kept: string[] = [];
  const keep = (text: string): string => `${KEPT}${kept.push(text) - 1}${KEPT}`;
  // What is kept may hold what was kept before it: code in the label of a link.
  const restored = (_: string, index: string): string => (kept[Number(index)] ?? "").replace(PLACE, restored);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ours alone may stand here.
  const text = markdown.replace(/[\u0001\u0002]/g, "").replace(/\r\n?/g, "\n");
  const withoutCode = text
    .replace(FENCED, (_, before: string, _fence, closed: string | undefined, open: string | undefined) =>
      [...(before.trim() === "" ? [] : [before.trimEnd()]), keep(fenced(closed ?? open ?? ""))].join("\n"),
    )
    .replace(/(?<!\\)(`+)([^`\n]+?)\1(?!`)/g, (_, _ticks, code: string) => keep(`\`${code.trim()}\``))
    .replace(ADDRESS, (url) => url.replace(/\\([*_~])/g, "$1"))
    // What was escaped is no mark; WhatsApp has no escapes, but no marks inside words either.
    .replace(/(?<=[\p{L}\p{N}])\\([*_~])(?=[\p{L}\p{N}])/gu, (_, sign: string) => keep(sign))
    .replace(/\\([\\`*_{}[\]()#+\-.!~>|])/g, (_, sign: string) => keep(/[*_~`]/.test(sign) ? fullWidth(sign) : sign))
    .replace(/!?\[([^\]\n]*)\]\(<?([^)\s>]+)>?(?:\s+"[^"\n]*")?\)/g, (_, label: string, url: string) =>
      keep(linkOf(label, url)),
    )
    .replace(/<(https?:\/\/[^>\s]+)>/g, (_, url: string) => keep(url))
    // Stars and underscores in addresses are no marks.
    .replace(ADDRESS, (url) => keep(url));
  const lines = withoutCode
    .split("\n")
    .map(lineOf)
    .filter((line) => line !== undefined);
  return lines
    .join("\n")
    .replaceAll(BOLD, "*")
    .replace(BREAK, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .replace(PLACE, restored)
    .trim();
}

function fenced(code: string): string {
  const inside = code.replace(/\n$/, "").replaceAll("```", "'''");
  return inside.trim() === "" ? "" : `\`\`\`\n${inside}\n\`\`\``;
}

function lineOf(line: string): string | undefined {
  if (/^\s*([-*_])(?:\s*\1){2,}\s*$/.test(line)) return "";
  if (/^\s*\|?\s*:?-{3,}:?\s*(\|\s*:?-{3,}:?\s*)*\|?\s*$/.test(line) && line.includes("|")) return undefined;
  const heading = /^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$/.exec(line)?.[1];
  if (heading !== undefined) return heading === "" ? "" : `${BOLD}${marks(heading).replaceAll(BOLD, "")}${BOLD}`;
  const row = /^\s*\|(.+)\|\s*$/.exec(line)?.[1];
  if (row !== undefined)
    return marks(
      row
        .split("|")
        .map((cell) => cell.replace(BREAK, " ").trim())
        .join(" · "),
    );
  return marks(
    line.replace(/^(\s*)[*+-]\s+(?:\[([ xX])\]\s+)?/, (_, indent: string, box?: string) => `${indent}- ${boxOf(box)}`),
  );
}

function marks(line: string): string {
  return line
    .replace(/(\*\*\*|___)(?=\S)(.+?)(?<=\S)\1/g, (_, _mark, inner: string) => `${BOLD}_${inner}_${BOLD}`)
    .replace(/\*\*(?=\S)(.+?)(?<=\S)\*\*/g, (_, inner: string) => `${BOLD}${inner}${BOLD}`)
    .replace(
      /(?<![\p{L}\p{N}_])__(?=\S)(.+?)(?<=\S)__(?![\p{L}\p{N}_])/gu,
      (_, inner: string) => `${BOLD}${inner}${BOLD}`,
    )
    .replace(/(?<![\p{L}\p{N}*])\*(?=[^\s*])([^*]*?[^\s*])\*(?![\p{L}\p{N}*])/gu, "_$1_")
    .replace(/~~(?=\S)(.+?)(?<=\S)~~/g, "~$1~");
}

function boxOf(box: string | undefined): string {
  if (box === undefined) return "";
  return box === " " ? "☐ " : "☑ ";
}

function linkOf(label: string, url: string): string {
  const text = label.replace(/[*_`~]/g, "").trim();
  return text === "" || text === url ? url : `${text} (${url})`;
}
