import { calledPath } from '../../runbook/calls';
import { inputSchemas, requiredInputs } from '../../runbook/check-context';
import type { Json } from '../../runbook/json';
import type { ForEachStep, Step } from '../../runbook/model';
import { escapePointer } from '../../runbook/yaml-source';
import { fileName } from '../document-kind';
import { actionOf, type Fix, fix, type Problem, suggestionsOf, textOf } from './fix';
import { type RunbookText, yamlValue } from './runbook-text';
import { SampleValues } from './sample-values';

/** Fixes of what is not as the language has it. */
export function structureFixes(problem: Problem): Fix[] {
  const { runbook, pointer, diagnostic } = problem;
  const range = {
    start: problem.document.offsetAt(diagnostic.range.start),
    end: problem.document.offsetAt(diagnostic.range.end),
  };
  switch (diagnostic.code) {
    case 'unknown-key': {
      // Rather mistyped than too many.
      if (suggestionsOf(diagnostic).length > 0) return [];
      const key = runbook.text.slice(range.start, range.end);
      return fix(`Remove \`${key}\``, [runbook.removeKey(pointer)]);
    }
    case 'missing-key':
      return [...missingInputs(problem), ...missingAtTop(problem)];
    case 'unused-input': {
      const name = pointer.slice(pointer.lastIndexOf('/') + 1);
      return fix(`Remove the input \`${name}\``, [runbook.removeKey(pointer) ?? withoutInputs(runbook)], {
        preferred: true,
      });
    }
    case 'pointless-canary':
      return fix('Remove `canary`', [runbook.removeKey(pointer)], { preferred: true });
    case 'retry-not-idempotent':
      return fix('Remove `retry`', [runbook.removeKey(pointer)]);
    case 'unknown-input': {
      const name = runbook.text.slice(range.start, range.end);
      return /^[A-Za-z][\w-]*$/.test(name) ? fix(`Add the input \`${name}\``, [declared(problem, name)]) : [];
    }
    case 'duplicate-id': {
      const id = runbook.text.slice(range.start, range.end);
      if (!/^[A-Za-z][\w-]*$/.test(id)) return [];
      return fix(`Change to \`${freeId(runbook, id)}\``, [{ ...range, text: freeId(runbook, id) }]);
    }
    case 'wrong-type':
      if (pointer === `${problem.step?.pointer}/with` && runbook.value(pointer) === null) return missingInputs(problem);
      return [...quoted(problem, range), ...listOfVms(problem)];
    default:
      return [];
  }
}

/** An id that no step has yet. */
export function freeId(runbook: RunbookText, wanted: string): string {
  const taken = new Set(allIds(runbook.parsed.data));
  if (!taken.has(wanted)) return wanted;
  for (let n = 2; ; n++) if (!taken.has(`${wanted}-${n}`)) return `${wanted}-${n}`;
}

function* allIds(data: Json | undefined): Iterable<string> {
  if (Array.isArray(data)) for (const item of data) yield* allIds(item);
  else if (data !== null && typeof data === 'object') {
    if (typeof data.id === 'string') yield data.id;
    for (const key of ['steps', 'parallel', 'rollback', 'finally']) yield* allIds(data[key]);
  }
}

/** All that a step's action, or the runbook that it calls, has to be given. */
function missingInputs(problem: Problem): Fix[] {
  const { step, runbook, config } = problem;
  if (step?.kind !== 'action' && step?.kind !== 'call') return [];
  const values = new SampleValues(runbook.parsed.draft, loopsAround(runbook, step), config);
  const entries: [string, string][] = [];
  if (step.kind === 'call') {
    const called = config.runbooks?.(calledPath(fileName(problem.document), step.uses));
    for (const [name, { type, default: byDefault }] of Object.entries(called?.draft.inputs ?? {}))
      if (byDefault === undefined && !Object.hasOwn(step.with, name))
        entries.push([name, yamlValue(values.ofInput(type))]);
  } else {
    const action = actionOf(step, config);
    if (!action) return [];
    for (const name of requiredInputs(action))
      if (!Object.hasOwn(step.with, name))
        entries.push([name, yamlValue(values.ofSchema(inputSchemas(action)[name] ?? {}))]);
  }
  if (entries.length === 0) return [];
  const names = entries.map(([name]) => `\`${name}\``).join(', ');
  const given = runbook.value(`${step.pointer}/with`);
  const edit =
    given === undefined
      ? runbook.addKey(step.pointer, 'with', `{ ${entries.map(([name, value]) => `${name}: ${value}`).join(', ')} }`)
      : runbook.addKeys(`${step.pointer}/with`, entries);
  return fix(`Add ${names}`, [edit], { preferred: true });
}

