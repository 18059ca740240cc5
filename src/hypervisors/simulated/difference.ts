import type { SimulatedLab } from './lab';
import type { Table } from './table';

/** What the passing of time alone changes, or what only counts changes. */
const ignored = new Set(['readyAt', 'createdAt', 'revision']);

/** One thing that is different. */
export interface Difference {
  kind: 'host' | 'datastore' | 'vm' | 'proxy';
  name: string;
  /** Where in the record, e.g. `guest.files./etc/motd`; empty: the whole record. */
  path: string;
  /** undefined: it was not there, or is not any more. */
  was: unknown;
  is: unknown;
  /** The line for people, e.g. `vm web1: host is hv2, was hv1`. */
  text: string;
}

/**
 * What is different in `after`, a line for each, e.g. `vm web1: host is hv2, was hv1`. Empty: the lab is back where it was.
 * The clock and boot times don't count; faults neither.
 */
export function describeDifference(before: SimulatedLab, after: SimulatedLab): string[] {
  return differences(before, after).map(one => one.text);
}

/** As `describeDifference`, with what each line is about. */
export function differences(before: SimulatedLab, after: SimulatedLab): Difference[] {
  const found: Difference[] = [];
  compareTables('host', before.hosts, after.hosts, found);
  compareTables('datastore', before.datastores, after.datastores, found);
  compareTables('vm', before.vms, after.vms, found);
  compareTables('proxy', before.proxies, after.proxies, found);
  return found;
}

type Subject = Pick<Difference, 'kind' | 'name'>;

function compareTables<V>(kind: Difference['kind'], before: Table<V>, after: Table<V>, found: Difference[]): void {
  for (const name of before.candidates(after)) {
    const [was, is] = [before.get(name), after.get(name)];
    if (was !== is) compare({ kind, name }, '', was, is, found);
  }
}

function compare(subject: Subject, path: string, before: unknown, after: unknown, found: Difference[]): void {
  if (before === after) return;
  if (isRecord(before) && isRecord(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      if (!ignored.has(key)) compare(subject, path ? `${path}.${key}` : key, before[key], after[key], found);
    }
    return;
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let at = 0; at < Math.max(before.length, after.length); at++) {
      compare(subject, `${path}[${at}]`, before[at], after[at], found);
    }
    return;
  }
  found.push(new Found(subject.kind, subject.name, path, before, after));
}

/** Most are only counted, so its text is made when it is asked for. */
class Found implements Difference {
  constructor(
    readonly kind: Difference['kind'],
    readonly name: string,
    readonly path: string,
    readonly was: unknown,
    readonly is: unknown,
  ) {}

  get text(): string {
    const { was, is } = this;
    const what = `${this.kind} ${this.name}${this.path ? `: ${this.path}` : ''}`;
    if (was === undefined) return `${what} is new: ${show(is)}`;
    return is === undefined ? `${what} is gone, was ${show(was)}` : `${what} is ${show(is)}, was ${show(was)}`;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
