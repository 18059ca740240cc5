import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type InlayHint, InlayHintKind, type Range } from 'vscode-languageserver-types';
import type { Inventory } from '../inventory/model';
import type { Json } from '../runbook/json';
import { escapePointer } from '../runbook/yaml-source';
import type { EditorConfig } from './config';
import { documentKind } from './document-kind';
import { kindOfInput } from './names-in-document';
import { runbookOf } from './parse-cache';

/** How many hosts or VMs a selection comes to. Nothing is said where it is not known. */
export function inlayHints(document: TextDocument, range: Range, config: EditorConfig): InlayHint[] {
  if (documentKind(document) !== 'runbook' || !config.inventoryFile) return [];
  const { draft, source } = runbookOf(document, config.cache);
  const [from, to] = [document.offsetAt(range.start), document.offsetAt(range.end)];
  return Object.entries(draft.inputs).flatMap(([name, input]) => {
    const kind = kindOfInput(input);
    const place = source.valueRange(`/inputs/${escapePointer(name)}/default`);
    if (!kind?.selectors || input.default === undefined || !place || place.end < from || place.end > to) return [];
    const found = selected(input.default, kind.kind, config.inventoryFile!);
    if (!found) return [];
    const text = `${found.size} ${kind.kind === 'vm' ? 'VM' : 'host'}${found.size === 1 ? '' : 's'}`;
    return [
      { position: document.positionAt(place.end), label: text, kind: InlayHintKind.Parameter, paddingLeft: true },
    ];
  });
}

function selected(value: Json, kind: 'vm' | 'host', inventory: Inventory): Set<string> | undefined {
  const found = new Set<string>();
  for (const item of Array.isArray(value) ? value : [value]) {
    const group = typeof item === 'string' ? /^group:(.*)$/.exec(item)?.[1] : undefined;
    if (group === undefined || !Object.hasOwn(inventory.groups, group)) return undefined;
    for (const name of inventory.groups[group]?.[kind === 'vm' ? 'vms' : 'hosts'] ?? []) found.add(name);
  }
  return found;
}
