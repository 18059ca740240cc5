import type { Inventory } from '../inventory/model';
import type { Json } from '../runbook/json';
import { escapePointer } from '../runbook/yaml-source';
import type { PlaceOf } from './contract';
import { changeText, fieldDifferences, own, valueText } from './field-difference';
import type { Difference, DifferenceKind } from './model';

const parts = [
  { key: 'connections', kind: 'connection', title: 'Connection' },
  { key: 'groups', kind: 'group', title: 'Group' },
  { key: 'proxies', kind: 'proxy', title: 'Proxy' },
  { key: 'vms', kind: 'vm', title: 'VM' },
] as const satisfies readonly { key: keyof Inventory; kind: DifferenceKind; title: string }[];

/** Lists whose order means nothing. */
const sets = new Set(['vms', 'hosts', 'tags']);

/** What is not the same in two versions of an inventory. Without one of them, all of the other was added or removed. */
export function inventoryDifferences(
  base: Inventory | undefined,
  head: Inventory | undefined,
  places: { base: PlaceOf; head: PlaceOf },
): Difference[] {
  return parts.flatMap(({ key, kind, title }) => {
    const [before, after] = [entries(base, key), entries(head, key)];
    const names = new Set([...Object.keys(after), ...Object.keys(before)]);
    return [...names].flatMap((name): Difference[] => {
      const [one, other] = [own(before, name), own(after, name)];
      const pointer = `/${key}/${escapePointer(name)}`;
      if (one === undefined || other === undefined) {
        const change = one === undefined ? 'added' : 'removed';
        const text = `${title} ${name} ${change}: ${valueText((one ?? other)!)}`;
        return [
          { kind, change, text, field: `${key}.${name}`, ...sides(places, pointer, one, other), effect: 'neutral' },
        ];
      }
      return fieldDifferences(sorted(one), sorted(other)).map(({ field, before: was, after: is }) => ({
        kind,
        change: was === undefined ? 'added' : is === undefined ? 'removed' : 'changed',
        text: `${title} ${name}: ${field} ${changeText(was, is)}`,
        field: `${key}.${name}.${field}`,
        ...sides(places, pointer, was, is, `/${field}`),
        effect: field === 'locks' ? locksEffect(was, is) : 'neutral',
      }));
    });
  });
}

function entries(inventory: Inventory | undefined, key: (typeof parts)[number]['key']): Record<string, Json> {
  // Plain data, though its types don't say so.
  return (inventory?.[key] ?? {}) as unknown as Record<string, Json>;
}

function sorted(value: Json): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, sets.has(key) && Array.isArray(item) ? [...item].sort() : item]),
  );
}

function sides(
  places: { base: PlaceOf; head: PlaceOf },
  pointer: string,
  before: Json | undefined,
  after: Json | undefined,
  field = '',
): Pick<Difference, 'before' | 'after' | 'base' | 'head'> {
  const base = before === undefined ? undefined : (places.base(pointer + field) ?? places.base(pointer));
  const head = after === undefined ? undefined : (places.head(pointer + field) ?? places.head(pointer));
  return {
    ...(before !== undefined && { before }),
    ...(after !== undefined && { after }),
    ...(base && { base }),
    ...(head && { head }),
  };
}

/** Without locks, nobody is kept from the VMs of a run. */
function locksEffect(before: Json | undefined, after: Json | undefined): Difference['effect'] {
  if ((before === 'none') === (after === 'none')) return 'neutral';
  return after === 'none' ? 'riskier' : 'safer';
}
