import { inputSchemas } from '../../runbook/check-context';
import type { Json } from '../../runbook/json';
import type { ActionStep, Step } from '../../runbook/model';
import { operationOf, vmInput } from '../../runbook/operations/operation';
import { actionOf, type Fix, fix, type Problem } from './fix';
import { type Edit, type RunbookText, yamlText, yamlValue } from './runbook-text';
import { freeId } from './structure-fixes';

/** Fixes of what goes wrong with VMs. */
export function operationFixes(problem: Problem): Fix[] {
  const { runbook, step, pointer, other, config, diagnostic } = problem;
  const action = actionOf(step, config);
  const input = action && vmInput(action);
  const vm = step?.kind === 'action' && input !== undefined ? step.with[input] : undefined;
  const named = typeof vm === 'string' ? yamlText(vm) : undefined;
  switch (diagnostic.code) {
    case 'migrate-with-snapshot':
      return named === undefined ? [] : closeSnapshot(problem, named);
    case 'snapshot-exists': {
      const name = step?.kind === 'action' ? step.with.name : undefined;
      if (typeof name !== 'string') return [];
      const free = freeSnapshotName(runbook, name);
      return fix(`Name it \`${free}\``, [runbook.replace(`${step!.pointer}/with/name`, yamlText(free))], {
        preferred: true,
      });
    }
    case 'snapshot-gone':
      if (step?.kind !== 'action' || !action || !operationOf(action, step.with)?.deletesSnapshot) return [];
      return fix('Do not mind that it is gone', [runbook.addKey(`${step.pointer}/with`, 'missing', 'ignore')]);
    case 'deleted-before-check': {
      const moved =
        step && other && sameList(step, other) ? runbook.moveBehind(step.pointer, other.pointer) : undefined;
      return fix('Delete it after the check', moved ?? [undefined], { preferred: true });
    }
    case 'memory-of-member':
      return step
        ? fix('Leave the memory out', [runbook.removeKey(`${step.pointer}/with/memory`)], { preferred: true })
        : [];
    case 'patch-unchecked':
      if (!step || named === undefined) return [];
      return fix('Add a check behind it', [runbook.insertAfter(step.pointer, checkOf(named))], { preferred: true });
    case 'missing-undo':
      return step?.kind === 'action' ? undoFixes(problem, step) : [];
    case 'no-point-of-no-return':
      return step ? [...noReturnBefore(problem, step), ...leaveIt(runbook, step)] : [];
    case 'migrate-during-backup':
    case 'same-vm-in-parallel':
      return oneAfterAnother(problem);
    case 'vm-is-off':
      if (!step || named === undefined) return [];
      return fix(
        'Start the VM before it',
        [runbook.insertBefore(step.pointer, ['- uses: vm.start', `  with: { vm: ${named}, waitForGuest: 120 }`])],
        { preferred: true },
      );
    case 'production-without-canary':
      if (!step) return [];
      return [
        ...fix('Let one go first', [runbook.addKey(`${step.pointer}/forEach`, 'canary', '1')], { preferred: true }),
        ...fix('Ask a person before', [runbook.insertBefore(step.pointer, approval(step))]),
      ];
    case 'unlimited-backups':
      return [
        ...fix('Set `limits` of one per host', [limit(runbook)], { preferred: true }),
        ...fix('One after another', [runbook.replace(pointer, '1')]),
      ];
    case 'endless-migration':
      if (!step) return [];
      return [
        ...fix('Give it up after 20 minutes', [runbook.addKey(step.pointer, 'timeout', '20m')], { preferred: true }),
        ...fix('Slow the guest down where need be', [runbook.removeKey(`${step.pointer}/with/autoConverge`)]),
      ];
    default:
      return [];
  }
}

/** A step that looks whether a VM is well. */
export function checkOf(vm: string): string[] {
  return ['- uses: check.guest', `  with: { vm: ${vm}, agent: true, timeout: 120 }`];
}

export function approval(step: Step): string[] {
  const what = step.id ?? (step.kind === 'action' || step.kind === 'call' ? step.uses : 'what follows');
  return [`- approve: { message: ${JSON.stringify(`Go on with ${what}?`)} }`];
}

