import type { Observed } from '../../engine/journal';
import { itemName } from '../../engine/keys';
import type { Plan } from '../../engine/plan';
import { leavesOf } from '../../engine/planned-steps';
import { type TimetableRow, timetableOf } from '../../engine/timetable';
import type { RunView } from '../../engine/view';
import type { Json } from '../../runbook/json';
import type { Lane } from './protocol';

/** What the plan foretells of a step. */
export interface Foretold {
  lanes: Lane[];
  /** Seconds from the start. */
  from?: number;
  to?: number;
}

const runLane: Lane = { kind: 'run', name: '' };

/** By key: where each step of a plan acts, and when it would. */
export function foretell(plan: Plan, observed: Observed | undefined, startAt: number): Map<string, Foretold> {
  const { rows } = timetableOf(plan, {
    startAt,
    whereIs: ({ kind, name }) => {
      const host = kind === 'vm' ? hostOf(observed, name) : undefined;
      return host === undefined ? undefined : { host };
    },
  });
  const byKey = new Map(rows.map(row => [row.key, row]));
  const foretold = new Map<string, Foretold>();
  for (const step of leavesOf([...plan.steps, ...(plan.finally ?? [])], { leftOut: true, anyItem: false })) {
    const row = byKey.get(step.key);
    const vms = step.kind === 'action' ? [...step.changes, ...step.reads].filter(({ kind }) => kind === 'vm') : [];
    const lanes = lanesOf(
      row,
      vms.map(({ name }) => name),
    );
    foretold.set(step.key, { lanes, ...(row && { from: row.fromSeconds, to: row.toSeconds }) });
  }
  return foretold;
}

function lanesOf(row: TimetableRow | undefined, vms: string[]): Lane[] {
  const named = (kind: Lane['kind'], names: readonly string[]): Lane[] => names.map(name => ({ kind, name }));
  if (row && row.on.hosts.length > 0) return named('host', row.on.hosts);
  if (vms.length > 0) return named('vm', [...new Set(vms)]);
  if (row && row.on.proxies.length > 0) return named('proxy', row.on.proxies);
  return [runLane];
}

/** Of a step that the plan could not foretell: by the item of the innermost loop it stands in, where that is a VM. */
export class MetLanes {
  readonly #values = new Map<string, Json>();
  #indexed = 0;

  constructor(private readonly view: Pick<RunView, 'items' | 'observed'>) {}

  of(key: string): Lane[] {
    const { items, observed } = this.view;
    for (; this.#indexed < items.length; this.#indexed++) {
      const { key: item, value } = items[this.#indexed]!;
      this.#values.set(item, value);
    }
    // From the inside out: a loop within a loop over VMs acts on the inner one's item, if that is a VM.
    for (let end = key.lastIndexOf(']/'); end > 0; end = key.lastIndexOf(']/', end - 1)) {
      const value = this.#values.get(key.slice(0, end + 1));
      const host = value === undefined ? undefined : hostOf(observed, itemName(value));
      if (host !== undefined) return [{ kind: 'host', name: host }];
    }
    return [runLane];
  }
}

function hostOf(observed: Observed | undefined, vm: string): string | undefined {
  return observed && Object.hasOwn(observed, vm) ? observed[vm]?.host : undefined;
}