function loopsAround(runbook: RunbookText, step: Step): ForEachStep[] {
  const loops: ForEachStep[] = [];
  for (let at = step.pointer.lastIndexOf('/'); at > 0; at = step.pointer.lastIndexOf('/', at - 1)) {
    const around = runbook.step(step.pointer.slice(0, at));
    if (around?.kind === 'forEach' && around.variable !== '') loops.unshift(around);
  }
  return loops;
}

/** The first lines of the file. */
function missingAtTop({ runbook, pointer, diagnostic }: Problem): Fix[] {
  const root = runbook.value('');
  if (diagnostic.range.start.line !== 0 || root === null || typeof root !== 'object' || Array.isArray(root)) return [];
  if (pointer.split('/').length > 2 || !runbook.parsed.source.keyRange(`/${escapePointer(Object.keys(root)[0] ?? '')}`))
    return [];
  if (root.version === undefined && textOf(diagnostic).includes('`version:`')) {
    const [key] = Object.keys(root);
    return fix('Add `version: 1`', [runbook.insertBeforeKey(key!, ['version: 1'])], { preferred: true });
  }
  if (root.name === undefined && textOf(diagnostic).includes('`name:`')) {
    const key = Object.keys(root).find(name => name !== 'version');
    return key === undefined ? [] : fix('Add `name`', [runbook.insertBeforeKey(key, ['name: What this runbook does'])]);
  }
  return [];
}

/** The whole of `inputs`, when the last one goes. */
function withoutInputs(runbook: RunbookText) {
  const inputs = runbook.value('/inputs');
  if (inputs === null || typeof inputs !== 'object' || Object.keys(inputs).length !== 1) return undefined;
  return runbook.removeKey('/inputs');
}

/** The input that an expression names, of the type that its place wants. */
function declared(problem: Problem, name: string) {
  const { runbook, step, pointer, config } = problem;
  const action = actionOf(step, config);
  const input = step && pointer.startsWith(`${step.pointer}/with/`) ? pointer.slice(step.pointer.length + 6) : '';
  const kind = action && inputSchemas(action)[input]?.['x-virtbook'];
  const looped = step?.kind === 'forEach' && pointer.startsWith(`${step.pointer}/forEach`);
  const type = kind === 'vm' || kind === 'host' ? kind : looped ? 'list' : 'string';
  return addInput(runbook, name, `{ type: ${type} }`);
}

export function addInput(runbook: RunbookText, name: string, definition: string) {
  const inputs = runbook.value('/inputs');
  if (inputs === undefined) return runbook.insertBeforeKey('steps', ['inputs:', `  ${name}: ${definition}`, '']);
  return runbook.addKey('/inputs', name, definition);
}

/** A number or `true` where text is wanted. */
function quoted({ runbook, pointer, diagnostic }: Problem, range: { start: number; end: number }): Fix[] {
  const value = runbook.value(pointer);
  if (!textOf(diagnostic).includes(' Quote it: ') || (typeof value !== 'number' && typeof value !== 'boolean'))
    return [];
  const text = JSON.stringify(runbook.text.slice(range.start, range.end));
  return fix(`Change to \`${text}\``, [{ ...range, text }], { preferred: true, safe: true });
}

/** `vm: [web1, web2]` becomes a loop over them. */
function listOfVms({ runbook, pointer, step, config }: Problem): Fix[] {
  const action = actionOf(step, config);
  if (!step || !action) return [];
  const name = pointer.slice(step.pointer.length + 6);
  const list = runbook.value(pointer);
  if (inputSchemas(action)[name]?.['x-virtbook'] !== 'vm' || !Array.isArray(list) || list.length === 0) return [];
  if (list.some(item => typeof item !== 'string')) return [];
  const at = runbook.lines(step.pointer);
  const value = runbook.parsed.source.valueRange(pointer);
  if (!at || !value || runbook.text.slice(at.dash, at.end).includes('|') || step.id !== undefined) return [];
  const body = `${runbook.text.slice(at.start, value.start)}"\${{ vm }}"${runbook.text.slice(value.end, at.end)}`;
  return fix(
    'Loop over these VMs',
    [{ start: at.start, end: at.end, text: looped(runbook, body, at.indent, yamlValue(list)) }],
    {
      preferred: true,
    },
  );
}

/** Whole lines of a step as the body of a loop. */
export function looped(runbook: RunbookText, body: string, indent: number, list: string): string {
  const pad = ' '.repeat(indent);
  const { eol } = runbook;
  const inner = body.replace(/^(?=[^\r\n])/gm, '    ');
  return `${pad}- forEach: { vm: ${list} }${eol}${pad}  steps:${eol}${inner}`;
}
