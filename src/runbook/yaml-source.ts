import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type ParsedNode,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Diagnostic, SourceRange } from './diagnostic';
import type { Json, JsonObject } from './json';
import { diagnostic, type RuleCode } from './rules';
import { ScalarOffsets } from './scalar-offsets';

/** More than this is refused unread: nobody writes a runbook of 4 million characters by hand. */
const maxLength = 4_000_000;
/** Values that aliases may add to those that are written; a bomb is far above it. */
const maxAliased = 50_000;
const maxDepth = 100;

/** A YAML text as plain data, with the way back from a JSON pointer to the place in the text, and from an offset to the pointer. */
export class YamlSource {
  /** undefined: the document is empty or could not be read at all. What could be read of a broken document is here. */
  readonly data: Json | undefined;
  readonly diagnostics: Diagnostic[] = [];
  readonly #root: Node | null = null;
  readonly #document: Document.Parsed | undefined;
  readonly #anchors = new Map<string, Node>();
  #values = 0;

  constructor(readonly text: string) {
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
      documents = [
        ...parseAllDocuments(text, {
          prettyErrors: false,
          uniqueKeys: false,
          logLevel: 'silent',
          version: '1.2',
          schema: 'core',
          strict: true,
        }),
      ] as Document.Parsed[];
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
    this.#document = first;
    let lastLine: number | undefined;
    for (const error of first.errors) {
      const [start, end] = error.pos;
      // What follows on the same line is mostly a consequence.
      const line = start === 0 ? -1 : text.lastIndexOf('\n', start - 1);
      if (line === lastLine) continue;
      lastLine = line;
      this.#report('yaml-syntax', this.#visible(start, end), syntaxSentence(error.code, error.message, text, start));
    }
    // A closing `---` or `...` with nothing after it is no second document.
    if (second?.contents && documents.length > 1) {
      const start = second.range[0];
      this.#report(
        'multi-document',
        { start, end: lineEnd(text, start) },
        'A file holds one document. Move what follows into a file of its own.',
      );
    }
    this.#root = first.contents;
    if (this.#root && !(isScalar(this.#root) && this.#root.value === null)) {
      try {
        this.data = this.#read(this.#root, 0, new Set());
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        this.#report(error.code, error.range, error.message);
      }
    }
  }

  /** Where the value at a JSON pointer stands. An empty value (`key:`) gives its key, an empty item its dash. */
  valueRange(pointer: string): SourceRange | undefined {
    const found = this.#find(pointer);
    if (!found) return undefined;
    const { node, key } = found;
    if (node && !(isScalar(node) && node.value === null && isEmptyRange(node))) return nodeRange(node, this.text);
    if (key) return nodeRange(key, this.text);
    // An empty item of a list: its dash.
    const dash = node?.range ? this.text.lastIndexOf('-', node.range[0]) : -1;
    return dash < 0 ? undefined : { start: dash, end: dash + 1 };
  }

  /** Where the key of a JSON pointer stands; undefined for items of a list. */
  keyRange(pointer: string): SourceRange | undefined {
    const key = this.#find(pointer)?.key;
    return key ? nodeRange(key, this.text) : undefined;
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
    const node = this.#find(pointer)?.node;
    if (!node || !isScalar(node) || typeof node.value !== 'string' || !node.range) return undefined;
    return new ScalarOffsets(this.text, node.value, node.type, node.range[0], node.range[1]);
  }

  /** The innermost value or key that holds this offset. */
  at(offset: number): { pointer: string; on: 'key' | 'value' } | undefined {
    let node: Node | null = this.#root;
    let pointer = '';
    if (!node) return undefined;
    for (;;) {
      if (isMap(node)) {
        const pair = lastStartingBefore((node as YAMLMap.Parsed).items, offset);
        if (!pair || !isScalar(pair.key)) return { pointer, on: 'value' };
        const child = `${pointer}/${escapePointer(String(pair.key.value))}`;
        if (offset <= (pair.key.range?.[1] ?? 0)) return { pointer: child, on: 'key' };
        const value: Node | null = pair.value;
        if (!value?.range || offset < value.range[0] || offset > value.range[2]) return { pointer: child, on: 'value' };
        pointer = child;
        node = value;
      } else if (isSeq(node)) {
        const items: ParsedNode[] = (node as YAMLSeq.Parsed).items as ParsedNode[];
        const index = lastIndexStartingBefore(items, offset);
        const item = items[index];
        if (!item?.range || offset > item.range[2]) return { pointer, on: 'value' };
        pointer = `${pointer}/${index}`;
        node = item;
      } else return { pointer, on: 'value' };
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

  #read(node: Node | null, depth: number, open: Set<Node>): Json {
    if (++this.#values > maxAliased + this.text.length) {
      throw new Refused(
        'alias-bomb',
        this.#rangeOf(node),
        `Aliases make this more than ${this.#values - 1} values. Write out what is meant, or use fewer aliases.`,
      );
    }
    if (depth > maxDepth)
      throw new Refused('too-deep', this.#rangeOf(node), `This is nested more than ${maxDepth} deep. Flatten it.`);
    if (node === null) return null;
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (!target) {
        this.#report(
          'yaml-syntax',
          this.#rangeOf(node),
          `There is no anchor \`&${node.source}\` above. Correct the name, or write the value out.`,
        );
        return null;
      }
      if (open.has(target))
        throw new Refused(
          'alias-bomb',
          this.#rangeOf(node),
          `\`*${node.source}\` stands inside what it names, so it has no end. Remove it.`,
        );
      return this.#read(target, depth + 1, open);
    }
    if ('anchor' in node && node.anchor) this.#anchors.set(node.anchor, node);
    if (isScalar(node)) return this.#readScalar(node);
    open.add(node);
    const value = isMap(node)
      ? this.#readMap(node as YAMLMap.Parsed, depth, open)
      : isSeq(node)
        ? this.#readList(node as YAMLSeq.Parsed, depth, open)
        : null;
    open.delete(node);
    return value;
  }

  #readScalar(node: Scalar): Json {
    const { value } = node;
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number') {
      if (Number.isFinite(value)) return value;
      this.#report(
        'not-json',
        this.#rangeOf(node),
        `\`${node.source ?? value}\` is no number that can be computed with. Write a finite number.`,
      );
      return null;
    }
    return typeof value === 'bigint' ? value.toString() : null;
  }

  #readList(node: YAMLSeq.Parsed, depth: number, open: Set<Node>): Json[] {
    const list: Json[] = [];
    for (const item of node.items) {
      // `[a: 1]` is a map with one key.
      if (isPair(item)) list.push(null);
      else list.push(this.#read(item, depth + 1, open));
    }
    return list;
  }

  #readMap(node: YAMLMap.Parsed, depth: number, open: Set<Node>): JsonObject {
    const map: JsonObject = {};
    const seen = new Map<string, Node>();
    for (const pair of node.items) {
      const { key, value } = pair;
      if (isScalar(key) && key.anchor) this.#anchors.set(key.anchor, key);
      if (!isScalar(key) || typeof key.value !== 'string') {
        if (isScalar(key) && key.value === null && value === null) continue; // half-typed; the composer has said so
        const written = isScalar(key) ? (key.source ?? '') : '';
        this.#report(
          'key-not-string',
          this.#rangeOf(key ?? node),
          written ? `A key must be a string; quote it: "${written}".` : 'A key must be a plain string.',
        );
        continue;
      }
      const name = key.value;
      if (name === '<<') {
        this.#report(
          'merge-key',
          this.#rangeOf(key),
          'YAML 1.2 has no merge keys (`<<`). Write the keys out, or use an alias for a whole value.',
        );
        // Taken as it was meant, so that nothing else is said to be missing.
        const merged = this.#read(value, depth + 1, open);
        if (merged !== null && typeof merged === 'object' && !Array.isArray(merged))
          Object.assign(map, { ...merged, ...map });
        continue;
      }
      const first = seen.get(name);
      if (first) {
        this.diagnostics.push({
          ...diagnostic(
            'duplicate-key',
            this.#rangeOf(key),
            `\`${name}\` stands twice in this map. Remove one of them.`,
          ),
          related: [{ range: this.#rangeOf(first), message: 'The first one is here.' }],
        });
        continue;
      }
      seen.set(name, key);
      const read = this.#read(value, depth + 1, open);
      // A plain assignment to __proto__ would change the object instead of adding a key.
      if (name === '__proto__')
        Object.defineProperty(map, name, { value: read, enumerable: true, configurable: true, writable: true });
      else map[name] = read;
    }
    return map;
  }

  #rangeOf(node: Node | null): SourceRange {
    return (node && nodeRange(node, this.text)) ?? { start: 0, end: 0 };
  }

  #find(pointer: string): { node: Node | null; key?: Scalar } | undefined {
    let node: Node | null = this.#root;
    let key: Scalar | undefined;
    if (!node || !this.#document) return undefined;
    if (pointer === '') return { node };
    for (const part of pointer.slice(1).split('/')) {
      const name = unescapePointer(part);
      key = undefined;
      for (let hops = 0; node && isAlias(node) && hops < maxDepth; hops++)
        node = this.#anchors.get(node.source) ?? null;
      if (isMap(node)) {
        const pair: { key: unknown; value: unknown } | undefined = node.items.find(
          item => isScalar(item.key) && String(item.key.value) === name,
        );
        if (!pair) return undefined;
        key = pair.key as Scalar;
        node = pair.value as Node | null;
      } else if (isSeq(node)) {
        const item: unknown = node.items[Number(name)];
        if (item === undefined) return undefined;
        node = item as Node | null;
      } else return undefined;
    }
    return { node, key };
  }
}

