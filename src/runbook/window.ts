import type { MaintenanceWindow } from './model';

/** Hours of some days, in minutes since midnight. `to` ≤ `from`: they end on the next day. */
export interface AllowedHours {
  /** Days on which they begin, 0 is Sunday. */
  days: ReadonlySet<number>;
  from: number;
  /** 1440 is the midnight that ends the day. */
  to: number;
}

/** What of a window says when it is open. */
export type OpenHours = Pick<MaintenanceWindow, 'allow' | 'zone'>;

const dayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const dayMs = 86_400_000;
const minuteMs = 60_000;
const shape = /^\s*(?:([A-Za-z][A-Za-z,\s-]*?)\s+)?(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*$/;

/** Reads one text of `allow`, e.g. `Sat 22:00-04:00`, `Mon-Fri,Sun 20:00-23:30`, `22:00-24:00`. A string says what is wrong with it. */
export function parseAllow(text: string): AllowedHours | string {
  const match = text.length > 200 ? null : shape.exec(text);
  if (!match) return 'Write it as `Sat 22:00-04:00`, `Mon-Fri 20:00-23:30` or `22:00-04:00`.';
  const from = minutes(match[2]!, match[3]!);
  const to = minutes(match[4]!, match[5]!);
  if (from === undefined || from === 1440) return noTime(`${match[2]}:${match[3]}`);
  if (to === undefined) return noTime(`${match[4]}:${match[5]}`);
  if (from === to)
    return 'It is never open: it begins and ends at the same time. For the whole day write `00:00-24:00`.';
  const days = parseDays(match[1]);
  return typeof days === 'string' ? days : { days, from, to };
}

function noTime(text: string): string {
  return `\`${text}\` is no time of day. Times go from 00:00 to 23:59, and a window may end at 24:00.`;
}

function minutes(hours: string, rest: string): number | undefined {
  const total = Number(hours) * 60 + Number(rest);
  return Number(rest) < 60 && total <= 1440 ? total : undefined;
}

function parseDays(text: string | undefined): ReadonlySet<number> | string {
  if (text === undefined) return new Set(dayNames.keys());
  const days = new Set<number>();
  for (const part of text.split(',')) {
    const names = part.trim().split(/\s*-\s*/);
    const first = dayNumber(names[0]!);
    const last = names.length === 1 ? first : dayNumber(names[1]!);
    if (names.length > 2 || first === undefined || last === undefined) {
      const wrong = names.find(name => dayNumber(name) === undefined) ?? part.trim();
      return `\`${wrong}\` is no day. Days are Mon, Tue, Wed, Thu, Fri, Sat, Sun; several as \`Mon-Fri\` or \`Sat,Sun\`.`;
    }
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === last) break;
    }
  }
  return days;
}

function dayNumber(name: string): number | undefined {
  const found = dayNames.findIndex(day => day.toLowerCase() === name.toLowerCase());
  return found < 0 ? undefined : found;
}

/** Whether this is the name of a time zone, e.g. `Europe/London`, `UTC`. An offset such as `+01:00` is none: it knows no summer time. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    formatterOf(name);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether steps may begin at `time` (ms since 1970). Each listed day gives one opening: from the first moment at which the clock in the zone
 * shows the beginning or later, to the first moment at which it shows the end or later. So where clocks are put forward over the beginning it
 * opens at that moment, and an hour that comes twice neither interrupts it nor opens it again. Throws RangeError when the zone is unknown.
 */
export function isOpen(window: OpenHours, time: number): boolean {
  const today = localDay(window.zone, time);
  return openings(window, today - 2, today + 1).some(([start, end]) => start <= time && time < end);
}

/** The first moment from `time` on at which it is open: `time` itself when it is; undefined when it never opens. */
export function opensAt(window: OpenHours, time: number): number | undefined {
  const today = localDay(window.zone, time);
  // Hours recur weekly, but a week in which clocks are put forward over all of them has none.
  for (let week = 0; week < 4; week++) {
    const from = today + week * 7;
    const starts = openings(window, from - 2, from + 7).flatMap(([start, end]) => (end > time ? [start] : []));
    if (starts.length > 0) return Math.max(time, Math.min(...starts));
  }
  return undefined;
}

/** The first moment from `from` on at which all are open; undefined when there is none. */
export function allOpenFrom(windows: readonly OpenHours[], from: number): number | undefined {
  let time = from;
  // Hours recur weekly: windows that have no moment in common within so many openings have none.
  for (let tries = 0; tries < 200; tries++) {
    const shut = windows.find(window => !isOpen(window, time));
    if (!shut) return time;
    const opens = opensAt(shut, time);
    if (opens === undefined) return undefined;
    time = opens;
  }
  return undefined;
}

/** The first moment from `time` on at which it is closed: `time` itself when it is; undefined when it never closes. */
export function closesAt(window: OpenHours, time: number): number | undefined {
  const today = localDay(window.zone, time);
  let closes = time;
  const found = openings(window, today - 2, today + 9).sort(([left], [right]) => left - right);
  for (const [start, end] of found) if (start <= closes && end > closes) closes = end;
  // Hours recur weekly: what is open for more than a week on end is always open.
  return closes > time + 8 * dayMs ? undefined : closes;
}

/** From when to when it is open on the days from `first` to `last`, each since 1970 in the zone; hours that are skipped that day are left out. */
function openings(window: OpenHours, first: number, last: number): [start: number, end: number][] {
  const found: [number, number][] = [];
  for (const text of window.allow) {
    const hours = parseAllow(text);
    if (typeof hours === 'string') continue;
    for (let day = first; day <= last; day++) {
      if (!hours.days.has(weekday(day))) continue;
      const start = momentOf(window.zone, day * dayMs + hours.from * minuteMs);
      const end = momentOf(window.zone, (hours.to > hours.from ? day : day + 1) * dayMs + hours.to * minuteMs);
      if (end > start) found.push([start, end]);
    }
  }
  return found;
}

/** 1970-01-01 was a Thursday. */
function weekday(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}

function localDay(zone: string, time: number): number {
  return Math.floor((time + offsetAt(zone, time)) / dayMs);
}

/** The first moment at which the clock in the zone shows `local` (date and time as if it were UTC) or later. */
function momentOf(zone: string, local: number): number {
  // No zone is further from UTC than 14 hours, and clocks are not changed twice within so short a time.
  let before = local - 15 * 60 * minuteMs;
  let after = local + 15 * 60 * minuteMs;
  const early = offsetAt(zone, before);
  const late = offsetAt(zone, after);
  if (early === late) return local - early;
  while (after - before > 1000) {
    const middle = Math.floor((before + after) / 2000) * 1000;
    if (offsetAt(zone, middle) === early) before = middle;
    else after = middle;
  }
  return local - early < after ? local - early : Math.max(after, local - late);
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone);
  if (!formatter) {
    const two = '2-digit';
    const parts = { year: 'numeric', month: two, day: two, hour: two, minute: two, second: two } as const;
    formatter = new Intl.DateTimeFormat('en-US', { timeZone: zone, calendar: 'gregory', hourCycle: 'h23', ...parts });
    formatters.set(zone, formatter);
  }
  return formatter;
}

/** How far the clock in the zone is ahead of UTC, in ms. */
function offsetAt(zone: string, time: number): number {
  const shown: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of formatterOf(zone).formatToParts(time)) shown[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(time / 1000) * 1000;
}
