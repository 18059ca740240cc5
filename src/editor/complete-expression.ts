import { CompletionItemKind } from 'vscode-languageserver-types';
import { stepPath } from '../runbook/expression-check';
import type { ParsedRunbook } from '../runbook/parse';
import { describeType, type ValueType } from '../runbook/value-type';
import type { Proposal } from './complete';
import type { EditorConfig } from './config';
import type { Cursor } from './cursor';
import { typeOfPath, visibleAt } from './visible-names';

const functions: Record<string, string> = {
  size: 'Number of items, keys or characters: `size(inputs.vms)`',
  has: 'Whether a key is there: `has(steps.patch.outputs.upgraded)`',
  string: 'As text: `string(42)`',
  int: 'As a whole number: `int("42")`',
  double: 'As a number: `double("4.2")`',
};
const methods: Record<'string' | 'list', Record<string, string>> = {
  string: {
    contains: 'Whether the text has this in it',
    startsWith: 'Whether the text begins with this',
    endsWith: 'Whether the text ends with this',
    matches: 'Whether the text matches a regular expression',
    size: 'Number of characters',
    split: 'List of the parts between separators',
  },
  list: {
    map: 'A list with each item changed: `.map(x, x + "!")`',
    filter: 'The items that fit: `.filter(x, x != "web1")`',
    exists: 'Whether one item fits: `.exists(x, x == "web1")`',
    all: 'Whether every item fits: `.all(x, x != "")`',
    size: 'Number of items',
    join: 'Text of all items: `.join(", ")`',
  },
};

/** Inside `${{ }}` or a `when`: names in scope, and members by type. */
export function expressionItems(
  parsed: ParsedRunbook,
  offset: number,
  cursor: Cursor,
  config: EditorConfig,
): Proposal[] {
  const text = cursor.expression?.text ?? cursor.prefix;
  if (insideString(text)) return [];
  const visible = visibleAt(parsed, offset, config);
  const path = /((?:[A-Za-z_]\w*)(?:\.\??\w+|\['[^']*'\]|\["[^"]*"\])*)\.\??(\w*)$/.exec(text);
  // `when: steps.pa|` without braces: only the last word is replaced.
  const word = /\w*$/.exec(text)?.[0] ?? '';
  cursor.start = cursor.expression ? cursor.start : offset - word.length;
  if (path) {
    const base = path[1]!;
    if (base === 'steps') return stepItems(visible);
    return memberItems(typeOfPath(base, visible));
  }
  if (/\.\??\w*$/.test(text)) return [];
  const roots: Proposal[] = [...visible.variables].map(([name, type]) => item(name, type, CompletionItemKind.Variable));
  roots.push({ label: 'inputs', kind: CompletionItemKind.Module, detail: 'what was asked for' });
  if (visible.steps.size > 0)
    roots.push({ label: 'steps', kind: CompletionItemKind.Module, detail: 'outputs of earlier steps' });
  roots.push({ label: 'run', kind: CompletionItemKind.Module, detail: 'this run' });
  for (const name of Object.keys(visible.inputs)) {
    roots.push({ ...item(`inputs.${name}`, visible.inputs[name]!, CompletionItemKind.Variable), filterText: name });
  }
  for (const [name, detail] of Object.entries(functions)) {
    roots.push({ label: name, kind: CompletionItemKind.Function, detail, insert: `${name}(\${1})`, snippet: true });
  }
  return roots;
}

function stepItems(visible: ReturnType<typeof visibleAt>): Proposal[] {
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

function memberItems(type: ValueType): Proposal[] {
  if (type.kind === 'map' && type.fields) {
    return Object.entries(type.fields).map(([name, field]) => item(name, field, CompletionItemKind.Field));
  }
  const known = type.kind === 'string' || type.kind === 'list' ? methods[type.kind] : {};
  return Object.entries(known).map(([name, detail]) => ({
    label: name,
    kind: CompletionItemKind.Method,
    detail,
    insert: `${name}(\${1})`,
    snippet: true,
  }));
}

function item(label: string, type: ValueType, kind: CompletionItemKind): Proposal {
  return { label, kind, detail: describeType(type), ...(type.description ? { documentation: type.description } : {}) };
}

function insideString(text: string): boolean {
  let quote = '';
  // The last member access in brackets counts as text too: there is nothing to offer there.
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (quote) {
      if (char === '\\') at++;
      else if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
  }
  return quote !== '';
}
