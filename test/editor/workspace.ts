import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Location, Range } from 'vscode-languageserver-types';
import { actions } from '../../src/actions/catalogue';
import type { EditorConfig } from '../../src/editor/config';
import { documentKind } from '../../src/editor/document-kind';
import type { WorkspaceFiles } from '../../src/editor/workspace-files';
import { parseRunbook } from '../../src/runbook/parse';

export const config: EditorConfig = { actions };

export interface Sample {
  document: TextDocument;
  offset: number;
  files: WorkspaceFiles;
  /** By name; undefined where there is none. */
  named(name: string): TextDocument | undefined;
}

/** Files of one folder by their names. In one of them `|` marks the cursor; a block scalar's own `|` is written `¦`. */
export function workspace(samples: Record<string, string>, folder = 'file:///w'): Sample {
  const documents = new Map<string, TextDocument>();
  let found: { document: TextDocument; offset: number } | undefined;
  for (const [name, sample] of Object.entries(samples)) {
    const offset = sample.indexOf('|');
    const text = (offset < 0 ? sample : sample.slice(0, offset) + sample.slice(offset + 1)).replaceAll('¦', '|');
    const document = TextDocument.create(`${folder}/${name}`, '', 1, text);
    documents.set(document.uri, document);
    if (offset >= 0) found = { document, offset };
  }
  if (!found) throw new Error('No cursor: put a `|` into one of the samples.');
  const resolve = (from: string, path: string) => new URL(path, from).href;
  const all = [...documents.values()];
  const files: WorkspaceFiles = {
    runbooks: all.filter(document => documentKind(document) === 'runbook'),
    inventories: all.filter(document => documentKind(document) === 'inventory'),
    resolve,
    inventoryOf: uri => {
      const { inventory } = parseRunbook(documents.get(uri)?.getText() ?? '').draft;
      return inventory === undefined ? undefined : resolve(uri, inventory);
    },
  };
  return { ...found, files, named: name => documents.get(`${folder}/${name}`) };
}

/** Lines of a document with `«»` around the ranges; the other lines are left out. */
export function marked(document: TextDocument, ranges: readonly Range[]): string[] {
  let text = document.getText();
  const lines = new Set<number>();
  for (const range of [...ranges].sort(
    (left, right) => document.offsetAt(right.start) - document.offsetAt(left.start),
  )) {
    const [start, end] = [document.offsetAt(range.start), document.offsetAt(range.end)];
    text = `${text.slice(0, start)}«${text.slice(start, end)}»${text.slice(end)}`;
    lines.add(range.start.line);
  }
  const all = text.split(/\r?\n/);
  return [...lines].sort((left, right) => left - right).map(line => all[line]!.trim());
}

/** `name: line with «it»`, in the order of the files; addresses outside of them as they are. */
export function shown({ files }: Sample, locations: readonly Location[]): string[] {
  const documents = [...files.runbooks, ...files.inventories];
  const inside = documents.flatMap(document => {
    const ranges = locations.filter(({ uri }) => uri === document.uri).map(({ range }) => range);
    const name = document.uri.split('/').at(-1);
    return marked(document, ranges).map(line => `${name}: ${line}`);
  });
  const outside = locations.filter(({ uri }) => !documents.some(document => document.uri === uri));
  return [...inside, ...outside.map(({ uri }) => uri)];
}
