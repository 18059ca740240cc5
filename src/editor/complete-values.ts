import type { TextDocument } from 'vscode-languageserver-textdocument';
import { CompletionItemKind } from 'vscode-languageserver-types';
import { stepPath } from '../runbook/expression-check';
import type { Json, JsonObject } from '../runbook/json';
import type { InputDefinition } from '../runbook/model';
import { forEachSettings } from '../runbook/read-runbook';
import type { RunbookSchema } from '../runbook/schema';
import { fitsSchema, type JsonSchema, type ValueType } from '../runbook/value-type';
import { nameItems, nameKind } from './complete-names';
import { actionItem, calledBy, callItems } from './complete-steps';
import type { EditorConfig } from './config';
import type { Cursor } from './cursor';
import { runbookOf } from './parse-cache';
import { markdown, type Proposal } from './proposal';
import { visibleAt } from './visible-names';

/** What may stand as the value at the cursor of a runbook, by the schemas that hold there. */
export function valueItems(
  schemas: readonly RunbookSchema[],
  document: TextDocument,
  offset: number,
  cursor: Cursor,
  config: EditorConfig,
): Proposal[] {
  const last = cursor.path.at(-1);
  if (last === 'uses' && cursor.path.at(-2) === '0') {
    const hasInputs = Object.hasOwn(cursor.levels.at(-2) ?? {}, 'with');
    return [
      ...config.actions.map(action => actionItem(action, cursor, '', hasInputs)),
      ...callItems(cursor, '', hasInputs, config),
    ];
  }
  if (last === 'zone' && cursor.path[0] === 'window') {
    return ['UTC', ...Intl.supportedValuesOf('timeZone')].map(label => ({ label, kind: CompletionItemKind.Value }));
  }
  if (last === 'inventory' && cursor.path.length === 1) {
    return (config.inventories ?? []).map(path => {
      const label = path.startsWith('../') ? path : `./${path}`;
      return { label, kind: CompletionItemKind.File };
    });
  }
  const given = givenInput(cursor, config);
  const wanted = given ? nameKind(given.type) : inputKind(cursor);
  const known = new Map<string, Proposal>();
  const add = (items: readonly Proposal[]) => {
    for (const item of items) if (!known.has(item.label)) known.set(item.label, item);
  };
  for (const schema of schemas) add(literals(schema));
  add(literals({ enum: given?.enum, type: given?.type === 'boolean' ? 'boolean' : undefined }));
  add(expressions(given ? [schemaOfInput(given)] : schemas, document, offset, cursor, config));
  for (const schema of schemas) {
    const kind = schema['x-virtbook'];
    add(kind === 'snapshot' ? snapshotItems(document, offset, cursor, config) : nameItems(kind, false, config));
    if (schema.rule === 'bad-duration') add(durations);
  }
  if (wanted) add(nameItems(wanted.kind, wanted.selectors, config));
  if (isLoopList(cursor)) for (const kind of ['vm', 'host']) add(nameItems(kind, false, config));
  return [...known.values()];
}

/** In `forEach: { vm: [|] }`. What a loop goes through is not said: VMs and hosts mostly. */
function isLoopList({ path }: Cursor): boolean {
  const variable = path.at(-2);
  return path.at(-3) === 'forEach' && path.at(-1) === '0' && !forEachSettings.some(setting => setting === variable);
}

const durations: readonly Proposal[] = ['30s', '5m', '30m', '1h', '1h30m', '24h'].map(label => ({
  label,
  kind: CompletionItemKind.Unit,
}));

function literals(schema: Pick<RunbookSchema, 'enum' | 'const' | 'type' | 'default' | 'description'>): Proposal[] {
  const booleans = schema.type === 'boolean' ? [true, false] : [];
  const values: Json[] = schema.enum ?? (schema.const !== undefined ? [schema.const] : booleans);
  return values.map(value => ({
    label: String(value),
    kind: CompletionItemKind.EnumMember,
    ...(value === schema.default ? { detail: 'default' } : {}),
    documentation: markdown(schema.description ?? ''),
  }));
}

/** Inputs and loop variables whose type fits, as `${{ }}`. */
function expressions(
  schemas: readonly JsonSchema[],
  document: TextDocument,
  offset: number,
  cursor: Cursor,
  config: EditorConfig,
): Proposal[] {
  const loops = cursor.path.at(-2) === 'forEach';
  if ((!loops && !cursor.path.includes('with')) || cursor.prefix.startsWith('$')) return [];
  const parsed = runbookOf(document, config.cache);
  const visible = visibleAt(parsed, offset, config);
  const lists: JsonSchema[] = [{ type: 'array' }];
  const fits = (type: ValueType, input?: string) =>
    (loops ? lists : schemas).some(schema => {
      const names = schema['x-virtbook'];
      if (input !== undefined && names !== undefined && nameKind(input)?.kind !== names) return false;
      return type.kind !== 'any' && type.kind !== 'map' && schema.type !== undefined && fitsSchema(type, schema);
    });
  const found: string[] = [];
  for (const [name, type] of visible.variables) if (fits(type)) found.push(name);
  for (const [name, type] of Object.entries(visible.inputs))
    if (fits(type, parsed.draft.inputs[name]?.type)) found.push(`inputs.${name}`);
  return found.map(name => expressionItem(name, cursor));
}

function expressionItem(source: string, { quoted }: Cursor): Proposal {
  const text = `\${{ ${source} }}`;
  return {
    label: text,
    kind: CompletionItemKind.Variable,
    filterText: quoted ? text : source,
    insert: quoted ? text : `"${text}"`,
  };
}

/** Snapshots that the VM has now, and those that earlier steps give. */
function snapshotItems(document: TextDocument, offset: number, cursor: Cursor, config: EditorConfig): Proposal[] {
  const vm = cursor.levels.at(-2)?.vm;
  const now = typeof vm === 'string' ? (config.snapshotsOf?.(vm) ?? []) : [];
  const visible = visibleAt(runbookOf(document, config.cache), offset, config);
  const made = [...visible.steps].flatMap(([id, type]) =>
    type.kind === 'map' && type.fields?.snapshot ? [`${stepPath(id)}.outputs.snapshot`] : [],
  );
  return [
    ...now.map(label => ({ label, kind: CompletionItemKind.Value, detail: `snapshot of ${vm}` })),
    ...made.map(path => expressionItem(path, cursor)),
  ];
}

/** The input of a called runbook whose value is being typed. */
function givenInput(cursor: Cursor, config: EditorConfig): InputDefinition | undefined {
  const at = cursor.path.lastIndexOf('with');
  const name = cursor.path[at + 1];
  if (at < 0 || name === undefined || cursor.path.length > at + 3) return undefined;
  const inputs = calledBy(cursor.levels[at], config)?.inputs;
  return inputs && Object.hasOwn(inputs, name) ? inputs[name] : undefined;
}

function schemaOfInput({ type }: InputDefinition): JsonSchema {
  const names = nameKind(type);
  if (names) return names.selectors ? { type: 'array' } : { type: 'string', 'x-virtbook': names.kind };
  return { type: type === 'list' ? 'array' : type === 'secret' ? 'string' : type };
}

/** In `default:` of an input, names by the input's type. */
function inputKind(cursor: Cursor): { kind: string; selectors: boolean } | undefined {
  const at = cursor.path.indexOf('default');
  if (cursor.path[0] !== 'inputs' || at !== 2) return undefined;
  const definition: JsonObject | undefined = cursor.levels[2];
  return nameKind(definition?.type);
}
