import { type Document, isMap, isScalar, isSeq, type Node, parseAllDocuments, type Range, type YAMLMap } from 'yaml';
import type { Diagnostic } from './diagnostic';
import { maxDepth, type Place, PlaceReader, Refused } from './yaml-places';

/**
 * A part of a document that means the same wherever it stands: a key at the margin with its value, the line of a key whose value is a list, or an
 * item of such a list. All offsets count from its start.
 */
export interface Piece {
  readonly kind: PieceKind;
  /** Name of the key; '' for an item. */
  readonly name: string;
  /** Where the key begins, or the dash. */
  readonly head: number;
  readonly keyEnd: number;
  /** undefined for the line of a key, whose value are the items that follow. */
  readonly place: Place | null | undefined;
  readonly errors: readonly SyntaxProblem[];
  readonly problems: readonly Diagnostic[];
  /** Where the list and the document end, when this is the last piece of them. */
  readonly listEnds: Ends | undefined;
  readonly documentEnds: Ends | undefined;
}

type PieceKind = 'key' | 'list' | 'item';
type Ends = { end: number; stop: number };

/** Something that YAML's own parser says. */
export interface SyntaxProblem {
  code: string;
  message: string;
  start: number;
  end: number;
}

/** Where a piece begins and ends in the text. */
interface Cut {
  kind: PieceKind;
  start: number;
  /** Where its key or dash begins: before the first key there may be comments. */
  head: number;
  end: number;
  /** Column of an item's dash. */
  indent: number;
}

export interface PlacedPiece {
  readonly piece: Piece;
  readonly start: number;
}

/** Pieces by their text and by what follows them. */
export type KnownPieces = ReadonlyMap<string, Piece>;

/** A document in pieces, and these for the next version of it. */
export interface Pieces {
  readonly placed: readonly PlacedPiece[];
  readonly known: KnownPieces;
}

/** So many are parsed at once: enough that a parser is not made anew all the time, few enough that its own tree stays small. */
const piecesAtOnce = 32;

export const parseOptions = {
  prettyErrors: false,
  uniqueKeys: false,
  logLevel: 'silent',
  version: '1.2',
  schema: 'core',
  strict: true,
} as const;

/**
 * Reads a document in pieces; those that are known are not parsed again. undefined: a part of it may mean something else by itself than in its place,
 * so it must be read as a whole.
 *
 * A text is cut by the look of its lines alone, and that may be wrong: within a quoted string, say. So what a cut has to mean is looked up
 * after parsing. Behind the last piece of those that are parsed together stands a mark of the kind that follows it: when this comes out as the next
 * key or item of the same map or list, the piece had ended before it, and whatever follows can't change it.
 */
export function readPieces(text: string, known: KnownPieces): Pieces | undefined {
  const cuts = cut(text);
  const [first] = cuts;
  // Directives hold for all that follows.
  if (!first || /^%/m.test(text.slice(0, first.end))) return undefined;
  const keys = cuts.map((_, at) => keyOf(text, cuts, at));
  const placed: PlacedPiece[] = [];
  const next = new Map<string, Piece>();
  const names = new Set<string>();
  for (let at = 0; at < cuts.length; ) {
    const same = next.get(keys[at]!) ?? known.get(keys[at]!);
    let found: readonly Piece[] | undefined = same && [same];
    if (!found) {
      let stop = at + 1;
      while (stop < cuts.length && stop - at < piecesAtOnce && !known.has(keys[stop]!)) stop++;
      found = parse(text, cuts, at, stop);
    }
    if (!found) return undefined;
    for (const piece of found) {
      if (piece.kind !== 'item') {
        if (names.has(piece.name) || piece.name === '__proto__') return undefined;
        names.add(piece.name);
      }
      placed.push({ piece, start: cuts[at]!.start });
      // Where an open quote ends, and so what this piece is, may change with any quote below it.
      if (!piece.errors.some(error => /^Missing closing/.test(error.message))) next.set(keys[at]!, piece);
      at++;
    }
  }
  return { placed, known: next };
}

