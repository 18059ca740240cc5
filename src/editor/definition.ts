import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Location } from 'vscode-languageserver-types';
import type { EditorConfig } from './config';
import { inventoryTarget } from './name';
import { isInventoryName, type Place, Places } from './places';
import { toRange } from './validate';
import type { WorkspaceFiles } from './workspace-files';

/** Where what stands at this offset is defined. */
export function definition(
  document: TextDocument,
  offset: number,
  config: EditorConfig,
  files: WorkspaceFiles,
): Location[] {
  const places = new Places(document, config, files);
  const name = places.at(offset);
  if (!name) return [];
  if (name.kind === 'runbook' || name.kind === 'inventory') {
    const uri = name.file === undefined ? undefined : places.resolve(document, name.file);
    const start = { line: 0, character: 0 };
    return uri === undefined ? [] : [{ uri, range: { start, end: start } }];
  }
  const all = places.of(name);
  const defined = all.filter(place => place.name.role === 'definition');
  if (defined.length > 0) return defined.map(toLocation);
  if (!isInventoryName(name)) return [];
  // Hosts and VMs need not be listed: what shows a host says most, then the groups that have it.
  const showing = name.kind === 'host' ? connectionsOf(name.name, places) : [];
  if (showing.length > 0) return showing.map(toLocation);
  return all.filter(place => places.inventories.some(({ uri }) => uri === place.document.uri)).map(toLocation);
}

/** Connections that were seen to show a host. */
function connectionsOf(host: string, places: Places): Place[] {
  const { seenHosts = {} } = places.config;
  const inventory = places.inventories.find(({ uri }) => uri === places.inventoryOf(places.document));
  if (!inventory) return [];
  return Object.entries(seenHosts).flatMap(([connection, hosts]) =>
    hosts.includes(host)
      ? places
          .names(inventory)
          .of(inventoryTarget('connection', connection))
          .map(name => ({ document: inventory, name }))
      : [],
  );
}

export function toLocation({ document, name }: Place): Location {
  return { uri: document.uri, range: toRange(document, name.range) };
}
