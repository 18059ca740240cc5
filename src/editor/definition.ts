import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Location } from 'vscode-languageserver-types';
import type { EditorConfig } from './config';
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
  // Hosts and VMs need not be listed themselves: then a group or connection that has them says most.
  return isInventoryName(name)
    ? all.filter(place => places.inventories.some(({ uri }) => uri === place.document.uri)).map(toLocation)
    : [];
}

export function toLocation({ document, name }: Place): Location {
  return { uri: document.uri, range: toRange(document, name.range) };
}
