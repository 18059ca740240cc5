import type { KnownNames } from '../runbook/check-context';
import type { Inventory } from './model';

/** What is known beyond the file: from a simulated lab's file, or from live connections. */
export interface SeenNames {
  /** Hosts a connection shows; a connection that is not listed has not been looked at. */
  hosts?: Record<string, readonly string[]>;
  /** All VMs of the inventory; leave out unless every connection has been asked. */
  vms?: readonly string[];
  /** Of these VMs: may be written in place of a name, and is not what anybody would be offered. */
  uuids?: readonly string[];
  datastores?: readonly string[];
  /** Names and uuids of the VMs that a connection shows. */
  vmsOn?: Record<string, readonly string[]>;
  /** By connection. */
  capabilities?: Record<string, ReadonlySet<string>>;
}

/**
 * Names that an inventory has, for checks and completion. Hosts are complete when every connection is libvirt (one connection is one
 * host, by the connection's name) or has been looked at; VMs only when `seen.vms` lists them.
 */
export function knownNames(inventory: Inventory, seen: SeenNames = {}): KnownNames {
  const names: { -readonly [K in keyof KnownNames]: KnownNames[K] } = {};
  const hosts = new Set<string>();
  const connectionOf = new Map<string, string>();
  let complete = true;
  for (const [name, connection] of Object.entries(inventory.connections)) {
    const shown = seen.hosts?.[name] ?? (connection.type === 'libvirt' ? [] : undefined);
    if (!shown) complete = false;
    for (const host of connection.type === 'libvirt' ? [name, ...(shown ?? [])] : (shown ?? [])) {
      hosts.add(host);
      connectionOf.set(host, name);
    }
  }
  if (complete) names.hosts = hosts;
  names.someHosts = hosts;
  if (seen.vms) names.vms = new Set([...seen.vms, ...(seen.uuids ?? []), ...Object.keys(inventory.vms)]);
  names.someVms = new Set([...Object.keys(inventory.vms), ...(seen.vms ?? [])]);
  if (seen.datastores) names.datastores = new Set(seen.datastores);
  names.proxies = new Set(Object.keys(inventory.proxies));
  names.groups = new Set(Object.keys(inventory.groups));
  names.hostTags = new Set(Object.values(inventory.connections).flatMap(connection => connection.tags ?? []));
  names.vmTags = new Set(Object.values(inventory.vms).flatMap(vm => vm.tags ?? []));
  const vmsOf = new Map<string, readonly string[]>();
  const groupsOf = new Map<string, string[]>();
  for (const [group, { vms = [] }] of Object.entries(inventory.groups)) {
    vmsOf.set(`group:${group}`, vms);
    for (const vm of vms) groupsOf.set(vm, [...(groupsOf.get(vm) ?? []), group]);
  }
  for (const [vm, { tags = [] }] of Object.entries(inventory.vms))
    for (const tag of tags) vmsOf.set(`tag:${tag}`, [...(vmsOf.get(`tag:${tag}`) ?? []), vm]);
  names.vmsOf = selector => vmsOf.get(selector);
  names.tagsOfVm = vm => (Object.hasOwn(inventory.vms, vm) ? (inventory.vms[vm]?.tags ?? []) : []);
  names.groupsOfVm = vm => groupsOf.get(vm) ?? [];
  names.capabilitiesOfHost = host => seen.capabilities?.[connectionOf.get(host) ?? ''];
  names.capabilitiesOfVm = capabilitiesOfVm(Object.keys(inventory.connections), seen);
  return names;
}

/** Those of the connection that shows the VM; of one that none shows, what any of them can do, once all have been looked at. */
function capabilitiesOfVm(
  connections: readonly string[],
  { vmsOn = {}, capabilities = {} }: SeenNames,
): NonNullable<KnownNames['capabilitiesOfVm']> {
  const connectionOf = new Map<string, string>();
  for (const [connection, vms] of Object.entries(vmsOn)) for (const vm of vms) connectionOf.set(vm, connection);
  const known = connections.flatMap(name => capabilities[name] ?? []);
  const ofAny =
    known.length > 0 && known.length === connections.length ? new Set(known.flatMap(set => [...set])) : undefined;
  return vm => {
    const connection = connectionOf.get(vm);
    return connection === undefined ? ofAny : (capabilities[connection] ?? ofAny);
  };
}
