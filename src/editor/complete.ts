import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type CompletionItem, CompletionItemKind, InsertTextFormat, MarkupKind } from 'vscode-languageserver-types';
import { inventoryFileSchema } from '../inventory/file';
import { calledPath } from '../runbook/calls';
import { type ActionSignature, inputSchemas, requiredInputs } from '../runbook/check-context';
import type { Json, JsonObject } from '../runbook/json';
import type { InputDefinition, Runbook } from '../runbook/model';
import { schema as runbookFileSchema } from '../runbook/parse';
import { isCall, stepKinds } from '../runbook/read-runbook';
import type { RunbookSchema } from '../runbook/schema';
import { schemasAt } from '../runbook/schema-lookup';
import { describeSchema, type JsonSchema } from '../runbook/value-type';
import { expressionItems } from './complete-expression';
import { nameItems, nameKind } from './complete-names';
import type { EditorConfig } from './config';
import { type Cursor, cursorAt, lineStartOf } from './cursor';
import { documentKind } from './document-kind';
import { runbookOf } from './parse-cache';
import { toRange } from './validate';

/** What an item is before it is given a place: without `textEdit`. */
export type Proposal = Omit<CompletionItem, 'textEdit' | 'insertText'> & {
  insert?: string;
  snippet?: boolean;
  /** Characters before what was typed that are replaced as well. */
  takesBack?: number;
};

/** What may be typed at this offset. Works in half-typed files. Items carry a `textEdit` and, for actions, a snippet. */
export function complete(document: TextDocument, offset: number, config: EditorConfig): CompletionItem[] {
  const kind = documentKind(document);
  if (!kind) return [];
  const cursor = cursorAt(document.getText(), offset);
  const text = document.getText();
  return proposals(document, offset, cursor, kind, config).map(({ insert, snippet, takesBack = 0, ...item }, index) => {
    const start = cursor.start - takesBack;
    return {
      ...item,
      // Filtering is by what the edit replaces.
      ...(takesBack > 0 ? { filterText: text.slice(start, cursor.start) + item.label } : {}),
      sortText: item.sortText ?? String(index).padStart(4, '0'),
      insertTextFormat: snippet ? InsertTextFormat.Snippet : InsertTextFormat.PlainText,
      textEdit: { range: toRange(document, { start, end: cursor.end }), newText: insert ?? item.label },
    };
  });
}

function proposals(
  document: TextDocument,
  offset: number,
  cursor: Cursor,
  kind: 'runbook' | 'inventory',
  config: EditorConfig,
): Proposal[] {
  if (kind === 'runbook' && (cursor.expression || isCondition(cursor))) {
    return expressionItems(runbookOf(document, config.cache), offset, cursor, config);
  }
  if (inComment(document.getText(), offset)) return [];
  const root = kind === 'runbook' ? runbookFileSchema : inventoryFileSchema;
  const schemas = schemasAt(root, cursor.path, depth => cursor.levels[depth]);
  const objects = schemas.filter(schema => schema.properties !== undefined);
  const called =
    cursor.on === 'key' && cursor.path.at(-1) === 'with' ? calledBy(cursor.levels.at(-2), config) : undefined;
  if (called) return inputItems(called, cursor);
  if (cursor.on === 'key' && objects.length > 0) return keyItems(objects, cursor, config);
  return valueItems(schemas, cursor, config);
}

function isCondition(cursor: Cursor): boolean {
  const key = cursor.path.at(-1);
  return cursor.on === 'value' && (key === 'when' || key === 'assert') && cursor.path.at(-2) === '0';
}

/** Runbook that the step calls whose keys stand at this level. */
function calledBy(step: JsonObject | undefined, { runbooks }: EditorConfig): Runbook | undefined {
  const uses = step?.uses;
  return typeof uses === 'string' && isCall(uses) ? runbooks?.(calledPath('', uses))?.draft : undefined;
}

