import type { ParsedInventory } from '../inventory/file';
import { escapePointer } from '../runbook/yaml-source';
import { type InventoryKind, inventoryTarget, type Name } from './name';
import { NameCollector } from './name-collector';

/** Names of an inventory. */
export class InventoryNames extends NameCollector {
  constructor(readonly parsed: ParsedInventory) {
    super(parsed.source);
  }

  collect(): Name[] {
    const { connections, groups, proxies, vms } = this.parsed.draft;
    for (const [name, connection] of Object.entries(connections)) {
      const pointer = `/connections/${escapePointer(name)}`;
      // One libvirt connection is one host of the same name.
      this.#define(pointer, connection.type === 'libvirt' ? 'host' : 'connection', name);
      if (connection.type === 'simulated') this.#list(connection.hosts, `${pointer}/hosts`, 'host', 'definition');
      this.#list(connection.tags, `${pointer}/tags`, 'host-tag', 'definition');
    }
    for (const [name, group] of Object.entries(groups)) {
      const pointer = `/groups/${escapePointer(name)}`;
      this.#define(pointer, 'group', name);
      this.#list(group.hosts, `${pointer}/hosts`, 'host', 'use');
      this.#list(group.vms, `${pointer}/vms`, 'vm', 'use');
    }
    for (const name of Object.keys(proxies)) this.#define(`/proxies/${escapePointer(name)}`, 'proxy', name);
    for (const [name, vm] of Object.entries(vms)) {
      const pointer = `/vms/${escapePointer(name)}`;
      this.#define(pointer, 'vm', name);
      this.#list(vm.tags, `${pointer}/tags`, 'vm-tag', 'definition');
    }
    return this.names;
  }

  #define(pointer: string, kind: InventoryKind, name: string): void {
    this.key(pointer, { kind, name, role: 'definition', target: inventoryTarget(kind, name) });
  }

  #list(names: readonly string[] | undefined, pointer: string, kind: InventoryKind, role: Name['role']): void {
    names?.forEach((name, index) => {
      // Items that are no strings are left out of the list, so places may be shifted: only those that fit are taken.
      if (this.source.scalar(`${pointer}/${index}`)?.value === name)
        this.value(`${pointer}/${index}`, { kind, name, role, target: inventoryTarget(kind, name) });
    });
  }
}
