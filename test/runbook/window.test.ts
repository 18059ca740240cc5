import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closesAt, isOpen, isZone, opensAt, parseAllow } from '../../src/runbook/window';

const at = (text: string) => Date.parse(text);
const iso = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString());
const hour = 3_600_000;

describe('reading', () => {
  const days = (text: string) => {
    const hours = parseAllow(text);
    return typeof hours === 'string' ? hours : [...hours.days].sort();
  };

  test('days are one, a list, a range over the end of the week, or all', () => {
    expect(days('Sat 22:00-04:00')).toEqual([6]);
    expect(days('Mon-Fri,Sun 20:00-23:30')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(days('Fri-Mon 20:00-23:30')).toEqual([0, 1, 5, 6]);
    expect(days('sat, sun 0:00 - 24:00')).toEqual([0, 6]);
    expect(days('22:00-04:00')).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test('what is wrong is said', () => {
    for (const text of ['', 'Sat', '22:00', 'Sat 22-04', '22:00-04:00 Sat', 'Sat 22:00-04:00-05:00'])
      expect(parseAllow(text)).toMatch(/^Write it as/);
    expect(parseAllow('Sa 22:00-04:00')).toMatch(/^`Sa` is no day/);
    expect(parseAllow('Mon-Fry 22:00-04:00')).toMatch(/^`Fry` is no day/);
    expect(parseAllow('Mon-Wed-Fri 22:00-04:00')).toMatch(/is no day/);
    expect(parseAllow('Mon,,Fri 22:00-04:00')).toMatch(/is no day/);
    expect(parseAllow('24:00-04:00')).toMatch(/^`24:00` is no time/);
    expect(parseAllow('22:60-04:00')).toMatch(/^`22:60` is no time/);
    expect(parseAllow('22:00-24:01')).toMatch(/^`24:01` is no time/);
    expect(parseAllow('22:00-22:00')).toMatch(/never open/);
  });

  test('zones are names', () => {
    expect(['Europe/London', 'UTC', 'America/St_Johns'].every(isZone)).toBe(true);
    expect(['Europe/Lodnon', '+01:00', '', 'London'].some(isZone)).toBe(false);
  });
});

describe('opening and closing', () => {
  const london = (allow: string) => ({ allow: [allow], zone: 'Europe/London' });

  test('over midnight', () => {
    const window = london('Sat 22:00-04:00');
    // 2026-01-03 is a Saturday.
    expect(isOpen(window, at('2026-01-03T21:59:59.999Z'))).toBe(false);
    expect(isOpen(window, at('2026-01-03T22:00:00Z'))).toBe(true);
    expect(isOpen(window, at('2026-01-04T03:59:59.999Z'))).toBe(true);
    expect(isOpen(window, at('2026-01-04T04:00:00Z'))).toBe(false);
    expect(isOpen(window, at('2026-01-04T22:30:00Z'))).toBe(false);
    expect(iso(opensAt(window, at('2026-01-04T04:00:00Z')))).toBe('2026-01-10T22:00:00.000Z');
    expect(iso(closesAt(window, at('2026-01-04T01:00:00Z')))).toBe('2026-01-04T04:00:00.000Z');
  });

  test('24:00 and hours that touch have no gap', () => {
    const window = { allow: ['Sat 22:00-24:00', 'Sun 00:00-04:00'], zone: 'Europe/London' };
    expect(iso(closesAt(window, at('2026-01-03T23:00:00Z')))).toBe('2026-01-04T04:00:00.000Z');
    expect(closesAt({ allow: ['00:00-24:00'], zone: 'Europe/London' }, at('2026-03-28T12:00:00Z'))).toBeUndefined();
    const days = { allow: ['Mon-Fri 00:00-24:00', 'Sat-Sun 00:00-24:00'], zone: 'America/Sao_Paulo' };
    expect(closesAt(days, at('2018-11-03T12:00:00Z'))).toBeUndefined();
    const week = { allow: ['Mon-Sat 00:00-24:00'], zone: 'UTC' };
    expect(iso(closesAt(week, at('2026-01-05T00:00:00Z')))).toBe('2026-01-11T00:00:00.000Z');
  });

  test('clocks put forward over the beginning: it opens at that moment; over all of it: not at all that day', () => {
    // 2026-03-29 01:00 GMT becomes 02:00 BST.
    expect(iso(opensAt(london('Sun 01:30-04:00'), at('2026-03-28T12:00:00Z')))).toBe('2026-03-29T01:00:00.000Z');
    expect(iso(closesAt(london('Sun 01:30-04:00'), at('2026-03-29T01:00:00Z')))).toBe('2026-03-29T03:00:00.000Z');
    expect(iso(closesAt(london('22:00-01:30'), at('2026-03-28T23:00:00Z')))).toBe('2026-03-29T01:00:00.000Z');
    expect(iso(opensAt(london('Sun 01:00-02:00'), at('2026-03-28T12:00:00Z')))).toBe('2026-04-05T00:00:00.000Z');
  });

  test('an hour that comes twice neither interrupts nor opens again', () => {
    // 2026-10-25 02:00 BST becomes 01:00 GMT.
    const early = london('Sun 01:00-01:30');
    expect(iso(opensAt(early, at('2026-10-24T12:00:00Z')))).toBe('2026-10-25T00:00:00.000Z');
    expect(iso(closesAt(early, at('2026-10-25T00:10:00Z')))).toBe('2026-10-25T00:30:00.000Z');
    expect(isOpen(early, at('2026-10-25T01:10:00Z'))).toBe(false);
    const long = london('Sun 01:30-03:00');
    expect(iso(closesAt(long, at('2026-10-25T00:40:00Z')))).toBe('2026-10-25T03:00:00.000Z');
    expect(isOpen(long, at('2026-10-25T01:10:00Z'))).toBe(true);
  });

  test('a day that a zone left out', () => {
    // Samoa had no 30 December 2011: 2011-12-30T10:00Z was midnight at the end of the 29th, and the beginning of the 31st.
    const window = { allow: ['Fri 22:00-04:00'], zone: 'Pacific/Apia' };
    expect(iso(opensAt(window, at('2011-12-29T00:00:00Z')))).toBe('2011-12-30T10:00:00.000Z');
    expect(iso(closesAt(window, at('2011-12-30T10:00:00Z')))).toBe('2011-12-30T14:00:00.000Z');
  });

  test('nothing allowed never opens', () => {
    expect(opensAt({ allow: [], zone: 'UTC' }, 0)).toBeUndefined();
    expect(isOpen({ allow: ['nonsense'], zone: 'UTC' }, 0)).toBe(false);
  });
});

describe('as Intl shows it', () => {
  const zones = [
    'UTC',
    'Europe/London',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'America/Sao_Paulo',
  ];
  const names = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
  const pad = (value: number) => String(value).padStart(2, '0');
  const clock = (minutes: number) => `${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
  const hours = fc
    .record({
      days: fc.subarray(names, { minLength: 1 }),
      from: fc.integer({ min: 0, max: 1439 }),
      to: fc.integer({ min: 1, max: 1440 }),
    })
    .filter(({ from, to }) => from !== to);
  const window = fc.record({ zone: fc.constantFrom(...zones), hours: fc.array(hours, { minLength: 1, maxLength: 3 }) });
  const times = fc.integer({ min: Date.UTC(2015, 0, 1), max: Date.UTC(2030, 0, 1) });
  const text = ({ days, from, to }: { days: string[]; from: number; to: number }) =>
    `${days.join(',')} ${clock(from)}-${clock(to)}`;

  /** What a clock on the wall shows, by Intl's own words. */
  function wall(zone: string, time: number): { day: number; minutes: number } {
    const shown = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    }).format(time);
    const [, day, hour, minute] = /^(\w{3}),? (\d\d):(\d\d)$/.exec(shown)!;
    return { day: names.indexOf(day!), minutes: Number(hour) * 60 + Number(minute) };
  }
  const offset = (zone: string, time: number) =>
    new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
      .formatToParts(time)
      .find(part => part.type === 'timeZoneName')?.value;

  test('it is open exactly when the clock shows one of its times, where clocks are not changed', () => {
    fc.assert(
      fc.property(window, times, (made, time) => {
        fc.pre(offset(made.zone, time - 50 * hour) === offset(made.zone, time + 50 * hour));
        const { day, minutes } = wall(made.zone, time);
        const yesterday = names[(day + 6) % 7]!;
        const expected = made.hours.some(({ days, from, to }) =>
          from < to
            ? days.includes(names[day]!) && from <= minutes && minutes < to
            : (days.includes(names[day]!) && from <= minutes) || (days.includes(yesterday) && minutes < to),
        );
        expect(isOpen({ allow: made.hours.map(text), zone: made.zone }, time)).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });

  test('it opens and closes when it says so, at any time', () => {
    fc.assert(
      fc.property(window, times, fc.double({ min: 0, max: 1, noNaN: true }), (made, time, part) => {
        const open = { allow: made.hours.map(text), zone: made.zone };
        const opens = opensAt(open, time)!;
        expect(opens).toBeGreaterThanOrEqual(time);
        expect(isOpen(open, opens)).toBe(true);
        expect(isOpen(open, time)).toBe(opens === time);
        if (opens > time) {
          expect(isOpen(open, opens - 1)).toBe(false);
          expect(isOpen(open, time + Math.floor((opens - 1 - time) * part))).toBe(false);
        }
        const closes = closesAt(open, opens);
        if (closes === undefined) {
          expect(isOpen(open, opens + Math.floor(400 * 24 * hour * part))).toBe(true);
          return;
        }
        expect(isOpen(open, closes)).toBe(false);
        expect(isOpen(open, closes - 1)).toBe(true);
        expect(isOpen(open, opens + Math.floor((closes - 1 - opens) * part))).toBe(true);
        expect(closesAt(open, closes)).toBe(closes);
      }),
      { numRuns: 300 },
    );
  });
});
