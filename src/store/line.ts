/**
 * One line of a data file: `<crc32 of the JSON, 8 lower-case hex digits> <JSON>`. A crc32 finds every flipped bit and every
 * short burst, and costs next to nothing.
 */
import { crc32 } from "node:zlib";

/** Hex digits, and the space behind them. */
const HEAD = 9;
const HEX = 16;
const SHAPE = /^[0-9a-f]{8} \{$/;
/** A prefix of a line, as a torn append leaves it. */
const BEGINNING = /^(?:[0-9a-f]{1,8}|[0-9a-f]{8} (?:\{.*)?)$/su;

/** The line for a document's JSON, without its newline (NeDB's `afterSerialization`). */
export function encodeLine(json: string): string {
  return `${crc32(json)
    .toString(HEX)
    .padStart(HEAD - 1, "0")} ${json}`;
}

/** Whether these bytes are a whole line (without newline) as {@link encodeLine} made it. */
export function isLine(bytes: Buffer): boolean {
  const head = bytes.toString("latin1", 0, HEAD + 1);
  return SHAPE.test(head) && Number.parseInt(head, HEX) === crc32(bytes.subarray(HEAD));
}

/** The JSON in the bytes of a whole line. */
export function textOf(line: Buffer): string {
  return line.toString("utf8", HEAD);
}

/** Whether these bytes can be the beginning of a line: what is left of an append that was cut short. */
export function isBeginning(bytes: Buffer): boolean {
  return BEGINNING.test(bytes.toString("latin1")) && !bytes.some((byte) => byte < 0x20);
}
