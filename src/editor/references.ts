import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Location } from 'vscode-languageserver-types';
import type { EditorConfig } from './config';
import { toLocation } from './definition';
import { Places } from './places';
import type { WorkspaceFiles } from './workspace-files';

/** Every place that names what stands at this offset, in all files that belong together. */
export function references(
  document: TextDocument,
  offset: number,
  config: EditorConfig,
  files: WorkspaceFiles,
  options: { includeDeclaration: boolean },
): Location[] {
  const places = new Places(document, config, files);
  const name = places.at(offset);
  if (!name) return [];
  return places
    .of(name)
    .filter(place => options.includeDeclaration || place.name.role === 'use')
    .map(toLocation);
}