/** A piece may mean something else when something else follows. Put together, the string is a copy: a slice would keep the whole text alive. */
function keyOf(text: string, cuts: readonly Cut[], at: number): string {
  const { kind, start, end } = cuts[at]!;
  const after = cuts[at + 1];
  return `${kind} before ${!after ? 'end' : after.kind === 'item' ? 'item' : 'key'}\n${text.slice(start, end)}`;
}

/** The pieces `from` to `to`, parsed together, or one by one when there is something wrong in them. */
function parse(text: string, cuts: readonly Cut[], from: number, to: number): readonly Piece[] | undefined {
  const together = parseRun(text, cuts, from, to);
  if (together || to - from === 1) return together;
  const pieces: Piece[] = [];
  for (let at = from; at < to; at++) {
    const [piece] = parseRun(text, cuts, at, at + 1) ?? [];
    if (!piece) return undefined;
    pieces.push(piece);
  }
  return pieces;
}

/** undefined: it does not come apart where it was cut. */
function parseRun(text: string, cuts: readonly Cut[], from: number, to: number): readonly Piece[] | undefined {
  const first = cuts[from]!;
  const after = cuts[to];
  const before = first.kind === 'item' ? '_:\n' : '';
  const body = before + text.slice(first.start, cuts[to - 1]!.end);
  const mark = after && markFor(after, text);
  const document = onlyDocument(body + (mark?.text ?? ''));
  const map = document?.contents;
  if (!document || !isMap(map) || !isBare(map)) return undefined;
  const shift = before.length - first.start;
  const pairs = map.items as unknown as YAMLMap.Parsed['items'];
  let pairCount = 0;
  let list: Node[] | undefined;
  let listRange: Range | undefined;
  let itemCount = 0;
  const pieces: Piece[] = [];
  for (let at = from; at < to; at++) {
    const { kind, start, head, end } = cuts[at]!;
    const reader = new PlaceReader(body, start + shift);
    const ends = ([, last, stop]: Range): Ends => ({ end: last - start - shift, stop: stop - start - shift });
    let name = '';
    let place: Place | null | undefined;
    let keyEnd = 0;
    if (kind !== 'item' || at === from) {
      const pair = pairs[pairCount++];
      if (!pair || (list && list.length !== itemCount)) return undefined;
      const { key, value } = pair;
      list = undefined;
      itemCount = 0;
      if (kind !== 'item') {
        if (!isScalar(key) || typeof key.value !== 'string' || !isBare(key) || key.range[0] !== head + shift)
          return undefined;
        name = key.value;
        keyEnd = key.range[1] - start - shift;
      }
      if (kind === 'key') place = readAlone(reader, value, 1);
      else {
        if (!isSeq(value) || !isBare(value)) return undefined;
        list = value.items as Node[];
        listRange = value.range as Range;
      }
      if (kind === 'key' && place === undefined) return undefined;
    }
    if (kind === 'item') {
      const item = list?.[itemCount++];
      if (!item?.range || item.range[0] <= head + shift || item.range[0] > end + shift) return undefined;
      place = readAlone(reader, item, 2);
      if (place === undefined) return undefined;
    }
    pieces.push({
      kind,
      name,
      head: head - start,
      keyEnd,
      place,
      errors: [],
      problems: reader.problems,
      listEnds: kind === 'item' && cuts[at + 1]?.kind !== 'item' ? ends(listRange!) : undefined,
      documentEnds: at === cuts.length - 1 ? ends(map.range as Range) : undefined,
    });
  }
  if (mark) {
    const pair = mark.isItem ? undefined : pairs[pairCount++];
    const found = mark.isItem ? list?.[itemCount++] : pair?.value;
    if (!isMap(found) || found.range?.[0] !== body.length + mark.start || JSON.stringify(found) !== mark.json)
      return undefined;
    if (pair && pair.key.range[0] !== body.length) return undefined;
  }
  if (pairs.length !== pairCount || (list && list.length !== itemCount)) return undefined;
  const [piece] = pieces;
  const base = first.start + shift;
  if (document.errors.length > 0) {
    // Which piece is to blame is known when there is one only: an error may be seen behind the end of what it is about.
    if (pieces.length > 1) return undefined;
    const errors = document.errors.map(({ code, message, pos }) => ({
      code,
      message,
      start: pos[0] - base,
      end: pos[1] - base,
    }));
    return [{ ...piece!, errors }];
  }
  return pieces;
}

