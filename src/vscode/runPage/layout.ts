import type { LiveStep, PageStep } from './protocol';

/** A bar of the timeline. `step`: index in the list of steps. Times are ms since 1970. */
export interface Bar {
  step: number;
  lane: number;
  /** Row within the lane: bars of a row do not overlap. */
  row: number;
  /** `did`: what was done; `will`: what is foretold; `undo`: the undo of a step. */
  kind: 'did' | 'will' | 'undo';
  from: number;
  to: number;
}

export interface TimelineLayout {
  /** By lane, then by time. */
  bars: Bar[];
  /** Rows of each lane; 0: it has nothing to show. */
  rows: number[];
  from: number;
  to: number;
}

export interface LayoutTimes {
  /** When the run was started, or submitted while it was not. */
  start: number;
  /** When it ended; absent: it goes on. */
  end?: number;
  now: number;
  /** What is not done yet is drawn where it is expected. */
  foretell: boolean;
}

/** Bars narrower than this fraction of the whole would be invisible, and share a row badly. */
const LEAST = 1 / 2_000;

/** Where the bars of a timeline are. Linear in the steps but for sorting, as it is done anew every second of a live run. */
export function layoutTimeline(steps: readonly PageStep[], lanes: number, times: LayoutTimes): TimelineLayout {
  const { start, now } = times;
  const spans = spansOf(steps, times);
  let to = times.end ?? now;
  for (const span of spans) if (span.to > to) to = span.to;
  to = Math.max(to, start + 1_000);
  const least = (to - start) * LEAST;
  spans.sort((a, b) => a.from - b.from || a.step - b.step);
  const bars: Bar[] = [];
  /** By lane: when each row is free again. */
  const free: number[][] = Array.from({ length: lanes }, () => []);
  const rowOf = new Map<string, number>();
  for (const span of spans) {
    for (const lane of steps[span.step]!.lanes) {
      const ends = free[lane];
      if (!ends) continue;
      const end = Math.max(span.to, span.from + least);
      const id = `${lane} ${span.step}`;
      // What goes on behind a bar, and the undo of it where there is room, stay in its row.
      const before = rowOf.get(id);
      const keeps = before !== undefined && ends[before]! <= span.from;
      const row = keeps ? before : firstFree(ends, span.from);
      ends[row] = end;
      rowOf.set(id, row);
      bars.push({ ...span, to: end, lane, row });
    }
  }
  bars.sort((a, b) => a.lane - b.lane || a.from - b.from);
  return { bars, rows: free.map(ends => ends.length), from: start, to };
}

type Span = Omit<Bar, 'lane' | 'row'>;

function spansOf(steps: readonly PageStep[], times: LayoutTimes): Span[] {
  const { now, end } = times;
  const spans: Span[] = [];
  const lag = times.foretell ? lagOf(steps, times) : 0;
  for (let step = 0; step < steps.length; step++) {
    const { live, plannedFrom, plannedTo = 0 } = steps[step]!;
    if (live.startedAt !== undefined) {
      const until = live.endedAt ?? live.undoStartedAt ?? end ?? now;
      spans.push({ step, kind: 'did', from: live.startedAt, to: Math.max(until, live.startedAt) });
      if (times.foretell && isUnderWay(live) && plannedFrom !== undefined) {
        const expected = expectedEnd(live, plannedTo - plannedFrom, now);
        if (expected > now) spans.push({ step, kind: 'will', from: now, to: expected });
      }
    } else if (times.foretell && live.state === 'pending' && plannedFrom !== undefined) {
      const from = times.start + plannedFrom * 1000 + lag;
      spans.push({ step, kind: 'will', from, to: from + (plannedTo - plannedFrom) * 1000 });
    }
    if (live.undoStartedAt !== undefined) {
      const until = live.undoEndedAt ?? end ?? now;
      spans.push({ step, kind: 'undo', from: live.undoStartedAt, to: Math.max(until, live.undoStartedAt) });
    }
  }
  return spans;
}

/**
 * By how much the rest comes later than planned (in ms; negative: earlier): as the steps under way are late, else as the one that ended
 * last was; and what has not begun can't begin before now.
 */
function lagOf(steps: readonly PageStep[], { start, now }: LayoutTimes): number {
  let lag: number | undefined;
  let last = Number.NEGATIVE_INFINITY;
  let lastLag = 0;
  let first = Number.POSITIVE_INFINITY;
  for (const { live, plannedFrom, plannedTo } of steps) {
    if (plannedFrom === undefined || plannedTo === undefined) continue;
    const plannedEnd = start + plannedTo * 1000;
    if (isUnderWay(live) && live.startedAt !== undefined) {
      const expected = expectedEnd(live, plannedTo - plannedFrom, now);
      lag = Math.max(lag ?? Number.NEGATIVE_INFINITY, expected - plannedEnd);
    } else if (live.endedAt !== undefined && live.endedAt > last) {
      last = live.endedAt;
      lastLag = live.endedAt - plannedEnd;
    } else if (live.state === 'pending') first = Math.min(first, start + plannedFrom * 1000);
  }
  const found = lag ?? lastLag;
  return first === Number.POSITIVE_INFINITY ? found : Math.max(found, now - first);
}

/** Of a step under way: as it goes, where that can be told, else as its action estimates. */
function expectedEnd({ startedAt = 0, fraction = 0, attempt }: LiveStep, seconds: number, now: number): number {
  const estimated = startedAt + seconds * 1000;
  // What an attempt before has taken says nothing of this one.
  const going = fraction >= 0.1 && attempt === 1 ? startedAt + (now - startedAt) / fraction : estimated;
  return Math.max(now, going);
}

function isUnderWay({ state }: LiveStep): boolean {
  return state === 'running' || state === 'retrying';
}

function firstFree(ends: readonly number[], from: number): number {
  const row = ends.findIndex(end => end <= from);
  return row < 0 ? ends.length : row;
}

/** Times at which an axis is labelled: round ones, at most `most`. */
export function ticks(from: number, to: number, most: number): { every: number; at: number[] } {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400];
  const span = (to - from) / 1000;
  const every = steps.find(seconds => span / seconds <= most) ?? Math.ceil(span / most / 86_400) * 86_400;
  const at: number[] = [];
  for (let seconds = 0; seconds <= span; seconds += every) at.push(from + seconds * 1000);
  return { every, at };
}

/** `+0 s`, `+1:30`, `+2:05:00` */
export function sinceText(ms: number): string {
  const all = Math.round(ms / 1000);
  const two = (n: number): string => String(n).padStart(2, '0');
  if (all < 60) return `+${all} s`;
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  return hours > 0 ? `+${hours}:${two(minutes)}:${two(seconds)}` : `+${minutes}:${two(seconds)}`;
}
