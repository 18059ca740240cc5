import { CompletionItemKind } from 'vscode-languageserver-types';
import { calledPath } from '../runbook/calls';
import { type ActionSignature, inputSchemas, requiredInputs } from '../runbook/check-context';
import type { JsonObject } from '../runbook/json';
import type { Runbook } from '../runbook/model';
import { isCall } from '../runbook/read-runbook';
import type { JsonSchema } from '../runbook/value-type';
import type { EditorConfig } from './config';
import type { Cursor } from './cursor';
import { markdown, type Proposal } from './proposal';

/** Runbook that the step calls whose keys stand at this level. */
export function calledBy(step: JsonObject | undefined, { runbooks }: EditorConfig): Runbook | undefined {
  const uses = step?.uses;
  return typeof uses === 'string' && isCall(uses) ? runbooks?.(calledPath('', uses))?.draft : undefined;
}

/** An action with its required inputs as places to fill in. */
export function actionItem(action: ActionSignature, cursor: Cursor, before: string, hasInputs: boolean): Proposal {
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

/** Runbooks that can be called, with the inputs they need as places to fill in. */
export function callItems(cursor: Cursor, before: string, hasInputs: boolean, config: EditorConfig): Proposal[] {
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
