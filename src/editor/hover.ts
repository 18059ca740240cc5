import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type Hover, MarkupKind } from 'vscode-languageserver-types';
import { inventoryFileSchema } from '../inventory/file';
import { CallTypes } from '../runbook/call-types';
import { calledPath } from '../runbook/calls';
import type { ActionSignature } from '../runbook/check-context';
import type { SourceRange } from '../runbook/diagnostic';
import { conditionSource, ExpressionError, evaluateExpression } from '../runbook/expression';
import type { Json } from '../runbook/json';
import type { InputDefinition } from '../runbook/model';
import { type ParsedRunbook, schema as runbookFileSchema } from '../runbook/parse';
import { isCall } from '../runbook/read-runbook';
import type { RunbookSchema } from '../runbook/schema';
import { schemasAt } from '../runbook/schema-lookup';
import { templateParts } from '../runbook/template';
import { describeSchema, describeType, type JsonSchema } from '../runbook/value-type';
import { unescapePointer, type YamlSource } from '../runbook/yaml-source';
import type { EditorConfig } from './config';
import { documentKind } from './document-kind';
import { inventoryOf, runbookOf } from './parse-cache';
import { toRange } from './validate';
import { typeOfPath, type VisibleNames, visibleAt } from './visible-names';

/** Docs, type, and the current value or state of what stands at this offset, as Markdown. */
export function hover(document: TextDocument, offset: number, config: EditorConfig): Hover | undefined {
  const kind = documentKind(document);
  if (!kind) return undefined;
  const parsed = kind === 'runbook' ? runbookOf(document, config.cache) : inventoryOf(document, config.cache);
  const place = parsed.source.at(offset);
  if (!place) return undefined;
  const found =
    (kind === 'runbook' ? expressionHover(parsed as ParsedRunbook, place.pointer, offset, config) : undefined) ??
    valueHover(parsed.source, place, kind === 'runbook' ? runbookFileSchema : inventoryFileSchema, config);
  return found && { contents: { kind: MarkupKind.Markdown, value: found.text }, range: toRange(document, found.range) };
}

interface Found {
  text: string;
  range: SourceRange;
}

function valueHover(
  source: YamlSource,
  place: { pointer: string; on: 'key' | 'value' },
  root: RunbookSchema,
  config: EditorConfig,
): Found | undefined {
  const path = place.pointer === '' ? [] : place.pointer.slice(1).split('/').map(unescapePointer);
  const data: Json[] = [source.data ?? null];
  for (const part of path) data.push(childOf(data.at(-1)!, part));
  const range = place.on === 'key' ? source.keyRange(place.pointer) : source.valueRange(place.pointer);
  const value = data.at(-1)!;
  if (!range || path.length === 0) return undefined;
  if (root === runbookFileSchema && path.at(-1) === 'uses' && typeof value === 'string') {
    const action = config.actions.find(candidate => candidate.name === value);
    if (action) return { text: actionText(action), range };
    const called = isCall(value) ? config.runbooks?.(calledPath('', value)) : undefined;
    if (called) return { text: runbookText(called, value, config), range };
    // What a name that is none could mean is said by its diagnostic.
    if (place.on === 'value') return undefined;
  }
  const given = place.on === 'key' ? givenInput(path, data, config) : undefined;
  if (given) return { text: `**${path.at(-1)}** · ${given.type}\n\n${given.description ?? ''}`.trim(), range };
  const schemas = schemasAt(root, path, depth => data[depth]);
  const [schema] = schemas;
  if (!schema) return undefined;
  if (place.on === 'value') {
    const name = nameText(schemas, value, config);
    if (name) return { text: name, range };
    // A whole block explains itself by its keys.
    if (value !== null && typeof value === 'object') return undefined;
  }
  const type = [...new Set(schemas.map(describeSchema))].join(' or ');
  const fallback = schema.default === undefined ? '' : ` · default \`${JSON.stringify(schema.default)}\``;
  const key = path.findLast(part => !/^\d+$/.test(part)) ?? '';
  return { text: `**${key}** · ${type}${fallback}\n\n${schema.description ?? ''}`.trim(), range };
}

function actionText(action: ActionSignature): string {
  const { undoClass } = action;
  const undo = typeof undoClass === 'string' ? undoTexts[undoClass] : 'Undo: depends on the inputs.';
  const outputs = Object.entries((action.outputs as JsonSchema).properties ?? {}).map(
    ([name, schema]) =>
      `- \`${name}\` · ${describeSchema(schema)}${schema.description ? `: ${schema.description}` : ''}`,
  );
  return [
    `**${action.name}** · ${action.title}`,
    action.summary,
    undo,
    action.docs,
    ...(outputs.length > 0 ? [`Outputs:\n\n${outputs.join('\n')}`] : []),
    `\`\`\`yaml\n${action.example}\n\`\`\``,
  ].join('\n\n');
}

