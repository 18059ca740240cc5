import { CompletionItemKind, MarkupKind } from 'vscode-languageserver-types';
import { stepPath } from '../runbook/expression-check';
import type { ParsedRunbook } from '../runbook/parse';
import { anyType, describeType, type ValueType } from '../runbook/value-type';
import { nameItems } from './complete-names';
import type { EditorConfig } from './config';
import type { Cursor } from './cursor';
import { type ExpressionCursor, expressionCursorAt } from './expression-cursor';
import { type ExpressionFunction, expressionFunctions } from './expression-functions';
import type { Proposal } from './proposal';
import { typeOfSource, type VisibleNames, visibleAt } from './visible-names';

/** Inside `${{ }}` or a `when`: names in scope, and members by type. */
export function expressionItems(
  parsed: ParsedRunbook,
  offset: number,
  cursor: Cursor,
  config: EditorConfig,
): Proposal[] {
  const at = expressionCursorAt(cursor.expression?.text ?? cursor.prefix);
  const visible = visibleAt(parsed, offset, config);
  for (const { variable, list } of at.loops) {
    const type = typeOfSource(list, visible);
    visible.variables.set(variable, type.kind === 'list' ? type.items : anyType);
  }
  if (at.string) return stringItems(at.string, parsed, offset, cursor, config);
  // `when: steps.pa|` without braces: only the last word is replaced.
  cursor.start = cursor.expression ? cursor.start : offset - at.word.length;
  if (at.receiver === 'steps') return stepItems(visible);
  if (at.receiver !== undefined) return memberItems(at.receiver, visible);
  if (at.afterBareDot) return [];
  const roots: Proposal[] = [...visible.variables].map(([name, type]) => item(name, type, CompletionItemKind.Variable));
  roots.push({ label: 'inputs', kind: CompletionItemKind.Module, detail: 'what was asked for' });
  if (visible.steps.size > 0)
    roots.push({ label: 'steps', kind: CompletionItemKind.Module, detail: 'outputs of earlier steps' });
  roots.push({ label: 'run', kind: CompletionItemKind.Module, detail: 'this run' });
  for (const name of Object.keys(visible.inputs)) {
    roots.push({ ...item(`inputs.${name}`, visible.inputs[name]!, CompletionItemKind.Variable), filterText: name });
  }
  for (const one of expressionFunctions) if (!one.of) roots.push(functionItem(one));
  for (const word of ['true', 'false', 'null', 'in']) roots.push({ label: word, kind: CompletionItemKind.Keyword });
  return roots;
}

/** `inputs.mode == "|`: what it may be, where that is known. */
function stringItems(
  string: NonNullable<ExpressionCursor['string']>,
  { draft }: ParsedRunbook,
  offset: number,
  cursor: Cursor,
  config: EditorConfig,
): Proposal[] {
  const name = /^inputs\.(\w+)$/.exec(string.comparedWith ?? '')?.[1];
  const input = name !== undefined && Object.hasOwn(draft.inputs, name) ? draft.inputs[name] : undefined;
  if (!input) return [];
  const text = cursor.expression?.text ?? cursor.prefix;
  cursor.start = offset - (text.length - string.start - 1);
  const values: Proposal[] = (input.enum ?? []).map(value => ({
    label: String(value),
    kind: CompletionItemKind.EnumMember,
  }));
  return [...values, ...nameItems(input.type, false, config)];
}

function stepItems(visible: VisibleNames): Proposal[] {
  return [...visible.steps].map(([id, outputs]) => ({
    label: id,
    kind: CompletionItemKind.Field,
    detail: describeType(outputs),
    ...(id.includes('-') ? bracketed(id) : {}),
  }));
}

/** An id with a dash in it can't stand behind a dot; the dot goes. */
function bracketed(id: string): Partial<Proposal> {
  return { insert: `['${id}']`, detail: `as ${stepPath(id)}`, takesBack: 1 };
}

function memberItems(receiver: string, visible: VisibleNames): Proposal[] {
  const type = typeOfSource(receiver, visible);
  if (type.kind === 'map' && type.fields) {
    return Object.entries(type.fields).map(([name, field]) => item(name, field, CompletionItemKind.Field));
  }
  const kind = /^(timestamp|duration)\(/.exec(receiver)?.[1] ?? type.kind;
  return expressionFunctions.filter(one => one.of?.some(of => of === kind)).map(functionItem);
}

function functionItem({ name, of, signature, snippet, text }: ExpressionFunction): Proposal {
  return {
    label: name,
    kind: of ? CompletionItemKind.Method : CompletionItemKind.Function,
    detail: signature,
    documentation: { kind: MarkupKind.Markdown, value: text },
    insert: `${name}(${snippet})`,
    snippet: true,
  };
}

function item(label: string, type: ValueType, kind: CompletionItemKind): Proposal {
  return { label, kind, detail: describeType(type), ...(type.description ? { documentation: type.description } : {}) };
}
