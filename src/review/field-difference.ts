import { equal } from '../runbook/equal';
import type { Json, JsonObject } from '../runbook/json';

/** One field of plain data that is not the same on both sides. */
export interface FieldDifference {
  /** With dots from the data on; empty for the data itself. */
  field: string;
  /** undefined: it is not there. */
  before: Json | undefined;
  after: Json | undefined;
}

/** The fields of two objects that differ, those of objects inside them one by one; in the order of the second, then of the first. */
export function fieldDifferences(before: Json | undefined, after: Json | undefined, field = ''): FieldDifference[] {
  if (equal(before, after)) return [];
  if (!isObject(before) || !isObject(after)) return [{ field, before, after }];
  const names = new Set([...Object.keys(after), ...Object.keys(before)]);
  const prefix = field === '' ? '' : `${field}.`;
  return [...names].flatMap(name => fieldDifferences(own(before, name), own(after, name), prefix + name));
}

/** `openssl → nginx`, `added nginx`, `added: nginx` …: what became of a value, in a few words. */
export function changeText(before: Json | undefined, after: Json | undefined): string {
  if (before === undefined) return `added: ${valueText(after ?? null)}`;
  if (after === undefined) return `removed (was ${valueText(before)})`;
  if (areNames(before) && areNames(after)) return listText(before, after);
  const texts = [valueText(before), valueText(after)];
  // Of other types, a list of one name and that name.
  return (texts[0] === texts[1] ? [JSON.stringify(before), JSON.stringify(after)] : texts).join(' → ');
}

function listText(before: readonly Json[], after: readonly Json[]): string {
  const added = without(after, before);
  const removed = without(before, after);
  if (added.length + removed.length === 0) return `another order: ${valueText([...before])} → ${valueText([...after])}`;
  if (added.length === after.length || removed.length === before.length)
    return `${valueText([...before])} → ${valueText([...after])}`;
  const parts = [
    ...(added.length > 0 ? [`added ${namesText(added)}`] : []),
    ...(removed.length > 0 ? [`removed ${namesText(removed)}`] : []),
  ];
  return parts.join(', ');
}

/** Items of a list that another has not, or not as often. */
function without(list: readonly Json[], other: readonly Json[]): Json[] {
  const counts = new Map<Json, number>();
  for (const item of other) counts.set(item, (counts.get(item) ?? 0) + 1);
  return list.filter(item => {
    const left = counts.get(item) ?? 0;
    counts.set(item, left - 1);
    return left <= 0;
  });
}

const mostNames = 8;

function namesText(names: readonly Json[]): string {
  const shown = names.slice(0, mostNames).map(name => shortened(String(name)));
  return names.length > mostNames ? `${shown.join(', ')} and ${names.length - mostNames} more` : shown.join(', ');
}

/** A value on one line. */
export function valueText(value: Json): string {
  if (Array.isArray(value) && value.length === 0) return 'none';
  if (areNames(value)) return namesText(value);
  if (value === '') return '""';
  return shortened(typeof value === 'string' ? value : JSON.stringify(value));
}

const longest = 80;

/** Text on one line that is not too long. */
export function shortened(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  // By code points: half of one is no text.
  return line.length > longest ? `${[...line].slice(0, longest - 1).join('')}…` : line;
}

function areNames(value: Json | undefined): value is Json[] {
  return Array.isArray(value) && value.every(item => item === null || typeof item !== 'object');
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field of an object, not what every object has. */
export function own<T>(object: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
