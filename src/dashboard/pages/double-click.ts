/** Double clicks: the first click leads to a new page, and the second presses what happens to stand there by then. */
import type { RequestHandler } from "express";
import { backTo, type Desk, sessionOf } from "./desk.js";

/** A click so soon after a page has told what the last one did was not meant for that page: nobody reads as fast. */
export const DOUBLE_CLICK_MS = 800;
const LEFT_OUT = "A second click came at once and was left out; click again if it was meant.";

/** Leaves a form out that is the second half of a double click; the page tells again what the first half did. */
export function noDoubleClick(desk: Desk, otherwise: string): RequestHandler {
  return (request, response, next) => {
    const { told } = sessionOf(response);
    const since = told === undefined ? Number.POSITIVE_INFINITY : desk.parts.clock() - told.at;
    if (told === undefined || since < 0 || since >= DOUBLE_CLICK_MS) return next();
    const text = told.said.text.includes(LEFT_OUT) ? told.said.text : `${told.said.text}\n${LEFT_OUT}`;
    desk.answer(response, backTo(request, otherwise), { ok: told.said.ok, text });
  };
}
