import { parse } from 'yaml';
import type { Inventory } from './model';

/** Texts for people and words of the language: a VM that happens to be called so is not told by them. */
const notNames: ReadonlySet<string> = new Set([
  ...['version', 'id', 'uses', 'name', 'description', 'type', 'prompt', 'env', 'message', 'inventory'],
  ...['timeout', 'retry', 'wait', 'window', 'limits', 'pointOfNoReturn'],
]);

/** Names of hosts, VMs and whatever else stands in an inventory. */
export function namesWrittenInInventory(inventory: Inventory): Set<string> {
  const names = new Set<string>([
    ...Object.keys(inventory.connections),
    ...Object.keys(inventory.proxies),
    ...Object.keys(inventory.vms),
  ]);
  for (const one of Object.values(inventory.connections)) {
    if (one.type === 'simulated') for (const host of one.hosts ?? []) names.add(host);
  }
  for (const { hosts = [], vms = [] } of Object.values(inventory.groups)) {
    for (const name of [...hosts, ...vms]) names.add(name);
  }
  return names;
}

/**
 * All values in a runbook that may be names, each whole, and word by word: of lists like `web1,web2`, and of expressions. None, when it is
 * no YAML: then its names are not known to be there.
 */
export function namesWrittenInRunbook(text: string): Set<string> {
  const names = new Set<string>();
  let data: unknown;
  try {
    data = parse(text, { logLevel: 'error', maxAliasCount: 100 });
  } catch {
    return names;
  }
  collect(data, names, false);
  return names;
}

function collect(value: unknown, names: Set<string>, isInput: boolean): void {
  if (typeof value === 'string') {
    names.add(value);
    for (const word of value.split(/[\s,;|&(){}[\]'"`$=!<>?]+/)) if (word !== '') names.add(word);
  } else if (Array.isArray(value)) {
    for (const one of value) collect(one, names, isInput);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, one] of Object.entries(value)) {
      // `with: { name: before }` is the name of a snapshot.
      if (isInput || !notNames.has(key)) collect(one, names, isInput || key === 'with' || key === 'default');
    }
  }
}
