import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type InlayHint, InlayHintKind, type Range } from 'vscode-languageserver-types';
import { resolveInputs } from '../engine/plan-inputs';
import { calledPath } from '../runbook/calls';
import type { Json } from '../runbook/json';
import { everyStep, type ForEachStep, type InputDefinition, type Runbook, type Step } from '../runbook/model';
import type { ParsedRunbook } from '../runbook/parse';
import { wholeExpression } from '../runbook/template';
import { escapePointer } from '../runbook/yaml-source';
import type { EditorConfig } from './config';
import { documentKind } from './document-kind';
import { type Foretold, foretell, namesOf } from './foretold';
import { kindOfInput } from './names-in-runbook';
import { runbookOf } from './parse-cache';

/** Names that a tooltip lists. */
const mostNames = 40;

interface Hint {
  /** Offset that it stands at. */
  at: number;
  label: string;
  tooltip: string;
}

/**
 * How many hosts or VMs a selection comes to, how many items a loop has, and how long steps take, as far as the files tell. Nothing is said
 * where it is not known.
 */
export function inlayHints(document: TextDocument, range: Range, config: EditorConfig): InlayHint[] {
  if (documentKind(document) !== 'runbook') return [];
  const parsed = runbookOf(document, config.cache);
  const [from, to] = [document.offsetAt(range.start), document.offsetAt(range.end)];
  return (
    [...selections(parsed, config), ...steps(parsed, config)]
      .filter(({ at }) => at >= from && at <= to)
      .sort((left, right) => left.at - right.at)
      // What an alias repeats stands in the text once.
      .filter(({ at, label }, index, all) => at !== all[index - 1]?.at || label !== all[index - 1]?.label)
      .map(({ at, label, tooltip }) => ({
        position: document.positionAt(at),
        label,
        tooltip,
        kind: InlayHintKind.Type,
        paddingLeft: true,
      }))
  );
}

/** Behind `group:` and `tag:` in defaults of inputs, and in what is given to called runbooks. */
function selections({ draft, source }: ParsedRunbook, config: EditorConfig): Hint[] {
  if (!config.inventoryFile) return [];
  const hints: Hint[] = [];
  const add = (value: Json | undefined, pointer: string, input: InputDefinition | undefined) => {
    const names = input && value !== undefined ? selected(value, input, config) : undefined;
    const place = names && source.valueRange(pointer);
    const kind = input && kindOfInput(input)?.kind;
    if (place && kind) hints.push({ at: place.end, label: counted(names, nameOfKind[kind]), tooltip: listed(names) });
  };
  for (const [name, input] of Object.entries(draft.inputs))
    add(input.default, `/inputs/${escapePointer(name)}/default`, input);
  for (const step of everyStep(draft)) {
    if (step.kind !== 'call') continue;
    const inputs = config.runbooks?.(calledPath('', step.uses))?.draft.inputs ?? {};
    for (const [name, value] of Object.entries(step.with))
      add(value, `${step.pointer}/with/${escapePointer(name)}`, Object.hasOwn(inputs, name) ? inputs[name] : undefined);
  }
  return hints;
}

/** The names that a value comes to, when there is a group or tag in it; undefined when it can't be told. */
function selected(value: Json, input: InputDefinition, config: EditorConfig): Json[] | undefined {
  const items = Array.isArray(value) ? value : [value];
  const selects = items.some(item => typeof item === 'string' && /^(group|tag):/.test(item));
  const isTemplate = items.some(item => typeof item === 'string' && item.includes('${{'));
  if (!selects || isTemplate || !kindOfInput(input)?.selectors) return undefined;
  const problems: string[] = [];
  const alone = { name: '', version: 1, steps: [], inputs: { value: { type: input.type } } } satisfies Runbook;
  const found = resolveInputs(alone, { value }, namesOf(config), problems).value;
  return problems.length === 0 && Array.isArray(found) ? found : undefined;
}

function steps(parsed: ParsedRunbook, config: EditorConfig): Hint[] {
  const foretold = foretell(parsed, config);
  if (!foretold) return [];
  const hints = everyStep(parsed.draft).flatMap(step => [
    ...(step.kind === 'forEach' ? itemHint(step, parsed, foretold) : []),
    ...timeHint(step, parsed, foretold),
  ]);
  const key = parsed.source.keyRange('/steps');
  if (key && foretold.total !== undefined && foretold.total > 0) {
    const tooltip = 'How long the run takes when every step takes as long as its action says, and none fails.';
    hints.push({ at: key.end + 1, label: roughly(foretold.total), tooltip });
  }
  return hints;
}

function itemHint(step: ForEachStep, { draft, source }: ParsedRunbook, { items }: Foretold): Hint[] {
  const found = items.get(step.pointer);
  const place = source.valueRange(`${step.pointer}/forEach/${escapePointer(step.variable)}`);
  // A list that stands there can be counted by anyone.
  if (!found || !place || typeof step.in !== 'string') return [];
  const input = /^inputs\.(\w+)$/.exec(wholeExpression(step.in)?.source.trim() ?? '')?.[1];
  const kind =
    input !== undefined && Object.hasOwn(draft.inputs, input) ? kindOfInput(draft.inputs[input]!)?.kind : undefined;
  return [{ at: place.end, label: counted(found, kind ? nameOfKind[kind] : 'item'), tooltip: listed(found) }];
}

/** Behind what says the kind of the step. */
function timeHint(step: Step, { source }: ParsedRunbook, { seconds }: Foretold): Hint[] {
  const found = seconds.get(step.pointer);
  if (found === undefined) return [];
  const isUse = step.kind === 'action' || step.kind === 'call';
  const at = isUse
    ? source.valueRange(`${step.pointer}/uses`)?.end
    : source.keyRange(`${step.pointer}/${step.kind}`)?.end;
  if (at === undefined) return [];
  const tooltip =
    step.kind === 'action'
      ? `How long \`${step.uses}\` takes, as the action says.`
      : 'How long all steps in it take, when each takes as long as its action says.';
  return [{ at: isUse ? at : at + 1, label: roughly(found), tooltip }];
}

const nameOfKind = { vm: 'VM', host: 'host' } as const;

/** `1 VM`, `3 VMs` */
function counted(names: readonly Json[], what: string): string {
  return `${names.length} ${what}${names.length === 1 ? '' : 's'}`;
}

function listed(names: readonly Json[]): string {
  const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : '';
  const texts = names.slice(0, mostNames).map(name => (typeof name === 'string' ? name : JSON.stringify(name)));
  return texts.join(', ') + more;
}

/** `≈ 15 s`, `≈ 3 min`, `≈ 2 h 10 min` */
function roughly(seconds: number): string {
  if (seconds < 60) return `≈ ${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `≈ ${minutes} min`;
  return minutes % 60 === 0 ? `≈ ${minutes / 60} h` : `≈ ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
