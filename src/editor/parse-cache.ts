import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type ParsedInventory, parseInventory } from '../inventory/file';
import { type ParsedRunbook, parseRunbook } from '../runbook/parse';

/** Parsed documents by address and version; the least recently used go first. */
export class ParseCache {
  readonly #runbooks = new Map<string, { version: number; parsed: ParsedRunbook }>();
  readonly #inventories = new Map<string, { version: number; parsed: ParsedInventory }>();

  constructor(readonly capacity = 16) {}

  runbook(document: TextDocument): ParsedRunbook {
    return this.#get(this.#runbooks, document, parseRunbook);
  }

  inventory(document: TextDocument): ParsedInventory {
    return this.#get(this.#inventories, document, parseInventory);
  }

  /** Call when a document is closed. */
  forget(uri: string): void {
    this.#runbooks.delete(uri);
    this.#inventories.delete(uri);
  }

  /** An earlier version saves the parser what has not changed since. */
  #get<T>(
    map: Map<string, { version: number; parsed: T }>,
    document: TextDocument,
    parse: (text: string, previous?: T) => T,
  ): T {
    const known = map.get(document.uri);
    map.delete(document.uri);
    const entry =
      known?.version === document.version
        ? known
        : { version: document.version, parsed: parse(document.getText(), known?.parsed) };
    map.set(document.uri, entry);
    if (map.size > this.capacity) map.delete(map.keys().next().value!);
    return entry.parsed;
  }
}

export function runbookOf(document: TextDocument, cache?: ParseCache): ParsedRunbook {
  return cache ? cache.runbook(document) : parseRunbook(document.getText());
}

export function inventoryOf(document: TextDocument, cache?: ParseCache): ParsedInventory {
  return cache ? cache.inventory(document) : parseInventory(document.getText());
}