function keyItems(schemas: readonly RunbookSchema[], cursor: Cursor, config: EditorConfig): Proposal[] {
  const present = cursor.levels.at(-1) ?? {};
  const isStep = cursor.path.at(-1) === '0' && stepLists.has(cursor.path.at(-2) ?? '');
  const isNew = isStep && !stepKinds.some(key => Object.hasOwn(present, key));
  const items = new Map<string, Proposal>();
  for (const schema of schemas) {
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      if (Object.hasOwn(present, name) || items.has(name)) continue;
      const needed = schema.required?.includes(name) === true;
      items.set(name, {
        label: name,
        kind: CompletionItemKind.Property,
        ...(needed ? { labelDetails: { description: 'needed' } } : {}),
        detail: describeSchema(resolved(property)),
        documentation: markdown(property.description ?? ''),
        sortText: `${needed ? 0 : 1}${String(items.size).padStart(3, '0')}`,
        ...(isNew && !cursor.flow && kindSnippets[name]
          ? { insert: kindSnippets[name](' '.repeat(cursor.indent)), snippet: true }
          : { insert: keyInsert(name, resolved(property), cursor) }),
      });
    }
  }
  // A new step mostly begins with its action.
  if (isNew) {
    const hasInputs = Object.hasOwn(present, 'with');
    const steps = [
      ...config.actions.map(action => actionItem(action, cursor, 'uses: ', hasInputs)),
      ...callItems(cursor, 'uses: ', hasInputs, config),
    ].map(item => ({ ...item, label: `uses: ${item.label}`, sortText: `2${item.label}` }));
    return [...items.values(), ...steps];
  }
  return [...items.values()];
}

/** Keys that hold a list of steps. */
const stepLists: ReadonlySet<string> = new Set(['steps', 'rollback', 'parallel', 'finally']);

/** A new step of each kind with what it needs as places to fill in; `pad` is its indentation. */
const kindSnippets: Record<string, (pad: string) => string> = {
  forEach: pad => `forEach: { \${1:item}: [\${2}] }\n${pad}steps:\n${pad}  - \${3}`,
  parallel: pad => `parallel:\n${pad}  - \${1}\n${pad}  - \${2}`,
  approve: () => 'approve: { message: "${1:Go on?}" }',
  wait: () => 'wait: ${1:5m}',
  assert: () => 'assert: ${1}',
  pointOfNoReturn: () => 'pointOfNoReturn: ${1:Why}',
};

/** Inputs of a called runbook that are not given yet. */
function inputItems({ inputs }: Runbook, cursor: Cursor): Proposal[] {
  const present = cursor.levels.at(-1) ?? {};
  return Object.entries(inputs)
    .filter(([name]) => !Object.hasOwn(present, name))
    .map(([name, input], index) => ({
      label: name,
      kind: CompletionItemKind.Property,
      ...(input.default === undefined ? { labelDetails: { description: 'needed' } } : {}),
      detail: input.type,
      documentation: markdown(input.description ?? ''),
      sortText: `${input.default === undefined ? 0 : 1}${String(index).padStart(3, '0')}`,
      insert: `${name}: `,
    }));
}

/** Runbooks that can be called, with the inputs they need as places to fill in. */
function callItems(cursor: Cursor, before: string, hasInputs: boolean, config: EditorConfig): Proposal[] {
  return (config.callable ?? []).map(path => {
    const uses = path.startsWith('../') ? path : `./${path}`;
    const called = config.runbooks?.(path)?.draft;
    const required = Object.entries(called?.inputs ?? {}).filter(([, input]) => input.default === undefined);
    const base: Proposal = {
      label: uses,
      kind: CompletionItemKind.File,
      detail: called?.name || 'runbook',
      documentation: markdown(called?.description ?? ''),
      filterText: uses,
      insert: before + uses,
    };
    if (hasInputs || required.length === 0 || cursor.flow) return base;
    const pad = ' '.repeat(cursor.indent);
    const lines = required.map(([name], index) => `${pad}  ${name}: \${${index + 1}}`);
    return { ...base, insert: `${before}${uses}\n${pad}with:\n${lines.join('\n')}`, snippet: true };
  });
}

function keyInsert(name: string, schema: RunbookSchema, cursor: Cursor): string {
  const block = schema.type === 'object' || schema.$ref === '#/$defs/steps';
  if (cursor.flow || !block) return `${name}: `;
  const pad = `\n${' '.repeat(cursor.indent + 2)}`;
  return schema.$ref === '#/$defs/steps' ? `${name}:${pad}- ` : `${name}:${pad}`;
}

