import { CompletionItemKind } from 'vscode-languageserver-types';
import type { Runbook } from '../runbook/model';
import { schema as runbookFileSchema } from '../runbook/parse';
import { stepKinds } from '../runbook/read-runbook';
import type { RunbookSchema } from '../runbook/schema';
import { describeSchema } from '../runbook/value-type';
import { actionItem, callItems } from './complete-steps';
import type { EditorConfig } from './config';
import type { Cursor } from './cursor';
import { markdown, type Proposal } from './proposal';
import { stepSnippets } from './snippets';

/** Keys that the map at the cursor may have and has not; where a step begins, whole steps as well. */
export function keyItems(schemas: readonly RunbookSchema[], cursor: Cursor, config: EditorConfig): Proposal[] {
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
    // The dash stands two columns before the key.
    const snippets = cursor.flow ? [] : stepSnippets(' '.repeat(Math.max(0, cursor.indent - 2)));
    return [...items.values(), ...steps, ...snippets];
  }
  return [...items.values()];
}

/** Keys that hold a list of steps. */
export const stepLists: ReadonlySet<string> = new Set(['steps', 'rollback', 'parallel', 'finally']);

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
export function inputItems({ inputs }: Runbook, cursor: Cursor): Proposal[] {
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

function keyInsert(name: string, schema: RunbookSchema, cursor: Cursor): string {
  const block = schema.type === 'object' || schema.$ref === '#/$defs/steps';
  if (cursor.flow || !block) return `${name}: `;
  const pad = `\n${' '.repeat(cursor.indent + 2)}`;
  return schema.$ref === '#/$defs/steps' ? `${name}:${pad}- ` : `${name}:${pad}`;
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
