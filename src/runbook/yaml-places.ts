import {
  type Alias,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Diagnostic, SourceRange } from './diagnostic';
import type { Json, JsonObject } from './json';
import { diagnostic, type RuleCode } from './rules';

/** Values that aliases may add to those that are written; a bomb is far above it. */
const maxAliased = 50_000;
export const maxDepth = 100;

/**
 * A value and where it stands: what is kept of YAML's own tree, which is many times as large. Offsets count from the start of the piece of
 * text that the value was read in.
 */
export interface Place {
  readonly start: number;
  /** Of a block, the line break behind it is included. */
  readonly end: number;
  /** With the comments behind it. */
  readonly stop: number;
  readonly value: Json;
  /** How a scalar is written, as YAML's library calls it. */
  readonly style?: string | undefined;
  readonly pairs?: readonly PairPlace[] | undefined;
  readonly items?: readonly (Place | null)[] | undefined;
  /** What an alias stands for. */
  readonly target?: Place | undefined;
}

export interface PairPlace {
  /** undefined: a map or list is the key. */
  readonly name: string | undefined;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly value: Place | null;
}

/** Of large maps: looking through all pairs for each of their keys would take the square of their number. */
const pairsByName = new WeakMap<readonly PairPlace[], ReadonlyMap<string | undefined, PairPlace>>();
const largeMap = 32;

/** Of several with one name, the first. */
export function pairNamed(pairs: readonly PairPlace[], name: string): PairPlace | undefined {
  if (pairs.length < largeMap) return pairs.find(pair => pair.name === name);
  let known = pairsByName.get(pairs);
  if (!known) {
    known = new Map(pairs.map(pair => [pair.name, pair] as const).reverse());
    pairsByName.set(pairs, known);
  }
  return known.get(name);
}

/** A document that is not read at all: a bomb. */
export class Refused extends Error {
  constructor(
    readonly code: RuleCode,
    readonly range: SourceRange,
    message: string,
  ) {
    super(message);
  }
}

/** Makes plain data with places of YAML's nodes. */
export class PlaceReader {
  readonly problems: Diagnostic[] = [];
  readonly anchors = new Map<string, Node>();
  /** Whether there is an alias or an anchor: then a part of the text means nothing by itself. */
  hasAnchors = false;
  readonly #open = new Set<Node>();
  #values = 0;

  /** `base` is taken off all offsets. */
  constructor(
    readonly text: string,
    public base = 0,
  ) {}

  /** Throws `Refused`. */
  read(node: Node | null, depth: number): Place | null {
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
    if (isAlias(node)) return this.#alias(node, depth);
    if ('anchor' in node && node.anchor) {
      this.hasAnchors = true;
      this.anchors.set(node.anchor, node);
    }
    if (isScalar(node)) return place(node, this.base, this.#scalar(node), node.type);
    this.#open.add(node);
    const block = isMap(node)
      ? this.#map(node as YAMLMap.Parsed, depth)
      : isSeq(node)
        ? this.#list(node as YAMLSeq.Parsed, depth)
        : null;
    this.#open.delete(node);
    return block;
  }

  #alias(node: Alias, depth: number): Place {
    this.hasAnchors = true;
    const target = this.anchors.get(node.source);
    if (!target) {
      this.#report(
        'yaml-syntax',
        this.#rangeOf(node),
        `There is no anchor \`&${node.source}\` above. Correct the name, or write the value out.`,
      );
      return place(node, this.base, null);
    }
    if (this.#open.has(target))
      throw new Refused(
        'alias-bomb',
        this.#rangeOf(node),
        `\`*${node.source}\` stands inside what it names, so it has no end. Remove it.`,
      );
    // Read once more, so that it is counted as often as it is meant.
    const meant = this.read(target, depth + 1);
    return place(node, this.base, meant?.value ?? null, undefined, undefined, undefined, meant ?? undefined);
  }

  #scalar(node: Scalar): Json {
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

  #list(node: YAMLSeq.Parsed, depth: number): Place {
    const value: Json[] = [];
    const items: (Place | null)[] = [];
    for (const item of node.items) {
      // `[a: 1]` is a map with one key.
      const found = isPair(item) ? null : this.read(item, depth + 1);
      items.push(found);
      value.push(found?.value ?? null);
    }
    return place(node, this.base, value, undefined, undefined, items);
  }

  #map(node: YAMLMap.Parsed, depth: number): Place {
    const map: JsonObject = {};
    const pairs: PairPlace[] = [];
    const seen = new Map<string, Node>();
    for (const { key, value } of node.items) {
      if (isScalar(key) && key.anchor) {
        this.hasAnchors = true;
        this.anchors.set(key.anchor, key);
      }
      const range = key?.range;
      const pair = {
        name: isScalar(key) ? String(key.value) : undefined,
        keyStart: range ? range[0] - this.base : 0,
        keyEnd: range ? range[1] - this.base : 0,
        value: null as Place | null,
      };
      pairs.push(pair);
      if (!isScalar(key) || typeof key.value !== 'string') {
        pair.value = this.#unheard(value, depth);
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
        pair.value = this.read(value, depth + 1);
        const merged = pair.value?.value;
        if (merged !== null && typeof merged === 'object' && !Array.isArray(merged))
          Object.assign(map, { ...merged, ...map });
        continue;
      }
      const first = seen.get(name);
      if (first) {
        pair.value = this.#unheard(value, depth);
        this.problems.push({
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
      pair.value = this.read(value, depth + 1);
      put(map, name, pair.value?.value ?? null);
    }
    return place(node, this.base, map, undefined, pairs);
  }

  /** What is not taken is only kept to be found by its place. */
  #unheard(node: Node | null, depth: number): Place | null {
    const before = this.problems.length;
    const found = this.read(node, depth + 1);
    this.problems.length = before;
    return found;
  }

  #report(code: RuleCode, range: SourceRange, message: string): void {
    this.problems.push(diagnostic(code, range, message));
  }

  #rangeOf(node: Node | null): SourceRange {
    const [start, end] = node?.range ?? [this.base, this.base];
    return shifted(visibleRange(this.text, start, end), -this.base);
  }
}

/** All places have the same shape: there are tens of thousands of them. */
function place(
  { range }: Node,
  base: number,
  value: Json,
  style?: string,
  pairs?: readonly PairPlace[],
  items?: readonly (Place | null)[],
  target?: Place,
): Place {
  return {
    start: range ? range[0] - base : 0,
    end: range ? range[1] - base : 0,
    stop: range ? range[2] - base : 0,
    value,
    style,
    pairs,
    items,
    target,
  };
}

/** A plain assignment to __proto__ would change the object instead of adding a key. */
export function put(map: JsonObject, name: string, value: Json): void {
  if (name === '__proto__')
    Object.defineProperty(map, name, { value, enumerable: true, configurable: true, writable: true });
  else map[name] = value;
}

/** A block scalar's or map's range may take in the line break and the comments behind it. */
export function visibleRange(text: string, start: number, end: number): SourceRange {
  let last = end;
  while (last > start && (text[last - 1] === '\n' || text[last - 1] === '\r' || text[last - 1] === ' ')) last--;
  return { start, end: last };
}

export function shifted(range: SourceRange, by: number): SourceRange {
  return { start: range.start + by, end: range.end + by };
}
