import type { Json } from '../runbook/json';
import { asObject } from '../runbook/read-runbook';
import type { ConnectionDefinition, Inventory, ProxyDefinition, VmDefinition } from './model';

/** Data of an inventory as an Inventory. Never fails: what does not fit is left out. */
export function readInventory(data: Json | undefined): Inventory {
  const root = asObject(data);
  return {
    version: 1,
    connections: mapValues(root.connections, readConnection),
    groups: mapValues(root.groups, value => {
      const group = asObject(value);
      return { ...optional('hosts', strings(group.hosts)), ...optional('vms', strings(group.vms)) };
    }),
    proxies: mapValues(root.proxies, readProxy),
    vms: mapValues(root.vms, readVm),
  };
}

function readConnection(value: Json): ConnectionDefinition | undefined {
  const { type, uri, lab, hosts, sshConfig, locks, tags } = asObject(value);
  const common = optional('tags', strings(tags));
  if (type === 'libvirt' && typeof uri === 'string')
    return { type, uri, ...optional('sshConfig', text(sshConfig)), ...optional('locks', text(locks)), ...common };
  if (type === 'simulated' && typeof lab === 'string')
    return { type, lab, ...optional('hosts', strings(hosts)), ...common };
  return undefined;
}

function readProxy(value: Json): ProxyDefinition | undefined {
  const { ssh, sshConfig, directory, transport } = asObject(value);
  if (typeof ssh !== 'string' || typeof directory !== 'string') return undefined;
  const way: ProxyDefinition['transport'] = transport === 'tcp' || transport === 'relay' ? transport : undefined;
  return { ssh, directory, ...optional('sshConfig', text(sshConfig)), ...optional('transport', way) };
}

function readVm(value: Json): VmDefinition {
  const { owner, tags, ssh, sshConfig, address } = asObject(value);
  return {
    ...optional('owner', text(owner)),
    ...optional('tags', strings(tags)),
    ...optional('ssh', text(ssh)),
    ...optional('sshConfig', text(sshConfig)),
    ...optional('address', text(address)),
  };
}

function mapValues<T>(value: Json | undefined, read: (value: Json) => T | undefined): Record<string, T> {
  return Object.fromEntries(
    Object.entries(asObject(value)).flatMap(([name, item]) => {
      const made = read(item);
      return made === undefined ? [] : [[name, made]];
    }),
  );
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}

function strings(value: Json | undefined): string[] | undefined {
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : undefined;
}

function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
