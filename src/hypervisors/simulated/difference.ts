import type { SimulatedLab } from './lab';
import type { Table } from './table';

/** What the passing of time alone changes, or what only counts changes. */
const ignored = new Set(['readyAt', 'createdAt', 'revision']);

/**
 * What is different in `after`, a line for each, e.g. `vm web1: host is hv2, was hv1`. Empty: the lab is back where it was.
 * The clock and boot times don't count; faults neither.
 */
export function describeDifference(before: SimulatedLab, after: SimulatedLab): string[] {
  const lines: string[] = [];
  compareTables('host', before.hosts, after.hosts, lines);
  compareTables('datastore', before.datastores, after.datastores, lines);
  compareTables('vm', before.vms, after.vms, lines);
  compareTables('proxy', before.proxies, after.proxies, lines);
  return lines;
}

function compareTables<V>(kind: string, before: Table<V>, after: Table<V>, lines: string[]): void {
  for (const name of before.candidates(after)) compare(`${kind} ${name}`, '', before.get(name), after.get(name), lines);
}

function compare(subject: string, path: string, before: unknown, after: unknown, lines: string[]): void {
  if (before === after) return;
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      if (!ignored.has(key)) compare(subject, path ? `${path}.${key}` : key, before[key], after[key], lines);
    }
    return;
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let at = 0; at < Math.max(before.length, after.length); at++) {
      compare(subject, `${path}[${at}]`, before[at], after[at], lines);
    }
    return;
  }
  const what = path ? `${subject}: ${path}` : subject;
  if (before === undefined) lines.push(`${what} is new: ${show(after)}`);
  else if (after === undefined) lines.push(`${what} is gone, was ${show(before)}`);
  else lines.push(`${what} is ${show(after)}, was ${show(before)}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
