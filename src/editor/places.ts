import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { ParsedInventory } from '../inventory/file';
import { callsOf } from '../runbook/calls';
import type { ParsedRunbook } from '../runbook/parse';
import type { EditorConfig } from './config';
import { documentKind } from './document-kind';
import { type InventoryKind, inventoryKinds, type Name } from './name';
import { type NamesInDocument, namesInDocument } from './names-in-document';
import { ParseCache } from './parse-cache';
import type { WorkspaceFiles } from './workspace-files';

/** A name in one of several documents. */
export interface Place {
  document: TextDocument;
  name: Name;
}

/** The documents that belong together around one document, and where one thing is named in them. */
export class Places {
  readonly config: EditorConfig;
  readonly #owners = new Map<string, string | undefined>();
  /** Of the other documents: there may be more of them than the editor keeps. */
  readonly #parsed: ParseCache;
  readonly #calledOf = new Map<string, EditorConfig['runbooks']>();

  constructor(
    readonly document: TextDocument,
    config: EditorConfig,
    readonly files: WorkspaceFiles,
  ) {
    this.#parsed = new ParseCache(files.runbooks.length + files.inventories.length + 1);
    this.config = { ...config, cache: config.cache ?? this.#parsed };
  }

  /** The document itself as it is given, which may be newer than what `files` has of it. */
  get runbooks(): TextDocument[] {
    return this.#with(this.files.runbooks, 'runbook');
  }

  get inventories(): TextDocument[] {
    return this.#with(this.files.inventories, 'inventory');
  }

  at(offset: number): Name | undefined {
    return this.names(this.document).at(offset);
  }

  /** Every place of what this name of the document means, in this file and in others. */
  of(name: Name): Place[] {
    const { document } = this;
    if (isInventoryName(name)) return this.#ofInventory(name);
    if (name.kind === 'runbook' || name.kind === 'inventory') return this.#ofFile(name);
    if ((name.kind === 'input' || name.kind === 'output') && name.action === undefined) return this.#acrossCalls(name);
    return this.names(document)
      .of(name.target)
      .map(found => ({ document, name: found }));
  }

  runbook(document: TextDocument): ParsedRunbook {
    return this.#cacheFor(document).runbook(document);
  }

  inventory(document: TextDocument): ParsedInventory {
    return this.#cacheFor(document).inventory(document);
  }

  /** Names of one of the documents. */
  names(document: TextDocument): NamesInDocument {
    // What the document itself calls is given, mostly; what others call is among the files.
    const given = document === this.document ? this.config.runbooks : undefined;
    const runbooks = given ?? this.#called(document);
    return namesInDocument(document, { ...this.config, runbooks, cache: this.#cacheFor(document) });
  }

  /** Address of a file that a document names. */
  resolve(from: TextDocument, path: string): string | undefined {
    const uri = this.files.resolve(from.uri, path);
    if (uri === undefined || from !== this.document || this.#isListed) return uri;
    // An older version in a diff, or the like: what it names is looked for among the files that there are, by path.
    const all = [...this.files.runbooks, ...this.files.inventories];
    const wanted = pathOf(uri);
    return (
      (all.find(document => document.uri === uri) ?? all.find(document => pathOf(document.uri) === wanted))?.uri ?? uri
    );
  }

  get #isListed(): boolean {
    return [...this.files.runbooks, ...this.files.inventories].some(({ uri }) => uri === this.document.uri);
  }

  /** Address of the inventory that a runbook's names are looked up in: its own, else that of a runbook that calls it. */
  inventoryOf(runbook: TextDocument): string | undefined {
    const { uri } = runbook;
    if (!this.#owners.has(uri)) {
      // Two that call each other have none.
      this.#owners.set(uri, undefined);
      this.#owners.set(uri, this.files.inventoryOf(uri) ?? this.#ownInventory(runbook) ?? this.#inventoryOfCaller(uri));
    }
    return this.#owners.get(uri);
  }

  #ownInventory(runbook: TextDocument): string | undefined {
    const { inventory } = this.runbook(runbook).draft;
    return inventory === undefined ? undefined : this.resolve(runbook, inventory);
  }

  #inventoryOfCaller(uri: string): string | undefined {
    for (const caller of this.#callersOf(uri)) {
      const found = this.inventoryOf(caller);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #callersOf(uri: string): TextDocument[] {
    const path = decoded(uri.slice(uri.lastIndexOf('/') + 1));
    return this.runbooks.filter(
      other =>
        other.getText().includes(path) &&
        callsOf(this.runbook(other).draft).some(step => this.resolve(other, step.uses) === uri),
    );
  }

  #ofInventory(name: Name): Place[] {
    const isRunbook = documentKind(this.document) === 'runbook';
    const inventory = isRunbook ? this.inventoryOf(this.document) : this.document.uri;
    const documents =
      inventory === undefined
        ? [this.document]
        : [
            ...this.inventories.filter(({ uri }) => uri === inventory),
            ...this.runbooks.filter(runbook => mayHold(runbook, name.name) && this.inventoryOf(runbook) === inventory),
          ];
    return documents.flatMap(document =>
      this.names(document)
        .of(name.target)
        .map(found => ({ document, name: found })),
    );
  }

  #ofFile(name: Name): Place[] {
    const uri = name.file === undefined ? undefined : this.resolve(this.document, name.file);
    if (uri === undefined) return [{ document: this.document, name }];
    return this.runbooks.flatMap(document =>
      this.names(document)
        .all.filter(
          found => found.kind === name.kind && found.file !== undefined && this.resolve(document, found.file) === uri,
        )
        .map(found => ({ document, name: found })),
    );
  }

