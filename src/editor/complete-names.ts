import { CompletionItemKind } from 'vscode-languageserver-types';
import type { KnownNames } from '../runbook/check-context';
import type { Json } from '../runbook/json';
import type { EditorConfig } from './config';
import type { Proposal } from './proposal';

/** What a value of an input's type names. */
export function nameKind(type: Json | undefined): { kind: string; selectors: boolean } | undefined {
  if (type === 'host' || type === 'vm') return { kind: type, selectors: false };
  if (type === 'hosts' || type === 'vms') return { kind: type.slice(0, -1), selectors: true };
  return undefined;
}

/** Names of the inventory; with `selectors`, groups and tags as well. */
export function nameItems(
  kind: string | undefined,
  selectors: boolean,
  { inventory, liveState }: EditorConfig,
): Proposal[] {
  if (!kind || !inventory) return [];
  const single = kind === 'vms' ? 'vm' : kind;
  const names = namesOf(single, inventory);
  const items: Proposal[] = [...names].sort().map(name => {
    const state = single === 'vm' || single === 'host' ? liveState?.(single, name) : undefined;
    return { label: name, kind: CompletionItemKind.Value, detail: state ?? single };
  });
  if (!selectors) return items;
  for (const group of inventory.groups ?? [])
    items.push({ label: `group:${group}`, kind: CompletionItemKind.Reference, detail: 'group' });
  for (const tag of (single === 'host' ? inventory.hostTags : inventory.vmTags) ?? []) {
    items.push({ label: `tag:${tag}`, kind: CompletionItemKind.Reference, detail: 'tag' });
  }
  return items;
}

function namesOf(kind: string, inventory: KnownNames): Iterable<string> {
  switch (kind) {
    case 'vm':
      // `vms` has uuids as well.
      return inventory.someVms ?? inventory.vms ?? [];
    case 'host':
      return inventory.hosts ?? inventory.someHosts ?? [];
    case 'proxy':
      return inventory.proxies ?? [];
    case 'datastore':
      return inventory.datastores ?? [];
    default:
      return [];
  }
}