interface Mark {
  text: string;
  isItem: boolean;
  /** Offset of its value, and what that reads as. */
  start: number;
  json: string;
}

/** An item or key that reads otherwise when brackets or quotes above it are still open. Where a quote ends that is open depends on all that follows. */
function markFor(after: Cut, text: string): Mark {
  const isItem = after.kind === 'item';
  const lead = isItem ? `${' '.repeat(after.indent)}- ` : '_:\n  ';
  const margin = isItem ? ' '.repeat(lead.length) : '  ';
  const quotes = ['"', "'"].filter(quote => text.includes(quote, after.start));
  const items = ['', ...quotes].map(quote => `\n${margin}- ${quote}d${quote}`);
  const json = `{"a":"b,]}c","c":[${items.map(() => '"d"').join(',')}]}`;
  return { text: `${lead}a: b,]}c\n${margin}c:${items.join('')}\n`, isItem, start: lead.length, json };
}

/** Where brackets or dashes on one line first nest deeper than can be composed without running out of stack. */
export function tooDeepAt(text: string): number | undefined {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5b || code === 0x7b) {
      if (++depth > maxDepth * 4) return i;
    } else if ((code === 0x5d || code === 0x7d) && depth > 0) depth--;
  }
  return undefined;
}

function onlyDocument(text: string): Document.Parsed | undefined {
  if (tooDeepAt(text) !== undefined) return undefined;
  try {
    const [document, second] = parseAllDocuments(text, parseOptions) as Document.Parsed[];
    return second ? undefined : document;
  } catch {
    return undefined;
  }
}

/** Written as a block or a plain scalar, with neither tag nor anchor. */
function isBare(node: { flow?: boolean; tag?: string; anchor?: string }): boolean {
  return !node.flow && node.anchor === undefined;
}

/** undefined: it can't be read by itself. */
function readAlone(reader: PlaceReader, node: Node | null, depth: number): Place | null | undefined {
  try {
    const place = reader.read(node, depth);
    return reader.hasAnchors ? undefined : place;
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

/** Cuts at keys at the margin, and at the items of a list whose key stands alone on its line. */
function cut(text: string): Cut[] {
  const cuts: Cut[] = [];
  /** `open`: the key of a list may have been on a line above, and nothing but comments since. */
  let list: 'no' | 'open' | 'yes' = 'no';
  let indent = 0;
  for (let line = 0; line < text.length; ) {
    const lineBreak = text.indexOf('\n', line);
    const next = lineBreak < 0 ? text.length : lineBreak + 1;
    let at = line;
    while (text.charCodeAt(at) === 0x20) at++;
    const char = text.charCodeAt(at);
    if (at === line && isWordStart(char) && !isBlank(text.charCodeAt(at + 1))) {
      loneKey.lastIndex = line;
      list = loneKey.test(text) ? 'open' : 'no';
      cuts.push({ kind: 'key', start: cuts.length === 0 ? 0 : line, head: line, end: text.length, indent: 0 });
      if (cuts.length > 1) cuts.at(-2)!.end = line;
    } else if (list === 'no' || at >= next - 1 || char === 0x23 || char === 0x0d) {
      // Inside a value, empty, or a comment.
    } else if (char === 0x2d && isBlank(text.charCodeAt(at + 1)) && (list === 'open' || at - line === indent)) {
      const above = cuts.at(-1)!;
      above.end = line;
      if (list === 'open') above.kind = 'list';
      list = 'yes';
      indent = at - line;
      cuts.push({ kind: 'item', start: line, head: at, end: text.length, indent });
    } else if (list === 'open') list = 'no';
    line = next;
  }
  return cuts;
}

const loneKey = /[\w-]+:[ \t]*(?:#.*)?\r?$/my;

function isWordStart(char: number): boolean {
  return (char >= 0x61 && char <= 0x7a) || (char >= 0x41 && char <= 0x5a) || char === 0x5f;
}

/** A space, a line break, or the end. YAML's lexer takes a dash, and a single character, otherwise before one of these. */
function isBlank(char: number): boolean {
  return char === 0x20 || char === 0x0a || char === 0x0d || Number.isNaN(char);
}