function valueItems(schemas: readonly RunbookSchema[], cursor: Cursor, config: EditorConfig): Proposal[] {
  const last = cursor.path.at(-1);
  const step = cursor.levels.at(-2);
  if (last === 'uses' && cursor.path.at(-2) === '0') {
    const hasInputs = Object.hasOwn(step ?? {}, 'with');
    return [
      ...config.actions.map(action => actionItem(action, cursor, '', hasInputs)),
      ...callItems(cursor, '', hasInputs, config),
    ];
  }
  if (last === 'zone' && cursor.path[0] === 'window') {
    return ['UTC', ...Intl.supportedValuesOf('timeZone')].map(label => ({ label, kind: CompletionItemKind.Value }));
  }
  const items: Proposal[] = [];
  const add = (item: Proposal) => {
    if (!items.some(other => other.label === item.label)) items.push(item);
  };
  for (const schema of schemas) {
    const values: Json[] =
      schema.enum ?? (schema.const !== undefined ? [schema.const] : schema.type === 'boolean' ? [true, false] : []);
    for (const value of values) {
      const isDefault = value === schema.default;
      add({
        label: String(value),
        kind: CompletionItemKind.EnumMember,
        ...(isDefault ? { detail: 'default' } : {}),
        documentation: markdown(schema.description ?? ''),
      });
    }
    for (const item of nameItems(schema['x-virtbook'], false, config)) add(item);
  }
  const given = givenInput(cursor, config);
  for (const value of given?.enum ?? (given?.type === 'boolean' ? [true, false] : []))
    add({ label: String(value), kind: CompletionItemKind.EnumMember });
  const input = given ? nameKind(given.type) : inputKind(cursor);
  if (input) for (const item of nameItems(input.kind, input.selectors, config)) add(item);
  return items;
}

/** The input of a called runbook whose value is being typed. */
function givenInput(cursor: Cursor, config: EditorConfig): InputDefinition | undefined {
  const at = cursor.path.lastIndexOf('with');
  const name = cursor.path[at + 1];
  if (at < 0 || name === undefined || cursor.path.length > at + 3) return undefined;
  const inputs = calledBy(cursor.levels[at], config)?.inputs;
  return inputs && Object.hasOwn(inputs, name) ? inputs[name] : undefined;
}

/** In `default:` of an input, names by the input's type. */
function inputKind(cursor: Cursor): { kind: string; selectors: boolean } | undefined {
  const at = cursor.path.indexOf('default');
  if (cursor.path[0] !== 'inputs' || at !== 2) return undefined;
  return nameKind(cursor.levels[2]?.type);
}

/** An action with its required inputs as places to fill in. */
function actionItem(action: ActionSignature, cursor: Cursor, before: string, hasInputs: boolean): Proposal {
  const required = requiredInputs(action);
  const base: Proposal = {
    label: action.name,
    kind: CompletionItemKind.Function,
    detail: action.title,
    documentation: markdown(`${action.summary}\n\n${action.docs}`),
    filterText: action.name,
    insert: before + action.name,
  };
  if (hasInputs || required.length === 0 || cursor.flow) return base;
  const schemas = inputSchemas(action);
  const pad = ' '.repeat(cursor.indent);
  const lines = required.map((name, index) => `${pad}  ${name}: ${placeholder(index + 1, schemas[name])}`);
  return { ...base, insert: `${before}${action.name}\n${pad}with:\n${lines.join('\n')}`, snippet: true };
}

function placeholder(number: number, schema: JsonSchema | undefined): string {
  if (schema?.enum) return `\${${number}|${schema.enum.map(String).join(',')}|}`;
  if (schema?.type === 'array') return `[\${${number}}]`;
  return `\${${number}}`;
}

function resolved(schema: RunbookSchema): RunbookSchema {
  const name = schema.$ref?.replace('#/$defs/', '');
  const target = name === undefined ? undefined : runbookFileSchema.$defs?.[name];
  if (target) return { ...target, $ref: schema.$ref, description: schema.description ?? target.description };
  if (schema.anyOf) {
    const options = schema.anyOf.filter(option => option.$ref !== '#/$defs/template');
    return options.length === 1 ? { ...options[0], description: schema.description } : { ...schema, anyOf: options };
  }
  return schema;
}

function inComment(text: string, offset: number): boolean {
  const line = text.slice(lineStartOf(text, offset), offset);
  return /(^|\s)#/.test(line.replace(/"[^"]*"|'[^']*'/g, ''));
}

function markdown(value: string) {
  return { kind: MarkupKind.Markdown, value };
}
