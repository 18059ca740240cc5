import { inputSchemas } from '../../runbook/check-context';
import type { Json } from '../../runbook/json';
import type { ActionStep, InputType, Step } from '../../runbook/model';
import { type Operation, operationOf, undoClassOf, vmInput } from '../../runbook/operations/operation';
import type { EditorConfig } from '../config';
import { actionOf, type Fix, fix } from './fix';
import { approval, checkOf, noReturnBefore } from './operation-fixes';
import { type RunbookText, yamlText, yamlValue } from './runbook-text';
import { addInput, freeId, looped } from './structure-fixes';

/** What can be made of the step at a place, although nothing is wrong with it. */
export function rewrites(runbook: RunbookText, pointer: string, config: EditorConfig): Fix[] {
  const step = runbook.stepAround(pointer);
  if (!step || !runbook.lines(step.pointer)) return [];
  const undone = /^\/finally\/|\/rollback\/\d+/.test(step.pointer);
  const found: Fix[] = [];
  if (step.kind === 'action') found.push(...ofAction(runbook, step, config, undone));
  if (step.kind === 'forEach' && step.canary === undefined)
    found.push(...fix('Let one item go first (`canary`)', [runbook.addKey(`${step.pointer}/forEach`, 'canary', '1')]));
  if (!undone && step.kind !== 'approve')
    found.push(...fix('Insert an approval before', [runbook.insertBefore(step.pointer, approval(step))]));
  if (!undone && step.kind !== 'pointOfNoReturn' && /^\/steps\/\d+$/.test(step.pointer))
    for (const { edits } of noReturnBefore({ runbook, config }, step))
      found.push({ title: 'Insert a `pointOfNoReturn` before', edits });
  return found;
}

function ofAction(runbook: RunbookText, step: ActionStep, config: EditorConfig, undone: boolean): Fix[] {
  const action = actionOf(step, config);
  const operation = action && operationOf(action, step.with);
  const input = action && vmInput(action);
  if (!action || !operation || input === undefined) return [];
  const vm = step.with[input];
  if (typeof vm !== 'string' || vm === '') return [];
  const changes = undoClassOf(action, step.with) !== 'none';
  const found: Fix[] = [];
  if (changes && !undone) found.push(...inSnapshot(runbook, step, yamlText(vm), operation, config));
  if (
    changes &&
    operation.leaves !== 'off' &&
    !operation.deletesSnapshot &&
    operation.takesSnapshot?.until !== 'deleted'
  )
    found.push(...fix('Insert a check behind', [runbook.insertAfter(step.pointer, checkOf(yamlText(vm)))]));
  return [...found, ...inLoop(runbook, step, input)];
}

/** A snapshot before the step, which its rollback goes back to, and which is deleted when all has gone well. */
function inSnapshot(
  runbook: RunbookText,
  step: ActionStep,
  vm: string,
  operation: Operation,
  config: EditorConfig,
): Fix[] {
  const { takesSnapshot, deletesSnapshot, revertsTo, refusesSnapshots, role } = operation;
  if (takesSnapshot || deletesSnapshot || revertsTo !== undefined || refusesSnapshots || role === 'backup') return [];
  if (step.rollback !== undefined) return [];
  const names = config.actions
    .filter(action => action.operation && action.name.startsWith('vm.'))
    .map(({ name }) => name);
  if (!['vm.snapshot', 'vm.revert', 'vm.snapshot.delete'].every(name => names.includes(name))) return [];
  const name = freeId(runbook, `before-${(step.id ?? step.uses).replaceAll('.', '-')}`);
  const back = ['rollback:', '  - uses: vm.revert', `    with: { vm: ${vm}, snapshot: ${name} }`];
  const last = lastCheck(runbook, step, config);
  return fix('Take a snapshot around it', [
    runbook.insertBefore(step.pointer, ['- uses: vm.snapshot', `  with: { vm: ${vm}, name: ${name} }`]),
    runbook.addBlock(step.pointer, back),
    runbook.insertAfter(last.pointer, ['- uses: vm.snapshot.delete', `  with: { vm: ${vm}, snapshot: ${name} }`]),
  ]);
}

