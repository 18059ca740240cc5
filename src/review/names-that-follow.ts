import { expressionTokens } from '../editor/expression-tokens';
import { equal } from '../runbook/equal';
import { conditionSource } from '../runbook/expression';
import type { Json } from '../runbook/json';
import { templateParts } from '../runbook/template';

/** Names that are other ones at the head: by what they were at the base. */
export interface Renames {
  steps: ReadonlyMap<string, string>;
  inputs: ReadonlyMap<string, string>;
  /** Of the loops around a step. */
  variables: ReadonlyMap<string, string>;
}

export type NameUse = { kind: keyof Renames; name: string };

const none: Renames = { steps: new Map(), inputs: new Map(), variables: new Map() };

/**
 * Whether two values of a runbook mean the same: spaces and quotes inside of `${{ … }}` don't count, nor does it when only a name follows one that
 * was changed. `followed` is told what of the base is called otherwise at the head.
 */
export function sameMeaning(
  before: Json | undefined,
  after: Json | undefined,
  renames: Renames,
  followed?: (use: NameUse) => void,
): boolean {
  return same(before, after, renames, followed, canonicalValue);
}

/** The same of conditions, with or without `${{ }}`. */
export function sameCondition(
  before: string | undefined,
  after: string | undefined,
  renames: Renames,
  followed?: (use: NameUse) => void,
): boolean {
  const canonical: Canonical = (value, names, used) =>
    typeof value === 'string' ? canonicalExpression(conditionSource(value).source, names, used) : value;
  return same(before, after, renames, followed, canonical);
}

type Canonical = (value: Json | undefined, renames: Renames, used?: (use: NameUse) => void) => Json | undefined;

function same(
  before: Json | undefined,
  after: Json | undefined,
  renames: Renames,
  followed: ((use: NameUse) => void) | undefined,
  canonical: Canonical,
): boolean {
  const renamesAny = renames.steps.size + renames.inputs.size + renames.variables.size > 0;
  if (!renamesAny) return equal(before, after) || equal(canonical(before, none), canonical(after, none));
  const uses: NameUse[] = [];
  const then = canonical(before, renames, use => uses.push(use));
  if (!equal(then, canonical(after, none))) return false;
  // An old name that means something else now: the other way round it is seen.
  if (!equal(canonical(before, none), canonical(after, inverse(renames)))) return false;
  if (followed) for (const use of uses) if (renames[use.kind].has(use.name)) followed(use);
  return true;
}

/** Names of inputs, steps and loop variables that a value uses. */
export function usesIn(value: Json | undefined, used: (use: NameUse) => void): void {
  canonicalValue(value, none, used);
}

export function usesInCondition(condition: string, used: (use: NameUse) => void): void {
  canonicalExpression(conditionSource(condition).source, none, used);
}

function inverse({ steps, inputs, variables }: Renames): Renames {
  const turned = (names: ReadonlyMap<string, string>) => new Map([...names].map(([one, other]) => [other, one]));
  return { steps: turned(steps), inputs: turned(inputs), variables: turned(variables) };
}

const canonicalValue: Canonical = (value, renames, used) => {
  if (typeof value === 'string') {
    if (!value.includes('${{')) return value;
    return templateParts(value).map(part =>
      part.kind === 'text' ? part.value : { expression: canonicalExpression(part.source, renames, used) },
    );
  }
  if (Array.isArray(value)) return value.map(item => canonicalValue(item, renames, used)!);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, canonicalValue(item, renames, used)!]));
};

/** An expression without what means nothing, and with the names of the head. */
function canonicalExpression(source: string, renames: Renames, used?: (use: NameUse) => void): string {
  const pieces = piecesOf(source);
  const readsSteps = pieces.some(({ kind, text }) => kind === 'word' && text === 'steps');
  const renamed = (kind: keyof Renames, name: string): string => {
    used?.({ kind, name });
    return renames[kind].get(name) ?? name;
  };
  const out: string[] = [];
  for (let at = 0; at < pieces.length; at++) {
    const { kind, text } = pieces[at]!;
    if (kind === 'word' && (text === 'steps' || text === 'inputs')) {
      const member = memberAfter(pieces, at + 1);
      if (member) {
        out.push(text, member.optional ? '[?' : '[', JSON.stringify(renamed(text, member.name)), ']');
        at = member.last;
        continue;
      }
    }
    if (kind === 'word') out.push(renamed('variables', text));
    // Steps inside of a block are read by their ids from its outputs.
    else if (kind === 'member' && readsSteps && renames.steps.has(text)) out.push(renamed('steps', text));
    else out.push(kind === 'string' ? canonicalString(text) : text);
  }
  return out.join(' ');
}

interface Piece {
  kind: string;
  text: string;
}

/** Tokens with the brackets, dots and commas between them; without spaces and comments. */
function piecesOf(source: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  const between = (to: number): void => {
    for (const text of source.slice(from, to).replace(/\s+/g, '')) pieces.push({ kind: 'mark', text });
  };
  for (const token of expressionTokens(source)) {
    between(token.start);
    if (token.kind !== 'comment') pieces.push({ kind: token.kind, text: token.text });
    from = token.end;
  }
  between(source.length);
  return pieces;
}

/** `.x`, `.?x`, `["x"]` or `[?"x"]`. */
function memberAfter(
  pieces: readonly Piece[],
  from: number,
): { name: string; optional: boolean; last: number } | undefined {
  const open = pieces[from]?.text;
  if (open !== '.' && open !== '[') return undefined;
  const optional = pieces[from + 1]?.text === '?';
  const at = from + (optional ? 2 : 1);
  const piece = pieces[at];
  if (!piece) return undefined;
  if (open === '.') return piece.kind === 'member' ? { name: piece.text, optional, last: at } : undefined;
  const name = /^(["'])([^"'\\]*)\1$/.exec(piece.text)?.[2];
  return name !== undefined && pieces[at + 1]?.text === ']' ? { name, optional, last: at + 1 } : undefined;
}

/** A string is the same in either kind of quotes. */
function canonicalString(text: string): string {
  const inside = /^(["'])([^"'\\\n]*)\1$/.exec(text)?.[2];
  return inside === undefined ? text : JSON.stringify(inside);
}
