import { type Document, isScalar, parseAllDocuments } from 'yaml';
import type { Diagnostic, SourceRange } from './diagnostic';
import type { Json, JsonObject } from './json';
import { diagnostic, type RuleCode } from './rules';
import { ScalarOffsets } from './scalar-offsets';
import {
  type KnownPieces,
  type PlacedPiece,
  parseOptions,
  readPieces,
  type SyntaxProblem,
  tooDeepAt,
} from './yaml-pieces';
import {
  maxDepth,
  type PairPlace,
  type Place,
  PlaceReader,
  pairNamed,
  Refused,
  shifted,
  visibleRange,
} from './yaml-places';

/** More than this is refused unread: nobody writes a runbook of 4 million characters by hand. */
const maxLength = 4_000_000;

/** A value with what its offsets count from, and where its key stands in the text. */
interface Located {
  place: Place | null;
  base: number;
  key?: SourceRange;
}

/** A key at the margin of a document that was read in pieces. */
interface Section extends Located {
  name: string;
  key: SourceRange;
  /** Of a list, each in a piece of its own. */
  items?: PlacedPiece[];
}

/** A YAML text as plain data, with the way back from a JSON pointer to the place in the text, and from an offset to the pointer. */
export class YamlSource {
  /** undefined: the document is empty or could not be read at all. What could be read of a broken document is here. */
  readonly data: Json | undefined;
  readonly diagnostics: Diagnostic[] = [];
  /** What need not be parsed again in the next version of this text. */
  readonly known: KnownPieces;
  #root: Place | null = null;
  /** The keys of the root in their order, when the document was read in pieces. */
  readonly #sections = new Map<string, Section>();

