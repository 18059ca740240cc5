import type { Json } from '../runbook/json';

const longestText = 10_000;
const mostElements = 300;
const deepest = 12;
/** Of all texts of one answer together: it goes as one line over a socket. */
const mostCharacters = 300_000;

/** A value small enough to be shown; what was cut says so. */
export function capped(value: Json): Json {
  let left = mostCharacters;
  const visit = (one: Json, depth: number): Json => {
    if (typeof one === 'string') {
      const room = Math.max(0, Math.min(longestText, left));
      left -= Math.min(one.length, room) + 8;
      return one.length <= room ? one : `${one.slice(0, room)}… (${one.length} characters)`;
    }
    left -= 8;
    if (one === null || typeof one !== 'object') return one;
    if (depth === deepest || left <= 0) return '…';
    if (Array.isArray(one)) {
      const shown = one.slice(0, mostElements).map(element => visit(element, depth + 1));
      return one.length > mostElements ? [...shown, `… and ${one.length - mostElements} more`] : shown;
    }
    const entries = Object.entries(one);
    const shown = entries.slice(0, mostElements).map(([name, inner]) => {
      left -= name.length;
      return [name, visit(inner, depth + 1)] as const;
    });
    const more = entries.length - mostElements;
    return Object.fromEntries(more > 0 ? [...shown, ['…', `and ${more} more`]] : shown);
  };
  return visit(value, 0);
}
