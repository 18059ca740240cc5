import { parseAllow } from '../runbook/window';

const dayMinutes = 1440;
const weekMinutes = 7 * dayMinutes;

/**
 * What became of the hours in which steps may begin: `same` however they are written, `wider` when there are only more, `narrower` when there
 * are only fewer.
 */
export function hoursChange(
  before: readonly string[],
  after: readonly string[],
): 'same' | 'wider' | 'narrower' | 'other' {
  const one = openMinutes(before);
  const other = openMinutes(after);
  if (!one || !other) {
    return before.length === after.length && before.every((text, at) => text === after[at]) ? 'same' : 'other';
  }
  const more = other.some((open, minute) => open > one[minute]!);
  const fewer = one.some((open, minute) => open > other[minute]!);
  if (more && fewer) return 'other';
  return more ? 'wider' : fewer ? 'narrower' : 'same';
}

/** For each minute of a week 1 when it is open; undefined: it can't be read. */
function openMinutes(allow: readonly string[]): Uint8Array | undefined {
  const minutes = new Uint8Array(weekMinutes);
  for (const text of allow) {
    const hours = parseAllow(text);
    if (typeof hours === 'string') return undefined;
    const length = hours.to > hours.from ? hours.to - hours.from : hours.to + dayMinutes - hours.from;
    for (const day of hours.days)
      for (let minute = 0; minute < length; minute++)
        minutes[(day * dayMinutes + hours.from + minute) % weekMinutes] = 1;
  }
  return minutes;
}
