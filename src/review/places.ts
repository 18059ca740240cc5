import { TextDocument } from 'vscode-languageserver-textdocument';
import type { CalledRunbooks } from '../runbook/calls';
import type { SourceRange } from '../runbook/diagnostic';
import type { YamlSource } from '../runbook/yaml-source';
import type { PlaceOf } from './contract';
import type { Place } from './model';
import { addressOf, pathFrom } from './repository-path';

/** A file as places are told of it. */
export class PlacedText {
  readonly #lines: TextDocument;

  constructor(
    readonly path: string,
    readonly source: YamlSource,
  ) {
    this.#lines = TextDocument.create(addressOf(path), '', 0, source.text);
  }

  /** The lines that a range touches. */
  linesOf({ start, end }: SourceRange): Place {
    const line = this.#lines.positionAt(start).line + 1;
    // The end is not part of it: a step that ends with its line does not touch the next.
    return {
      path: this.path,
      line,
      endLine: Math.max(line, this.#lines.positionAt(Math.max(start, end - 1)).line + 1),
    };
  }

  /** Of what stands at a JSON pointer, with its key; of what is not written in the file, that which it would stand in. */
  at(pointer: string): Place {
    for (let asked = pointer; asked !== ''; asked = asked.slice(0, asked.lastIndexOf('/'))) {
      const range = this.source.wholeRange(asked);
      if (range) return this.linesOf(range);
    }
    return { path: this.path, line: 1, endLine: 1 };
  }
}

/** Where steps and fields of a runbook stand, of those that it calls too. */
export function placesOf(text: PlacedText, called: CalledRunbooks): PlaceOf {
  const others = new Map<string, PlacedText | undefined>();
  return pointer => {
    if (pointer === '' || pointer.startsWith('/')) return text.at(pointer);
    const at = pointer.indexOf('#');
    if (at < 0) return undefined;
    const relative = pointer.slice(0, at);
    if (!others.has(relative)) {
      const path = pathFrom(text.path, relative);
      const source = called(relative)?.source;
      others.set(relative, path !== undefined && source ? new PlacedText(path, source) : undefined);
    }
    return others.get(relative)?.at(pointer.slice(at + 1));
  };
}