function runbookText(called: ParsedRunbook, uses: string, config: EditorConfig): string {
  const { name, description, inputs } = called.draft;
  const wanted = Object.entries(inputs).map(
    ([input, { type, default: fallback, description }]) =>
      `- \`${input}\` · ${type}${fallback === undefined ? '' : ` · default \`${JSON.stringify(fallback)}\``}${description ? `: ${description}` : ''}`,
  );
  const given = new CallTypes(config).outputs('', uses);
  const outputs = Object.entries(given.kind === 'map' ? (given.fields ?? {}) : {}).map(
    ([output, type]) => `- \`${output}\` · ${describeType(type)}`,
  );
  return [
    `**${name || uses}** · runbook \`${uses}\``,
    ...(description ? [description] : []),
    ...(wanted.length > 0 ? [`Inputs:\n\n${wanted.join('\n')}`] : []),
    ...(outputs.length > 0 ? [`Outputs:\n\n${outputs.join('\n')}`] : []),
  ].join('\n\n');
}

/** The input of a called runbook that a key of `with` names. */
function givenInput(path: readonly string[], data: readonly Json[], config: EditorConfig): InputDefinition | undefined {
  const step = path.at(-2) === 'with' ? data.at(-3) : undefined;
  const uses = step !== null && typeof step === 'object' && !Array.isArray(step) ? step?.uses : undefined;
  const inputs =
    typeof uses === 'string' && isCall(uses) ? config.runbooks?.(calledPath('', uses))?.draft.inputs : undefined;
  return inputs && Object.hasOwn(inputs, path.at(-1)!) ? inputs[path.at(-1)!] : undefined;
}

const undoTexts = {
  none: 'Undo: changes nothing, so there is nothing to undo.',
  reversible: 'Undo: takes back exactly what was done.',
  restorable: 'Undo: restores the state before, and loses what came since.',
  irreversible: 'Undo: **can not be undone.**',
};

function nameText(
  schemas: readonly RunbookSchema[],
  value: Json,
  { inventory, liveState }: EditorConfig,
): string | undefined {
  const kind = schemas.map(schema => schema['x-virtbook']).find(found => found !== undefined);
  if (typeof value !== 'string' || value.includes('${{') || (kind !== 'vm' && kind !== 'host')) return undefined;
  const state = liveState?.(kind, value);
  const names = kind === 'vm' ? inventory?.vms : inventory?.hosts;
  const known = state ?? (names ? (names.has(value) ? 'in the inventory' : 'not in the inventory') : undefined);
  return known === undefined ? undefined : `**${value}** · ${kind === 'vm' ? 'VM' : 'host'}\n\n${known}`;
}

/** The path under the cursor within `${{ }}` or `when`: its type, its text, and its value where one is known. */
function expressionHover(
  parsed: ParsedRunbook,
  pointer: string,
  offset: number,
  config: EditorConfig,
): Found | undefined {
  const scalar = parsed.source.scalar(pointer);
  const at = scalar?.indexAt(offset);
  if (!scalar || at === undefined) return undefined;
  const parts = templateParts(scalar.value).flatMap(part =>
    part.kind === 'expression' ? [{ source: part.source, start: part.start }] : [],
  );
  if (parts.length === 0 && /\/(when|assert)$/.test(pointer)) parts.push(conditionSource(scalar.value));
  const part = parts.find(({ source, start }) => at >= start && at <= start + source.length);
  if (!part) return undefined;
  const path = pathAt(part.source, at - part.start);
  if (!path) return undefined;
  const visible = visibleAt(parsed, offset, config);
  const type = typeOfPath(path.text, visible);
  const value = currentValue(path.text, visible, config);
  const lines = [`**${path.text}** · ${describeType(type)}`];
  if (type.description) lines.push(type.description);
  if (value !== undefined) lines.push(`Now: \`${short(JSON.stringify(value))}\``);
  return { text: lines.join('\n\n'), range: scalar.range(part.start + path.start, part.start + path.end) };
}

/** The longest path that ends in the word at this place: `steps.a` when the cursor is on `a` of `steps.a.outputs`. */
function pathAt(source: string, at: number): { text: string; start: number; end: number } | undefined {
  for (const match of source.matchAll(/[A-Za-z_]\w*(?:\.\??[A-Za-z_]\w*|\['[^']*'\]|\["[^"]*"\])*/g)) {
    if (at < match.index || at > match.index + match[0].length) continue;
    let end = 0;
    for (const piece of match[0].matchAll(/^[A-Za-z_]\w*|\.\??[A-Za-z_]\w*|\['[^']*'\]|\["[^"]*"\]/g)) {
      end = piece.index + piece[0].length;
      if (at <= match.index + end) break;
    }
    return { text: match[0].slice(0, end), start: match.index, end: match.index + end };
  }
  return undefined;
}

function currentValue(path: string, visible: VisibleNames, { values }: EditorConfig): Json | undefined {
  if (!values) return undefined;
  const root = path.split(/[.[]/)[0]!;
  if (root !== 'inputs' && root !== 'steps' && !visible.variables.has(root)) return undefined;
  try {
    return evaluateExpression(path, {
      inputs: values.inputs ?? {},
      steps: values.steps ?? {},
      run: { id: '' },
      variables: values.variables ?? {},
    });
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

function short(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function childOf(value: Json, part: string): Json {
  if (Array.isArray(value)) return value[Number(part)] ?? null;
  return value !== null && typeof value === 'object' && Object.hasOwn(value, part) ? (value[part] ?? null) : null;
}