  /**
   * `previous`: an earlier version of the same text. What has not changed since is not parsed again, and gives the very same data. `inPieces`:
   * whether that is tried at all; the result is the same.
   */
  constructor(
    readonly text: string,
    previous?: YamlSource,
    inPieces = true,
  ) {
    this.known = previous?.known ?? new Map();
    if (text.length > maxLength) {
      this.#report(
        'file-too-large',
        { start: 0, end: 0 },
        `The file has ${text.length} characters; at most ${maxLength} are read. Split it.`,
      );
      return;
    }
    const nul = text.indexOf('\0');
    if (nul >= 0) {
      this.#report(
        'not-text',
        { start: nul, end: nul + 1 },
        'There is a NUL byte here: this is not a text file, or it is saved as UTF-16. Save it as UTF-8.',
      );
      return;
    }
    const pieces = inPieces ? readPieces(text, this.known) : undefined;
    if (pieces) {
      this.known = pieces.known;
      this.#syntax(
        pieces.placed.flatMap(({ piece, start }) =>
          piece.errors.map(error => ({ ...error, ...shifted(error, start) })),
        ),
      );
      this.data = this.#join(pieces.placed);
      return;
    }
    const deep = tooDeepAt(text);
    if (deep !== undefined) {
      this.#report(
        'too-deep',
        { start: deep, end: deep + 1 },
        `Brackets are nested more than ${maxDepth} deep here. Flatten it.`,
      );
      return;
    }
    let documents: Document.Parsed[];
    try {
      documents = [...parseAllDocuments(text, parseOptions)] as Document.Parsed[];
    } catch (error) {
      this.#report(
        'yaml-syntax',
        { start: 0, end: 0 },
        `This can't be read as YAML: ${error instanceof Error ? error.message : String(error)}`,
      );
      return;
    }
    const [first, second] = documents;
    if (!first) return;
    this.#syntax(first.errors.map(({ code, message, pos }) => ({ code, message, start: pos[0], end: pos[1] })));
    // A closing `---` or `...` with nothing after it is no second document.
    if (second?.contents && documents.length > 1) {
      const start = second.range[0];
      this.#report(
        'multi-document',
        { start, end: lineEnd(text, start) },
        'A file holds one document. Move what follows into a file of its own.',
      );
    }
    const reader = new PlaceReader(text);
    try {
      this.#root = reader.read(first.contents, 0);
      if (this.#root && !(isScalar(first.contents) && first.contents.value === null)) this.data = this.#root.value;
      this.diagnostics.push(...reader.problems);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.diagnostics.push(...reader.problems);
      this.#report(error.code, error.range, error.message);
    }
  }

  /** Where the value at a JSON pointer stands. An empty value (`key:`) gives its key, an empty item its dash. */
  valueRange(pointer: string): SourceRange | undefined {
    const found = this.#find(pointer);
    if (!found) return undefined;
    const { place, base, key } = found;
    if (place && !(place.value === null && place.style && place.start === place.end))
      return visibleRange(this.text, place.start + base, place.end + base);
    if (key) return key;
    // An empty item of a list: its dash.
    const dash = place ? this.text.lastIndexOf('-', place.start + base) : -1;
    return dash < 0 ? undefined : { start: dash, end: dash + 1 };
  }

  /** Where the key of a JSON pointer stands; undefined for items of a list. */
  keyRange(pointer: string): SourceRange | undefined {
    return this.#find(pointer)?.key;
  }

  /** The key where there is one, else the start of the value: what a squiggle about the whole value underlines. */
  headRange(pointer: string): SourceRange | undefined {
    const key = this.keyRange(pointer);
    if (key) return key;
    const value = this.valueRange(pointer);
    return value && { start: value.start, end: Math.min(value.end, lineEnd(this.text, value.start)) };
  }

  /** The part of the text from the first key to the end of the value, e.g. a whole step. */
  wholeRange(pointer: string): SourceRange | undefined {
    const key = this.keyRange(pointer);
    const value = this.valueRange(pointer);
    return key && value ? { start: key.start, end: Math.max(key.end, value.end) } : (value ?? key);
  }

  /** The way from places in a string's value to places in the text; undefined when there is no string at this pointer. */
  scalar(pointer: string): ScalarOffsets | undefined {
    const found = this.#find(pointer);
    if (!found?.place?.style || typeof found.place.value !== 'string') return undefined;
    const { place, base } = found;
    return new ScalarOffsets(this.text, found.place.value, place.style, place.start + base, place.end + base);
  }

  /** The innermost value or key that holds this offset. */
  at(offset: number): { pointer: string; on: 'key' | 'value' } | undefined {
    let place = this.#root;
    let pointer = '';
    let base = 0;
    if (this.#sections.size > 0) {
      const sections = [...this.#sections.values()];
      const section = sections[lastBefore(sections, offset, one => one.key.start)];
      if (!section) return { pointer, on: 'value' };
      pointer = `/${escapePointer(section.name)}`;
      if (offset <= section.key.end) return { pointer, on: 'key' };
      ({ place, base } = section);
      if (!holds(place, offset - base)) return { pointer, on: 'value' };
      if (section.items) {
        const { items } = section;
        const index = lastBefore(items, offset, one => (one.piece.place?.start ?? 0) + one.start);
        const item = items[index];
        if (!item?.piece.place || offset > item.piece.place.stop + item.start) return { pointer, on: 'value' };
        pointer = `${pointer}/${index}`;
        place = item.piece.place;
        base = item.start;
      }
    }
    while (place) {
      const { pairs, items }: Place = place;
      if (pairs) {
        const pair: PairPlace | undefined = pairs[lastBefore(pairs, offset - base, one => one.keyStart)];
        if (pair?.name === undefined) return { pointer, on: 'value' };
        pointer = `${pointer}/${escapePointer(pair.name)}`;
        if (offset - base <= pair.keyEnd) return { pointer, on: 'key' };
        if (!holds(pair.value, offset - base)) return { pointer, on: 'value' };
        place = pair.value;
      } else if (items) {
        const index: number = lastBefore(items, offset - base, one => one?.start ?? 0);
        const item: Place | null | undefined = items[index];
        if (!item || offset - base > item.stop) return { pointer, on: 'value' };
        pointer = `${pointer}/${index}`;
        place = item;
      } else return { pointer, on: 'value' };
    }
    return undefined;
  }

  /** Puts together what the pieces hold. */
  #join(placed: readonly PlacedPiece[]): JsonObject {
    const data: JsonObject = {};
    let section: Section | undefined;
    let values: Json[] = [];
    for (const one of placed) {
      const { piece, start } = one;
      for (const problem of piece.problems) this.diagnostics.push(moved(problem, start));
      const { listEnds, documentEnds } = piece;
      if (piece.kind === 'item') {
        values.push(piece.place?.value ?? null);
        const items = section?.items;
        items?.push(one);
        if (section && items?.[0] && listEnds) {
          const begin = items[0].start + items[0].piece.head;
          section.place = { start: begin, end: listEnds.end + start, stop: listEnds.stop + start, value: values };
          section.base = 0;
        }
      } else {
        const key = shifted({ start: piece.head, end: piece.keyEnd }, start);
        section = { name: piece.name, key, base: start, place: piece.place ?? null };
        if (piece.kind === 'list') {
          values = [];
          section.items = [];
        }
        data[piece.name] = piece.kind === 'list' ? values : (piece.place?.value ?? null);
        this.#sections.set(piece.name, section);
      }
      if (documentEnds)
        this.#root = {
          start: placed[0]!.piece.head,
          end: documentEnds.end + start,
          stop: documentEnds.stop + start,
          value: data,
        };
    }
    return data;
  }

  #syntax(problems: readonly SyntaxProblem[]): void {
    const { text } = this;
    let lastLine: number | undefined;
    for (const { code, message, start, end } of problems) {
      // What follows on the same line is mostly a consequence.
      const line = start === 0 ? -1 : text.lastIndexOf('\n', start - 1);
      if (line === lastLine) continue;
      lastLine = line;
      this.#report('yaml-syntax', this.#visible(start, end), syntaxSentence(code, message, text, start));
    }
  }

  #report(code: RuleCode, range: SourceRange, message: string): void {
    this.diagnostics.push(diagnostic(code, range, message));
  }

  /** Errors at the end of the text or over a line break would show nothing: widen or cut to something that can be seen. */
  #visible(start: number, end: number): SourceRange {
    const length = this.text.length;
    const from = Math.max(0, Math.min(start, length - 1));
    const to = Math.max(Math.min(end, lineEnd(this.text, from)), Math.min(from + 1, length));
    return { start: from, end: Math.min(to, length) };
  }

  #find(pointer: string): Located | undefined {
    let found: Located = { place: this.#root, base: 0 };
    if (!found.place || pointer === '') return found.place ? found : undefined;
    const parts = pointer.slice(1).split('/').map(unescapePointer);
    let at = 0;
    if (this.#sections.size > 0) {
      const section = this.#sections.get(parts[at++]!);
      if (!section) return undefined;
      found = section;
      if (section.items && at < parts.length) {
        const item = section.items[Number(parts[at++])];
        if (!item) return undefined;
        found = { place: item.piece.place ?? null, base: item.start };
      }
    }
    let { place, key } = found;
    const { base } = found;
    for (; at < parts.length; at++) {
      const name = parts[at]!;
      key = undefined;
      if (place?.target) place = place.target;
      if (place?.pairs) {
        const pair: PairPlace | undefined = pairNamed(place.pairs, name);
        if (!pair) return undefined;
        key = visibleRange(this.text, pair.keyStart + base, pair.keyEnd + base);
        place = pair.value;
      } else if (place?.items) {
        const item: Place | null | undefined = place.items[Number(name)];
        if (item === undefined) return undefined;
        place = item;
      } else return undefined;
    }
    return { place, base, ...(key && { key }) };
  }
}

