import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { ParsedInventory } from '../inventory/file';
import type { ParsedRunbook } from '../runbook/parse';
import type { EditorConfig } from './config';
import { documentKind } from './document-kind';
import type { Name } from './name';
import { InventoryNames } from './names-in-inventory';
import { RunbookNames } from './names-in-runbook';
import { inventoryOf, runbookOf } from './parse-cache';

/** Every name of a document, in the order of the text. */
export class NamesInDocument {
  readonly #starts: number[];
  readonly #byTarget = new Map<string, Name[]>();

  constructor(readonly all: readonly Name[]) {
    this.#starts = all.map(name => name.range.start);
    for (const name of all) {
      const known = this.#byTarget.get(name.target);
      if (known) known.push(name);
      else this.#byTarget.set(name.target, [name]);
    }
  }

  /** The name at an offset; right behind it counts, where nothing else begins. */
  at(offset: number): Name | undefined {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    const found = this.all[low - 1];
    return found && offset <= found.range.end ? found : undefined;
  }

  of(target: string): readonly Name[] {
    return this.#byTarget.get(target) ?? [];
  }
}

interface Index {
  actions: EditorConfig['actions'];
  /** Called runbooks that were looked into, by path. */
  called: ReadonlyMap<string, ParsedRunbook | null | undefined>;
  names: NamesInDocument;
}

/** One index per parsed text, as long as that lives. */
const known = new WeakMap<object, Index>();

const none = new NamesInDocument([]);

/** The names of a runbook or inventory. Never throws, whatever the text. */
export function namesInDocument(document: TextDocument, { actions, runbooks, cache }: EditorConfig): NamesInDocument {
  const kind = documentKind(document);
  if (!kind) return none;
  const parsed = kind === 'runbook' ? runbookOf(document, cache) : inventoryOf(document, cache);
  const before = known.get(parsed);
  if (before && before.actions === actions && [...before.called].every(([path, one]) => runbooks?.(path) === one))
    return before.names;
  const called = new Map<string, ParsedRunbook | null | undefined>();
  const look = (path: string) => {
    if (!called.has(path)) called.set(path, runbooks?.(path));
    return called.get(path);
  };
  const found =
    kind === 'runbook'
      ? new RunbookNames(parsed as ParsedRunbook, { actions, runbooks: look }).collect()
      : new InventoryNames(parsed as ParsedInventory).collect();
  found.sort((left, right) => left.range.start - right.range.start || left.range.end - right.range.end);
  // What an alias repeats stands in the text once.
  const names = new NamesInDocument(found.filter(({ range }, index) => range.start !== found[index - 1]?.range.start));
  known.set(parsed, { actions, called, names });
  return names;
}