/** The last of the steps right behind it that look whether it went well. */
function lastCheck(runbook: RunbookText, step: ActionStep, config: EditorConfig): Step {
  let last: Step = step;
  for (const sibling of siblingsBehind(runbook, step)) {
    const action = actionOf(sibling, config);
    const checks =
      sibling.kind === 'assert' ||
      (sibling.kind === 'action' && action && operationOf(action, sibling.with)?.role === 'check');
    if (!checks) break;
    last = sibling;
  }
  return last;
}

function* siblingsBehind(runbook: RunbookText, step: Step): Iterable<Step> {
  const cut = step.pointer.lastIndexOf('/');
  for (let index = Number(step.pointer.slice(cut + 1)) + 1; ; index++) {
    const sibling = runbook.step(`${step.pointer.slice(0, cut)}/${index}`);
    if (!sibling) return;
    yield sibling;
  }
}

/** Steps that differ only in their VM become one in a loop; one alone becomes a loop that others can be added to. */
function inLoop(runbook: RunbookText, step: ActionStep, input: string): Fix[] {
  const vms: string[] = [];
  let last = step.pointer;
  const body = bodyOf(runbook, step, input);
  if (!body || step.id !== undefined) return [];
  vms.push(body.vm);
  for (const sibling of siblingsBehind(runbook, step)) {
    const other = sibling.kind === 'action' ? bodyOf(runbook, sibling, input) : undefined;
    if (other?.text.trim() !== body.text.trim()) break;
    vms.push(other.vm);
    last = sibling.pointer;
  }
  const from = runbook.lines(step.pointer)!;
  const to = runbook.lines(last)!;
  const text = looped(runbook, body.text, from.indent, yamlValue(vms));
  const title = vms.length > 1 ? `Make one loop of these ${vms.length} steps` : 'Put it in a loop (`forEach`)';
  return fix(title, [{ start: from.start, end: to.end, text }]);
}

/** The lines of a step with the loop's variable in the place of its VM; undefined where that could change their meaning. */
function bodyOf(runbook: RunbookText, step: ActionStep, input: string): { vm: string; text: string } | undefined {
  const vm = step.with[input];
  const at = runbook.lines(step.pointer);
  const value = runbook.parsed.source.valueRange(`${step.pointer}/with/${input}`);
  if (typeof vm !== 'string' || vm.includes('${{') || !at || !value || step.id !== undefined) return undefined;
  const text = `${runbook.text.slice(at.start, value.start)}"\${{ vm }}"${runbook.text.slice(value.end, at.end)}`;
  return { vm, text };
}

/** The value at a place becomes an input. */
export function extractions(runbook: RunbookText, pointer: string, config: EditorConfig): Fix[] {
  const step = runbook.stepAround(pointer);
  if (step?.kind !== 'action' && step?.kind !== 'call') return [];
  const inside = pointer.startsWith(`${step.pointer}/with/`) ? pointer.slice(step.pointer.length + 6) : '';
  // Of a list the whole is taken, not an item.
  const key = inside.split('/')[0] ?? '';
  const place = `${step.pointer}/with/${key}`;
  const value = runbook.value(place);
  if (key === '' || !/^[A-Za-z][\w-]*$/.test(key) || !isPlain(value)) return [];
  const action = actionOf(step, config);
  const kind = action && inputSchemas(action)[key]?.['x-virtbook'];
  const type = typeOf(value, kind);
  const taken = Object.keys(runbook.parsed.draft.inputs);
  let name = key;
  for (let n = 2; taken.includes(name); n++) name = `${key}${n}`;
  const expression = `\${{ inputs.${name} }}`;
  return fix(`Make it the input \`${name}\``, [
    addInput(runbook, name, `{ type: ${type}, default: ${yamlValue(value)} }`),
    runbook.replace(place, runbook.inFlow(place) ? `"${expression}"` : expression),
  ]);
}

function isPlain(value: Json | undefined): value is Json {
  if (Array.isArray(value)) return value.length > 0 && value.every(item => typeof item !== 'object' && isPlain(item));
  return typeof value === 'string' ? !value.includes('${{') : typeof value === 'number' || typeof value === 'boolean';
}

function typeOf(value: Json, kind: string | undefined): InputType {
  if (kind === 'vm' || kind === 'host') return kind;
  if (Array.isArray(value)) return 'list';
  return typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'boolean' : 'string';
}