class Refused extends Error {
  constructor(
    readonly code: RuleCode,
    readonly range: SourceRange,
    message: string,
  ) {
    super(message);
  }
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

function nodeRange(node: Node, text: string): SourceRange {
  const [start, end] = node.range ?? [0, 0, 0];
  // A block scalar's or map's range may take in the line break and the comments behind it.
  let last = end;
  while (last > start && (text[last - 1] === '\n' || text[last - 1] === '\r' || text[last - 1] === ' ')) last--;
  return { start, end: last };
}

function isEmptyRange(node: Node): boolean {
  return !node.range || node.range[0] === node.range[1];
}

function lastStartingBefore(
  items: YAMLMap.Parsed['items'],
  offset: number,
): YAMLMap.Parsed['items'][number] | undefined {
  return items[lastIndexStartingBefore(items.map(pair => pair.key) as ParsedNode[], offset)];
}

function lastIndexStartingBefore(items: (ParsedNode | null)[], offset: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle]?.range?.[0] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Where brackets or dashes on one line first nest deeper than can be composed without running out of stack. */
function tooDeepAt(text: string): number | undefined {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5b || code === 0x7b) {
      if (++depth > maxDepth * 4) return i;
    } else if ((code === 0x5d || code === 0x7d) && depth > 0) depth--;
  }
  return undefined;
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