  /** An input or output of a runbook: in itself, and in those that call it. */
  #acrossCalls(name: Name): Place[] {
    const owner = name.file === undefined ? this.document.uri : this.resolve(this.document, name.file);
    return this.runbooks.flatMap(document => {
      if (document.uri !== this.document.uri && !mayHold(document, name.name)) return [];
      return this.names(document)
        .all.filter(found => {
          if (found.kind !== name.kind || found.name !== name.name || found.action !== undefined) return false;
          return found.file === undefined ? document.uri === owner : this.resolve(document, found.file) === owner;
        })
        .map(found => ({ document, name: found }));
    });
  }

  #cacheFor(document: TextDocument): ParseCache {
    return (document === this.document ? this.config.cache : undefined) ?? this.#parsed;
  }

  #called(from: TextDocument): EditorConfig['runbooks'] {
    let called = this.#calledOf.get(from.uri);
    if (!called) {
      const byUri = new Map(this.runbooks.map(document => [document.uri, document]));
      called = path => {
        const uri = this.resolve(from, path);
        const document = uri === undefined ? undefined : byUri.get(uri);
        return document && this.runbook(document);
      };
      this.#calledOf.set(from.uri, called);
    }
    return called;
  }

  #with(documents: readonly TextDocument[], kind: 'runbook' | 'inventory'): TextDocument[] {
    const { document } = this;
    if (documentKind(document) !== kind) return [...documents];
    return [document, ...documents.filter(({ uri }) => uri !== document.uri)];
  }
}

export function isInventoryName(name: Name): name is Name & { kind: InventoryKind } {
  return (inventoryKinds as readonly string[]).includes(name.kind);
}

/** Spares parsing files in which the name does not stand at all. */
function mayHold(document: TextDocument, name: string): boolean {
  return document.getText().includes(name);
}

/** `/w/a.runbook.yaml` of `git:/w/a.runbook.yaml?…`. */
function pathOf(uri: string): string {
  return decoded(uri.replace(/[?#].*$/, '').replace(/^[A-Za-z][\w+.-]*:(\/\/[^/]*)?/, ''));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
