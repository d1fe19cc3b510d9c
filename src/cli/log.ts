import pino, { type Logger } from "pino";
import { z } from "zod";
import { renderPlain, say } from "../text.js";

/** Where lines go. */
type Sink = Pick<NodeJS.WriteStream, "write" | "isTTY">;

/** The log on stderr: JSON lines for programs, `14:02:03 text` at a terminal. */
export function createLog(level: string, sink: Sink): Logger {
  return pino({ level }, sink.isTTY ? { write: (line) => void sink.write(`${forPeople(line)}\n`) } : sink);
}

const Line = z.object({
  time: z.number(),
  msg: z.string().default(""),
  err: z.object({ message: z.string() }).optional(),
});

/** A log line as people read it; names and messages in it can hold anything. */
function forPeople(line: string): string {
  const { time, msg, err } = Line.parse(JSON.parse(line));
  const clock = new Date(time).toTimeString().slice(0, 8);
  return renderPlain(err === undefined ? say`${clock} ${msg}` : say`${clock} ${msg}: ${err.message}`);
}
