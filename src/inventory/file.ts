import type { Diagnostic } from '../runbook/diagnostic';
import type { Json } from '../runbook/json';
import { YamlSource } from '../runbook/yaml-source';
import type { Inventory } from './model';
import { readInventory } from './read-inventory';

export interface ParsedInventory {
  /** Only when nothing in `diagnostics` is an error. */
  inventory?: Inventory;
  /** What could be understood, however broken the rest is. */
  draft: Inventory;
  data: Json | undefined;
  /** Everything that can be said of the file, with what it suppresses left out. */
  diagnostics: Diagnostic[];
  source: YamlSource;
}

/** Reads an inventory. Never throws, whatever the text. */
export function parseInventory(text: string): ParsedInventory {
  const source = new YamlSource(text);
  const diagnostics = [...source.diagnostics];
  const draft = readInventory(source.data);
  const broken = diagnostics.some(item => item.severity === 'error');
  return { ...(broken ? {} : { inventory: draft }), draft, data: source.data, diagnostics, source };
}