function holds(place: Place | null, offset: number): place is Place {
  return place !== null && offset >= place.start && offset <= place.stop;
}

function moved(problem: Diagnostic, by: number): Diagnostic {
  const related = problem.related?.map(one => ({ ...one, range: shifted(one.range, by) }));
  return { ...problem, range: shifted(problem.range, by), ...(related && { related }) };
}

export function escapePointer(key: string): string {
  return key.includes('~') || key.includes('/') ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key;
}

export function unescapePointer(part: string): string {
  return part.includes('~') ? part.replaceAll('~1', '/').replaceAll('~0', '~') : part;
}

function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  if (end < 0) return text.length;
  return end > offset && text[end - 1] === '\r' ? end - 1 : end;
}

/** Index of the last one that begins at an offset or before; -1: none does. */
function lastBefore<T>(items: readonly T[], offset: number, start: (item: T) => number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (start(items[middle]!) <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function syntaxSentence(code: string, message: string, text: string, start: number): string {
  if (code === 'TAB_AS_INDENT' || (text[start] === '\t' && /tab/i.test(message)))
    return 'A tab indents here. YAML indents with spaces: replace the tab.';
  const plain = message.replace(/\s+at line \d+, column \d+:?[\s\S]*$/, '');
  const bracket = /^Flow (?:map|sequence).*end with a ([}\]])/.exec(plain)?.[1];
  if (bracket) return `The closing \`${bracket}\` is missing.`;
  if (/^Missing closing ["']quote/.test(plain)) return 'The closing quote is missing.';
  switch (code) {
    case 'BAD_INDENT':
      return `The indentation does not fit what is above it (${plain}). Line it up with its siblings.`;
    case 'MISSING_CHAR':
      return `Something is missing here: ${plain}.`;
    case 'BAD_ALIAS':
      return `${plain}. Name an anchor (\`&name\`) that stands above.`;
    case 'UNEXPECTED_TOKEN':
      return `This is not expected here (${plain}). Check the indentation and the quotes.`;
    case 'MULTILINE_IMPLICIT_KEY':
      return `A key must stand on one line; a colon, a quote or the indentation may be missing (${plain}).`;
    default:
      return `${plain.endsWith('.') ? plain.slice(0, -1) : plain}.`;
  }
}
