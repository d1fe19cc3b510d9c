/** The last day's messages by verdict, as a small stacked picture. Pure. */
import { HOUR } from "../clock.js";
import { groupOf, type Seen, VERDICT_GROUPS, type VerdictGroup } from "./activity.js";

const HOURS = 24;
const WIDTH = 480;
const HEIGHT = 96;
const GAP = 3;

/** The picture's parts, ready for the template. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly bars: readonly {
    readonly group: VerdictGroup;
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  }[];
  /** The picture in words: one entry a group, with its count. */
  readonly legend: readonly { readonly group: VerdictGroup; readonly title: string; readonly count: number }[];
  readonly total: number;
}

/** Draws the messages of the 24 hours before `now`, an hour a column, the present one on the right. */
export function drawDay(messages: readonly Seen[], now: number): Picture {
  const columns = Array.from({ length: HOURS }, () => new Map<VerdictGroup, number>());
  const totals = new Map<VerdictGroup, number>();
  for (const { at, verdict } of messages) {
    const column = columns[HOURS - 1 - Math.floor((now - at) / HOUR)];
    if (column === undefined) continue;
    const { id } = groupOf(verdict);
    column.set(id, (column.get(id) ?? 0) + 1);
    totals.set(id, (totals.get(id) ?? 0) + 1);
  }
  const highest = Math.max(1, ...columns.map(sum));
  const step = WIDTH / HOURS;
  const bars = columns.flatMap((column, index) => {
    let y = HEIGHT;
    return VERDICT_GROUPS.flatMap(({ id }) => {
      const count = column.get(id) ?? 0;
      if (count === 0) return [];
      const height = Math.max(1, round((count / highest) * HEIGHT));
      y = Math.max(0, round(y - height));
      return [{ group: id, x: round(index * step + GAP / 2), y, width: round(step - GAP), height }];
    });
  });
  const legend = VERDICT_GROUPS.map(({ id, title }) => ({ group: id, title, count: totals.get(id) ?? 0 }));
  return { width: WIDTH, height: HEIGHT, bars, legend, total: sum(totals) };
}

function sum(counts: ReadonlyMap<VerdictGroup, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