/** Deletes the snapshot before the step that it is in the way of, or has none taken. */
function closeSnapshot({ runbook, step, other, config }: Problem, vm: string): Fix[] {
  const action = actionOf(other, config);
  if (!step || other?.kind !== 'action' || !action) return [];
  const taken = operationOf(action, other.with)?.takesSnapshot;
  if (!taken) return [];
  if (taken.until === 'success') {
    const switchable = inputSchemas(action).snapshot?.type === 'boolean';
    const switched =
      other.with.snapshot === undefined
        ? runbook.addKey(`${other.pointer}/with`, 'snapshot', 'false')
        : runbook.replace(`${other.pointer}/with/snapshot`, 'false');
    return [
      ...noReturnBefore({ runbook, config }, step),
      ...(switchable ? fix('Patch without a snapshot', [switched]) : []),
    ];
  }
  if (!sameList(step, other)) return [];
  const edits: (Edit | undefined)[] = [];
  let name: string;
  if (typeof other.with.name === 'string') name = yamlText(other.with.name);
  else {
    const id = other.id ?? freeId(runbook, 'snapshot');
    if (other.id === undefined) edits.push(runbook.addKey(other.pointer, 'id', id));
    name = `"\${{ steps.${id}.outputs.snapshot }}"`;
  }
  const deletion = ['- uses: vm.snapshot.delete', `  with: { vm: ${vm}, snapshot: ${name} }`];
  return fix('Delete the snapshot before it', [...edits, runbook.insertBefore(step.pointer, deletion)], {
    preferred: true,
  });
}

function undoFixes({ runbook, config }: Problem, step: ActionStep): Fix[] {
  const action = actionOf(step, config);
  const input = action && operationOf(action, step.with)?.undoInput;
  if (!action || input === undefined) return [];
  const schema = inputSchemas(action)[input];
  const undo = schema?.type === 'boolean' ? true : inverseOf(step.with.argv);
  return [
    ...(undo === undefined
      ? []
      : fix(`Add \`${input}: ${yamlValue(undo)}\``, [runbook.addKey(`${step.pointer}/with`, input, yamlValue(undo))], {
          preferred: true,
        })),
    ...leaveIt(runbook, step),
  ];
}

function leaveIt(runbook: RunbookText, step: Step): Fix[] {
  return fix('It may stay: add `rollback: none`', [runbook.addKey(step.pointer, 'rollback', 'none')]);
}

const inverses: Record<string, string> = {
  start: 'stop',
  stop: 'start',
  enable: 'disable',
  disable: 'enable',
  mask: 'unmask',
  unmask: 'mask',
};

/** The command that takes a well-known one back. */
function inverseOf(argv: Json | undefined): string[] | undefined {
  if (!Array.isArray(argv) || argv.some(word => typeof word !== 'string' || word.includes('${{'))) return undefined;
  const [command, verb, ...rest] = argv as string[];
  if (command === 'systemctl' && verb !== undefined && inverses[verb] && rest.length > 0)
    return [command, inverses[verb], ...rest];
  if (command === 'touch' && verb?.startsWith('/') && rest.length === 0) return ['rm', '-f', verb];
  return undefined;
}

/** Before the outermost step around it, as it can only stand there. */
export function noReturnBefore({ runbook }: Pick<Problem, 'runbook' | 'config'>, step: Step): Fix[] {
  const outermost = /^\/steps\/\d+/.exec(step.pointer)?.[0];
  if (outermost === undefined) return [];
  const lines = ['- pointOfNoReturn: What was done up to here is not taken back any more.'];
  return fix('Set a `pointOfNoReturn` before it', [runbook.insertBefore(outermost, lines)], { preferred: true });
}

/** The branches of the innermost `parallel` that holds both become a group. */
function oneAfterAnother({ runbook, step, other }: Problem): Fix[] {
  if (!step) return [];
  let at = step.pointer;
  while (at !== '') {
    at = at.slice(0, at.lastIndexOf('/'));
    const around = runbook.step(at);
    if (around?.kind === 'parallel' && other?.pointer.startsWith(`${at}/`))
      return fix('Do the branches one after another', [runbook.rename(`${at}/parallel`, 'steps')]);
    if (around?.kind === 'forEach' && !other && around.batch > 1)
      return fix('One item after another', [runbook.replace(`${at}/forEach/batch`, '1')]);
  }
  return [];
}

function limit(runbook: RunbookText): Edit | undefined {
  return runbook.value('/limits') === undefined
    ? runbook.insertBeforeKey('steps', ['limits: { perHost: 1 }', ''])
    : undefined;
}

function freeSnapshotName(runbook: RunbookText, name: string): string {
  for (let n = 2; ; n++) if (!runbook.text.includes(`${name}-${n}`)) return `${name}-${n}`;
}

/** Whether both stand in one list of steps. */
function sameList(one: Step, other: Step): boolean {
  return one.pointer.slice(0, one.pointer.lastIndexOf('/')) === other.pointer.slice(0, other.pointer.lastIndexOf('/'));
}
