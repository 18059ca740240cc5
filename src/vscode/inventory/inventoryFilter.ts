import type { VmInfo } from '../../hypervisors/ports';
import type { VmDefinition } from '../../inventory/model';

/** Which VMs the inventory view shows. `states` and `snapshots` narrow down together; of `states` one has to fit. */
export interface InventoryFilter {
  states: ('running' | 'off')[];
  /** Only those that have some. */
  snapshots: boolean;
  /** Words; each has to be in the name, the host, the owner, a tag or the uuid. `tag:web`, as runbooks write it, is that very tag. */
  text: string;
}

export const noFilter: InventoryFilter = { states: [], snapshots: false, text: '' };

export function isFiltering(filter: InventoryFilter): boolean {
  return filter.states.length > 0 || filter.snapshots || filter.text.trim() !== '';
}

/** A test for VMs; made once for many. `known`: what the inventory file says of it. */
export function filterOf(filter: InventoryFilter): (vm: VmInfo, known: VmDefinition | undefined) => boolean {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const { states, snapshots } = filter;
  return (vm, known) => {
    if (states.length > 0) {
      const state = vm.state === 'running' ? 'running' : isOff(vm) ? 'off' : undefined;
      if (!state || !states.includes(state)) return false;
    }
    if (snapshots && vm.snapshotCount === 0) return false;
    if (words.length === 0) return true;
    const text = [vm.name, vm.host, known?.owner, ...(known?.tags ?? []), vm.uuid].join('\n').toLowerCase();
    const tags = (known?.tags ?? []).map(tag => `tag:${tag.toLowerCase()}`);
    return words.every(word => (word.startsWith('tag:') ? tags.includes(word) : text.includes(word)));
  };
}

export function isOff(vm: VmInfo): boolean {
  return vm.state === 'shutoff' || vm.state === 'crashed';
}

/** `running, with snapshots, "web"`; '' when everything is shown. */
export function filterText(filter: InventoryFilter): string {
  const text = filter.text.trim();
  return [...filter.states, filter.snapshots ? 'with snapshots' : '', text && `"${text}"`].filter(Boolean).join(', ');
}

/** What was kept from an earlier session; anything else is no filter. */
export function readFilter(kept: unknown): InventoryFilter {
  if (typeof kept !== 'object' || kept === null) return noFilter;
  const { states, snapshots, text } = kept as Record<string, unknown>;
  return {
    states: Array.isArray(states) ? states.filter(state => state === 'running' || state === 'off') : [],
    snapshots: snapshots === true,
    text: typeof text === 'string' ? text : '',
  };
}
