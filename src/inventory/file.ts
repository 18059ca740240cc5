import publishedSchema from '../../schemas/inventory.schema.json';
import type { Diagnostic } from '../runbook/diagnostic';
import { nearest } from '../runbook/did-you-mean';
import type { Json } from '../runbook/json';
import { diagnostic } from '../runbook/rules';
import type { RunbookSchema } from '../runbook/schema';
import { structureDiagnostics } from '../runbook/structure';
import { suppress } from '../runbook/suppress';
import { escapePointer, YamlSource } from '../runbook/yaml-source';
import { validateInventory } from './generated/validate-inventory';
import type { Inventory } from './model';
import { readInventory } from './read-inventory';

/** The schema that `validateInventory` was made from. */
export const inventoryFileSchema = publishedSchema as unknown as RunbookSchema;

export interface ParsedInventory {
  /** Only when nothing in `diagnostics` is an error. */
  inventory?: Inventory;
  /** What could be understood, however broken the rest is. */
  draft: Inventory;
  data: Json | undefined;
  /** Everything that can be said of the file, with what it suppresses left out. */
  diagnostics: Diagnostic[];
  source: YamlSource;
}

/** Reads an inventory. Never throws, whatever the text. */
export function parseInventory(text: string): ParsedInventory {
  const source = new YamlSource(text);
  const found = [...source.diagnostics];
  const draft = readInventory(source.data);
  if (source.data === undefined) {
    if (found.length === 0) {
      found.push(
        diagnostic(
          'empty-file',
          { start: 0, end: text.length },
          'There is no inventory here yet. Start with `version: 1` and `connections:`.',
        ),
      );
    }
  } else if (found.every(item => item.code !== 'yaml-syntax')) {
    const errors = validateInventory(source.data);
    if (errors) found.push(...structureDiagnostics(errors, inventoryFileSchema, source));
    found.push(...groupDiagnostics(draft, source));
  }
  const broken = found.some(item => item.severity === 'error');
  const diagnostics = suppress(text, found);
  return { ...(broken ? {} : { inventory: draft }), draft, data: source.data, diagnostics, source };
}

/** Hosts in groups must be connections, when every connection shows just the host it is named after. */
function groupDiagnostics(inventory: Inventory, source: YamlSource): Diagnostic[] {
  const connections = Object.entries(inventory.connections);
  if (connections.length === 0 || connections.some(([, connection]) => connection.type !== 'libvirt')) return [];
  const hosts = connections.map(([name]) => name);
  return Object.entries(inventory.groups).flatMap(([group, { hosts: members }]) =>
    (members ?? []).flatMap((host, index) => {
      if (hosts.includes(host)) return [];
      const suggestions = nearest(host, hosts);
      const hint = suggestions.length > 0 ? ` Did you mean \`${suggestions[0]}\`?` : ' Add it under `connections`.';
      const range = source.valueRange(`/groups/${escapePointer(group)}/hosts/${index}`) ?? { start: 0, end: 0 };
      return [diagnostic('unknown-host', range, `There is no connection \`${host}\`.${hint}`, suggestions)];
    }),
  );
}
