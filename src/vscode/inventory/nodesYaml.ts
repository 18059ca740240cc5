import { stringify } from 'yaml';
import type { InventoryNode } from './inventoryTree';

/** What is known of these nodes, as a YAML list. Nodes that only lead elsewhere are left out; '' when nothing is left. */
export function nodesYaml(nodes: readonly InventoryNode[]): string {
  const items = nodes.flatMap((node): object[] => {
    switch (node.kind) {
      case 'host':
        return [{ ...node.host, connection: node.connection }];
      case 'vm':
        return [{ ...node.vm, connection: node.connection }];
      case 'disk':
        return [{ ...node.disk, vm: node.vm.name }];
      case 'nic':
        return [{ ...node.nic, vm: node.vm.name }];
      case 'snapshot':
        return [{ ...node.snapshot, vm: node.vm.name }];
      case 'datastore':
        return [{ ...node.datastore, connection: node.connection }];
      case 'volume':
        return [{ ...node.volume, datastore: node.datastore.name }];
      default:
        return [];
    }
  });
  return items.length === 0 ? '' : stringify(items, { aliasDuplicateObjects: false });
}
