import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type DocumentSymbol, SymbolKind, type WorkspaceSymbol } from 'vscode-languageserver-types';
import type { EditorConfig } from './config';
import { documentKind, fileName } from './document-kind';
import { runbookOf } from './parse-cache';
import { symbols } from './symbols';
import type { WorkspaceFiles } from './workspace-files';

/** Nobody scrolls through more; who types another letter gets the rest. */
const most = 500;

/** Runbooks, steps and inputs, and what stands in inventories, whose names hold the letters of `query` in this order. */
export function workspaceSymbols(query: string, files: WorkspaceFiles, config: EditorConfig): WorkspaceSymbol[] {
  const found: WorkspaceSymbol[] = [];
  const wanted = query.toLowerCase();
  const add = (document: TextDocument, symbol: DocumentSymbol, container: string) => {
    if (found.length < most && holds(symbol.name.toLowerCase(), wanted)) {
      const { name, kind, selectionRange: range } = symbol;
      found.push({ name, kind, containerName: container, location: { uri: document.uri, range } });
    }
    for (const inner of symbol.children ?? []) add(document, inner, container);
  };
  for (const document of [...files.runbooks, ...files.inventories]) {
    if (found.length >= most) break;
    const file = fileName(document);
    if (documentKind(document) === 'runbook') {
      const start = { line: 0, character: 0 };
      const range = { start, end: start };
      const { name } = runbookOf(document, config.cache).draft;
      if (name !== '') add(document, { name, kind: SymbolKind.File, range, selectionRange: range }, file);
    }
    // The sections themselves are the same in every file.
    for (const section of symbols(document, config.cache))
      for (const inner of section.children ?? []) add(document, inner, file);
  }
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
