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
      const { what, detail, kind } = described(step);
      const inner = step.kind === 'action' && Array.isArray(step.rollback) ? step.rollback : innerSteps(step);
      const name = step.name ?? step.id ?? what;
      return make(step.pointer, name || 'step', detail, kind, ofSteps(inner)) ?? [];
    });
  const inputs = Object.entries(draft.inputs).flatMap(
    ([name, input]) => make(`/inputs/${escapePointer(name)}`, name, input.type, SymbolKind.Variable, []) ?? [],
  );
  return [
    ...(make('/inputs', 'inputs', '', SymbolKind.Module, inputs) ?? []),
    ...(make('/steps', 'steps', '', SymbolKind.Module, ofSteps(draft.steps)) ?? []),
    ...(make('/finally', 'finally', '', SymbolKind.Module, ofSteps(draft.finally ?? [])) ?? []),
  ];
}

/** What a step is called that has neither name nor id, and what stands beside its name. */
function described(step: Step): { what: string; detail: string; kind: SymbolKind } {
  switch (step.kind) {
    case 'action':
    case 'call':
      return { what: step.uses, detail: step.uses, kind: SymbolKind.Function };
    case 'forEach':
      return { what: 'forEach', detail: `for each ${step.variable}`, kind: SymbolKind.Namespace };
    case 'steps':
    case 'parallel':
      return { what: step.kind, detail: step.kind === 'steps' ? '' : step.kind, kind: SymbolKind.Namespace };
    case 'wait':
      return { what: 'wait', detail: `wait ${step.duration}`, kind: SymbolKind.Event };
    default:
      return { what: step.kind, detail: step.kind, kind: SymbolKind.Event };
  }
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
