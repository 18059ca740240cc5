import type { Diagnostic } from './diagnostic';
import type { Json } from './json';
import type { Runbook } from './model';
import { readRunbook } from './read-runbook';
import { YamlSource } from './yaml-source';

export interface ParsedRunbook {
  /** Only when nothing in `diagnostics` is an error. */
  runbook?: Runbook;
  /** What could be understood, however broken the rest is: for checks and the editor, never to be run. */
  draft: Runbook;
  data: Json | undefined;
  /** Syntax and structure. `checkRunbook` adds what needs actions and inventory. */
  diagnostics: Diagnostic[];
  /** The way between JSON pointers and places in the text. */
  source: YamlSource;
}

/** Reads a runbook. Never throws, whatever the text. */
export function parseRunbook(text: string): ParsedRunbook {
  const source = new YamlSource(text);
  const diagnostics = [...source.diagnostics];
  const draft = readRunbook(source.data);
  const broken = diagnostics.some(item => item.severity === 'error');
  return { ...(broken ? {} : { runbook: draft }), draft, data: source.data, diagnostics, source };
}
