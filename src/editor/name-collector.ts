import type { YamlSource } from '../runbook/yaml-source';
import { type InventoryKind, inventoryTarget, type Name } from './name';

/** Writes down names with their places in the text. */
export class NameCollector {
  readonly names: Name[] = [];

  constructor(readonly source: YamlSource) {}

  key(pointer: string, name: Omit<Name, 'range' | 'place'>): void {
    const whole = this.source.keyRange(pointer);
    if (!whole) return;
    const quote = this.source.text[whole.start];
    const quoted = quote === '"' || quote === "'" ? 1 : 0;
    const range = { start: whole.start + quoted, end: Math.max(whole.start + quoted, whole.end - quoted) };
    this.names.push({ ...name, range, place: { pointer, on: 'key', start: 0, end: name.name.length } });
  }

  /** `from`: where in the string the name begins. */
  value(pointer: string, name: Omit<Name, 'range' | 'place'>, from = 0): void {
    const scalar = this.source.scalar(pointer);
    if (!scalar) return;
    const to = from + name.name.length;
    this.names.push({
      ...name,
      range: scalar.range(from, to),
      place: { pointer, on: 'value', start: from, end: to },
    });
  }

  /** A name of the inventory; with `selectors`, `group:NAME` and `tag:NAME` as well. */
  inventoryName(kind: InventoryKind, text: string, pointer: string, selectors: boolean): void {
    const prefix = selectors ? /^(group|tag):/.exec(text) : null;
    const from = prefix?.[0].length ?? 0;
    const selected: InventoryKind =
      prefix?.[1] === 'group' ? 'group' : prefix?.[1] === 'tag' ? (kind === 'host' ? 'host-tag' : 'vm-tag') : kind;
    const name = text.slice(from);
    if (name === '') return;
    this.value(pointer, { kind: selected, name, role: 'use', target: inventoryTarget(selected, name) }, from);
  }
}
