import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type DocumentSymbol, SymbolKind } from 'vscode-languageserver-types';
import { innerSteps, type Step } from '../runbook/model';
import type { YamlSource } from '../runbook/yaml-source';
import { escapePointer } from '../runbook/yaml-source';
import { documentKind } from './document-kind';
import { inventoryOf, type ParseCache, runbookOf } from './parse-cache';
import { toRange } from './validate';

/** Outline and breadcrumbs. */
export function symbols(document: TextDocument, cache?: ParseCache): DocumentSymbol[] {
  switch (documentKind(document)) {
    case 'runbook':
      return runbookSymbols(document, cache);
    case 'inventory':
      return inventorySymbols(document, cache);
    default:
      return [];
  }
}

function runbookSymbols(document: TextDocument, cache?: ParseCache): DocumentSymbol[] {
  const { draft, source } = runbookOf(document, cache);
  const make = symbolMaker(document, source);
  const ofSteps = (steps: readonly Step[]): DocumentSymbol[] =>
    steps.flatMap(step => {
      const name = step.name ?? step.id ?? (step.kind === 'action' ? step.uses : step.kind);
      const detail = step.kind === 'action' ? step.uses : step.kind === 'forEach' ? `for each ${step.variable}` : '';
      const inner = step.kind === 'action' ? (Array.isArray(step.rollback) ? step.rollback : []) : innerSteps(step);
      const kind = step.kind === 'action' ? SymbolKind.Function : SymbolKind.Namespace;
      return make(step.pointer, name || 'step', detail, kind, ofSteps(inner)) ?? [];
    });
  const inputs = Object.entries(draft.inputs).flatMap(
    ([name, input]) => make(`/inputs/${escapePointer(name)}`, name, input.type, SymbolKind.Variable, []) ?? [],
  );
  return [
    ...(make('/inputs', 'inputs', '', SymbolKind.Module, inputs) ?? []),
    ...(make('/steps', 'steps', '', SymbolKind.Module, ofSteps(draft.steps)) ?? []),
  ];
}

function inventorySymbols(document: TextDocument, cache?: ParseCache): DocumentSymbol[] {
  const { draft, source } = inventoryOf(document, cache);
  const make = symbolMaker(document, source);
  const sections = {
    connections: [draft.connections, SymbolKind.Interface],
    groups: [draft.groups, SymbolKind.Array],
    proxies: [draft.proxies, SymbolKind.Interface],
    vms: [draft.vms, SymbolKind.Object],
  } as const;
  return Object.entries(sections).flatMap(([section, [entries, kind]]) => {
    const inner = Object.keys(entries).flatMap(
      name => make(`/${section}/${escapePointer(name)}`, name, '', kind, []) ?? [],
    );
    return make(`/${section}`, section, '', SymbolKind.Module, inner) ?? [];
  });
}

function symbolMaker(document: TextDocument, source: YamlSource) {
  return (
    pointer: string,
    name: string,
    detail: string,
    kind: SymbolKind,
    children: DocumentSymbol[],
  ): DocumentSymbol[] | undefined => {
    const whole = source.wholeRange(pointer);
    const head = source.headRange(pointer);
    if (!whole || !head) return undefined;
    return [
      {
        name: name || ' ',
        detail,
        kind,
        range: toRange(document, whole),
        selectionRange: toRange(document, head),
        children,
      },
    ];
  };
}
