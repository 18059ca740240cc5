import type { Diagnostic } from '../runbook/diagnostic';
import type { Json } from '../runbook/json';
import type { YamlSource } from '../runbook/yaml-source';
import type { Inventory } from './model';

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
