import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type DocumentSymbol, type Range, SymbolKind, type WorkspaceSymbol } from 'vscode-languageserver-types';
import type { EditorConfig } from './config';
import { documentKind, fileName } from './document-kind';
import { ParseCache, runbookOf } from './parse-cache';
import { symbols } from './symbols';
import type { WorkspaceFiles } from './workspace-files';

/** Nobody scrolls through more; who types another letter gets the rest. */
const most = 500;

interface Found {
  name: string;
  kind: SymbolKind;
  range: Range;
}

/** Of each file that has not changed since: a query is typed letter by letter. */
const known = new WeakMap<TextDocument, { version: number; symbols: readonly Found[] }>();

/** Runbooks, steps and inputs, and what stands in inventories, whose names hold the letters of `query` in this order. */
export function workspaceSymbols(query: string, files: WorkspaceFiles, config: EditorConfig): WorkspaceSymbol[] {
  const found: WorkspaceSymbol[] = [];
  const wanted = query.toLowerCase();
  for (const document of [...files.runbooks, ...files.inventories]) {
    const containerName = fileName(document);
    for (const { name, kind, range } of symbolsOf(document, config)) {
      if (found.length >= most) return found;
      if (holds(name.toLowerCase(), wanted))
        found.push({ name, kind, containerName, location: { uri: document.uri, range } });
    }
  }
  return found;
}

function symbolsOf(document: TextDocument, config: EditorConfig): readonly Found[] {
  const before = known.get(document);
  if (before?.version === document.version) return before.symbols;
  const cache = config.cache ?? new ParseCache(1);
  const found: Found[] = [];
  const start = { line: 0, character: 0 };
  const name = documentKind(document) === 'runbook' ? runbookOf(document, cache).draft.name : '';
  if (name !== '') found.push({ name, kind: SymbolKind.File, range: { start, end: start } });
  const add = (symbol: DocumentSymbol): void => {
    found.push({ name: symbol.name, kind: symbol.kind, range: symbol.selectionRange });
    for (const inner of symbol.children ?? []) add(inner);
  };
  // The sections themselves are the same in every file.
  for (const section of symbols(document, cache)) for (const inner of section.children ?? []) add(inner);
  known.set(document, { version: document.version, symbols: found });
  return found;
}

/** Whether all letters of `wanted` come in `name`, in their order. */
function holds(name: string, wanted: string): boolean {
  let at = 0;
  for (const letter of wanted) {
    at = name.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
