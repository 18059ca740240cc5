import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type DocumentSymbol, SymbolKind } from 'vscode-languageserver-types';
import type { Json, JsonObject } from '../runbook/json';
import { innerSteps, type Step } from '../runbook/model';
import { asObject } from '../runbook/read-runbook';
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
  const outputs = Object.keys(draft.outputs ?? {}).flatMap(
    name => make(`/outputs/${escapePointer(name)}`, name, '', SymbolKind.Property, []) ?? [],
  );
  return [
    ...(make('/inputs', 'inputs', '', SymbolKind.Module, inputs) ?? []),
    ...(make('/outputs', 'outputs', '', SymbolKind.Module, outputs) ?? []),
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

/** Kinds of the entries of an inventory's sections. */
const inventorySections = {
  connections: SymbolKind.Interface,
  groups: SymbolKind.Array,
  proxies: SymbolKind.Interface,
  vms: SymbolKind.Object,
} as const;

function inventorySymbols(document: TextDocument, cache?: ParseCache): DocumentSymbol[] {
  const { data, source } = inventoryOf(document, cache);
  const make = symbolMaker(document, source);
  const root = asObject(data);
  return Object.keys(root).flatMap(section => {
    if (!isSection(section)) return [];
    // Half-typed entries are listed as well.
    const inner = Object.entries(asObject(root[section])).flatMap(([name, entry]) => {
      const pointer = `/${section}/${escapePointer(name)}`;
      return make(pointer, name, entryDetail(asObject(entry)), inventorySections[section], []) ?? [];
    });
    return make(`/${section}`, section, '', SymbolKind.Module, inner) ?? [];
  });
}

function isSection(key: string): key is keyof typeof inventorySections {
  return Object.hasOwn(inventorySections, key);
}

/** What stands beside the name: what a connection is, how many a group has, whose a VM is. */
function entryDetail({ type, hosts, vms, ssh, owner }: JsonObject): string {
  if (typeof type === 'string') return type;
  const counts = [countText(hosts, 'host'), countText(vms, 'VM')].filter(text => text !== '');
  if (counts.length > 0) return counts.join(', ');
  if (typeof owner === 'string') return owner;
  return typeof ssh === 'string' ? ssh : '';
}

function countText(names: Json | undefined, what: string): string {
  return Array.isArray(names) ? `${names.length} ${what}${names.length === 1 ? '' : 's'}` : '';
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
