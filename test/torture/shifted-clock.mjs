/** Loaded before a gateway (`node --import`): its clock goes wrong by as many milliseconds as the file CLOCK_SHIFT_FILE says. */
import { readFileSync } from "node:fs";

const file = process.env.CLOCK_SHIFT_FILE ?? "";
const RightDate = Date;
let shift = 0;

function look() {
  try {
    shift = Number(readFileSync(file, "utf8")) || 0;
  } catch {
    // Not written yet: the clock is right.
  }
}

look();
setInterval(look, 20).unref();

globalThis.Date = class extends RightDate {
  constructor(...given) {
    if (given.length === 0) super(RightDate.now() + shift);
    else super(...given);
  }

  static now() {
    return RightDate.now() + shift;
  }
};
