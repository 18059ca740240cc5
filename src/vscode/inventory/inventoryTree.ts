import type { Capability } from '../../hypervisors/capability';
import type { ConnectionState, HostInfo, VmInfo } from '../../hypervisors/ports';
import { hostRow, type Row, rowOfConnection, vmRow } from './rows';

/** Where a connection stands. Its last known state stays visible while it connects again. */
export interface ConnectionView {
  name: string;
  phase: 'idle' | 'connecting' | 'connected' | 'failed';
  /** Why it failed, for people. */
  error?: string;
  capabilities: ReadonlySet<Capability>;
  /** No real hypervisor stands behind it; nobody should take it for one. */
  simulated?: boolean;
  state?: ConnectionState;
}

/** A node of the inventory view, as plain data. Ids stay the same while what they stand for does. */
export type InventoryNode = { id: string; row: Row; children: string[] } & (
  | { kind: 'connection'; connection: string }
  | { kind: 'host'; connection: string; host: HostInfo }
  | { kind: 'vm'; connection: string; vm: VmInfo }
);

export type InventoryTree = ReadonlyMap<string, InventoryNode>;

export const connectionId = (connection: string) => `connection:${connection}`;
export const hostId = (connection: string, host: string) => `host:${connection}/${host}`;
export const vmId = (connection: string, uuid: string) => `vm:${connection}/${uuid}`;

/** The nodes of one connection, parents first. */
export function connectionTree(view: ConnectionView): Map<string, InventoryNode> {
  const nodes = new Map<string, InventoryNode>();
  const { hosts, vms } = view.state ?? { hosts: [], vms: [] };
  const root = connectionId(view.name);
  const sortedHosts = [...hosts].sort((a, b) => compareNames(a.name, b.name));
  nodes.set(root, {
    kind: 'connection',
    id: root,
    connection: view.name,
    row: rowOfConnection(view),
    children: sortedHosts.map(host => hostId(view.name, host.name)),
  });
  for (const host of sortedHosts) {
    const id = hostId(view.name, host.name);
    const here = vms.filter(vm => vm.host === host.name).sort((a, b) => compareNames(a.name, b.name));
    const children = here.map(vm => vmId(view.name, vm.uuid));
    nodes.set(id, { kind: 'host', id, connection: view.name, host, row: hostRow(host, here), children });
    for (const vm of here) {
      const vmNode = vmId(view.name, vm.uuid);
      const row = vmRow(vm, view.phase === 'connected' ? view.capabilities : new Set());
      nodes.set(vmNode, { kind: 'vm', id: vmNode, connection: view.name, vm, row, children: [] });
    }
  }
  return nodes;
}

/** web2 before web10, as people count. */
function compareNames(a: string, b: string): number {
  return a.localeCompare(b, undefined, { numeric: true });
}

/**
 * Ids to redraw so that `before` becomes `after`: a node whose row or list of children changed; none below one that
 * is listed already for its children.
 */
export function changedNodes(before: InventoryTree, after: InventoryTree): string[] {
  const changed: string[] = [];
  const covered = new Set<string>();
  // Parents stand before their children in both maps.
  for (const [id, node] of after) {
    const old = before.get(id);
    if (covered.has(id)) {
      for (const child of node.children) covered.add(child);
      continue;
    }
    if (!old) continue; // its parent's list of children changed
    const children = node.children.join('\n') !== old.children.join('\n');
    if (children || JSON.stringify(node.row) !== JSON.stringify(old.row)) changed.push(id);
    if (children) for (const child of node.children) covered.add(child);
  }
  return changed;
}
