import type { SourceRange } from '../runbook/diagnostic';

/** Kinds of names that an inventory gives. */
export const inventoryKinds = [
  'vm',
  'host',
  'group',
  'vm-tag',
  'host-tag',
  'proxy',
  'datastore',
  'connection',
] as const;
export type InventoryKind = (typeof inventoryKinds)[number];

export type NameKind =
  | InventoryKind
  | 'step'
  | 'input'
  | 'output'
  /** Of a `forEach`. */
  | 'variable'
  /** Of a macro such as `map` in an expression. */
  | 'local'
  /** Of a called runbook, and of the inventory. */
  | 'runbook'
  | 'inventory';

/** One place of a document that defines or uses a name. */
export interface Name {
  kind: NameKind;
  name: string;
  role: 'definition' | 'use';
  /** Equal for all places of the document that mean the same thing. */
  target: string;
  /** The name itself, without quotes and prefixes. */
  range: SourceRange;
  /** Path of the runbook that has the `input` or `output`, as written in `uses`; undefined: this one. */
  file?: string;
  /** Action that gives an `output`. */
  action?: string;
  place: NamePlace;
}

/** How a name is written. Numbers are places in the string's value. */
export interface NamePlace {
  pointer: string;
  on: 'key' | 'value';
  start: number;
  end: number;
  /** In an expression. `from`/`to`: what has to be replaced to write it otherwise: `.x`, `.?x`, or a literal with its quotes. */
  expression?: { form: 'member' | 'literal' | 'word'; from: number; to: number };
}

/** Key of a name of the inventory. */
export function inventoryTarget(kind: InventoryKind, name: string): string {
  return `${kind}:${name}`;
}
