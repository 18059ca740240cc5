import { type CalledRunbooks, calledPath } from '../calls';
import type { ActionSignature } from '../check-context';
import type {
  ActionStep,
  ApproveStep,
  AssertStep,
  CallStep,
  ForEachStep,
  NoReturnStep,
  ParallelStep,
  Runbook,
  Step,
  WaitStep,
} from '../model';
import { type Operation, operationOf, type UndoClassName, undoClassOf, vmInput } from './operation';
import { Names, type SubjectList, type Vm } from './subject';

/** Where a step is run, as seen from the runbook that is checked. */
export interface Where {
  /** Pointer of the step, or of the call in this runbook that leads to it. */
  pointer: string;
  /** It stands in another file: this one, which the step at `pointer` calls. */
  calledFile?: string | undefined;
  /** The outermost call that leads to it, where it stands in another file. */
  call?: CallStep | undefined;
  /** What has to be true for it to be run. */
  conditions: ReadonlySet<string>;
  /** The branches that it is in: of which `parallel`, and which of its. */
  branches: readonly { of: string; index: number }[];
  /** The loops that it is in, the innermost last. */
  loops: readonly Loop[];
  /** Whether it is one of the outermost steps or part of one; else of `finally`. */
  phase: 'steps' | 'finally';
}

/** A step with an action. */
export interface Act {
  step: ActionStep;
  action: ActionSignature;
  operation: Operation;
  /** undefined: not known. */
  undoClass: UndoClassName | undefined;
  vm?: Vm;
  where: Where;
}

export interface Loop {
  step: ForEachStep;
  /** Its items. */
  list: SubjectList;
  /** An item, as steps inside name it. */
  item: Vm;
  where: Where;
}

/** A rule follows the steps in the order in which they are run; those in `rollback` are left out. */
export interface OperationRule {
  act?(act: Act): void;
  /** A step that a person or time decides on, or an assertion. */
  control?(step: ApproveStep | WaitStep | AssertStep, where: Where): void;
  noReturn?(step: NoReturnStep): void;
  /** A step of which nothing is known, e.g. a runbook that can't be read. It may do anything. */
  unknown?(where: Where): void;
  enterLoop?(loop: Loop): void;
  leaveLoop?(loop: Loop): void;
  enterParallel?(step: ParallelStep, where: Where): void;
  leaveParallel?(step: ParallelStep, where: Where): void;
  /** A called runbook begins; what its own `limits` are. */
  enterCall?(called: Runbook, where: Where): void;
  /** What follows is run whatever became of the steps. */
  beginFinally?(): void;
  end?(): void;
}

export interface FlowContext {
  actions: ReadonlyMap<string, ActionSignature>;
  runbooks?: CalledRunbooks | undefined;
  /** Path of the file, as calls in it are relative to it. */
  path: string;
}

/** So many steps are followed in called runbooks; then calls count as not known, so that the cost stays in proportion. */
const maxCalledSteps = 2000;
const maxCalls = 16;

/** Takes the rules through a runbook. */
export function follow(runbook: Runbook, context: FlowContext, rules: readonly OperationRule[]): void {
  new Flow(context, rules).run(runbook);
}

interface Around extends Omit<Where, 'pointer'> {
  names: Names;
  /** Path of the file that the steps stand in. */
  path: string;
  depth: number;
}

class Flow {
  #calledSteps = 0;
  readonly #vmInputs = new Map<ActionSignature, string | undefined>();

  constructor(
    readonly context: FlowContext,
    readonly rules: readonly OperationRule[],
  ) {}

  run(runbook: Runbook): void {
    const around: Around = {
      conditions: new Set(),
      branches: [],
      loops: [],
      phase: 'steps',
      names: Names.of(runbook.inputs),
      path: this.context.path,
      depth: 0,
    };
    this.#steps(runbook.steps, around);
    if (runbook.finally?.length) {
      for (const rule of this.rules) rule.beginFinally?.();
      this.#steps(runbook.finally, { ...around, phase: 'finally' });
    }
    for (const rule of this.rules) rule.end?.();
  }

  #steps(steps: readonly Step[], around: Around): void {
    for (const step of steps) this.#step(step, around);
  }

  #step(step: Step, outside: Around): void {
    if (step.when === false) return;
    if (outside.call && ++this.#calledSteps > maxCalledSteps) {
      this.#unknown(whereOf(step, outside));
      return;
    }
    const around =
      typeof step.when === 'string'
        ? {
            ...outside,
            conditions: new Set(outside.conditions).add(`${step.when}@${outside.names.file}@${outside.names.loop}`),
          }
        : outside;
    const where = whereOf(step, around);
    switch (step.kind) {
      case 'action':
        this.#action(step, around, where);
        break;
      case 'steps':
        this.#steps(step.steps, around);
        break;
      case 'forEach':
        this.#forEach(step, around, where);
        break;
      case 'parallel':
        this.#parallel(step, around, where);
        break;
      case 'call':
        this.#call(step, around, where);
        break;
      case 'pointOfNoReturn':
        for (const rule of this.rules) rule.noReturn?.(step);
        break;
      default:
        for (const rule of this.rules) rule.control?.(step, where);
    }
  }

  #parallel(step: ParallelStep, around: Around, where: Where): void {
    for (const rule of this.rules) rule.enterParallel?.(step, where);
    for (const [index, branch] of step.steps.entries()) {
      const of = around.names.file + step.pointer;
      this.#step(branch, { ...around, branches: [...around.branches, { of, index }] });
    }
    for (const rule of this.rules) rule.leaveParallel?.(step, where);
  }

  #action(step: ActionStep, around: Around, where: Where): void {
    const action = this.context.actions.get(step.uses);
    const operation = action && operationOf(action, step.with);
    if (!operation) {
      this.#unknown(where);
      return;
    }
    if (!this.#vmInputs.has(action)) this.#vmInputs.set(action, vmInput(action));
    const input = this.#vmInputs.get(action);
    const vm = input === undefined ? undefined : around.names.one(step.with[input]);
    const act: Act = { step, action, operation, undoClass: undoClassOf(action, step.with), where, ...(vm && { vm }) };
    for (const rule of this.rules) rule.act?.(act);
  }

  #forEach(step: ForEachStep, around: Around, where: Where): void {
    const list = around.names.list(step.in);
    const names = around.names.inLoop(step.pointer, step.variable, list);
    const item = names.variables.get(step.variable)!;
    const loop: Loop = { step, list, item, where };
    for (const rule of this.rules) rule.enterLoop?.(loop);
    this.#steps(step.steps, { ...around, names, loops: [...around.loops, loop] });
    for (const rule of this.rules) rule.leaveLoop?.(loop);
  }

  #call(step: CallStep, around: Around, where: Where): void {
    const path = calledPath(around.path, step.uses);
    const called = around.depth < maxCalls ? this.context.runbooks?.(path)?.runbook : undefined;
    if (!called) {
      this.#unknown(where);
      return;
    }
    const given = new Map<string, Vm | SubjectList>();
    for (const [name, input] of Object.entries(called.inputs)) {
      const value = step.with[name] ?? input.default;
      if (value === undefined) continue;
      const many = input.type === 'vms' || input.type === 'hosts' || input.type === 'list';
      const subject = many ? around.names.list(value) : around.names.one(value);
      if (subject) given.set(name, subject);
    }
    for (const rule of this.rules) rule.enterCall?.(called, where);
    const file = `${around.names.file}${around.names.loop}${step.pointer}#`;
    const inside: Around = {
      ...around,
      call: around.call ?? step,
      calledFile: path,
      names: Names.of(called.inputs, file, given),
      path,
      depth: around.depth + 1,
    };
    this.#steps(called.steps, inside);
    this.#steps(called.finally ?? [], { ...inside, phase: 'finally' });
  }

  #unknown(where: Where): void {
    for (const rule of this.rules) rule.unknown?.(where);
  }
}

function whereOf(step: Step, around: Around): Where {
  const { calledFile, call, conditions, branches, loops, phase } = around;
  return { pointer: call?.pointer ?? step.pointer, calledFile, call, conditions, branches, loops, phase };
}

/** Whether two steps are in different branches of one `parallel`, so that neither is before the other. */
export function areBeside(one: Where, other: Where): boolean {
  for (const [depth, { of, index }] of one.branches.entries()) {
    const there = other.branches[depth];
    if (there?.of !== of) return false;
    if (there.index !== index) return true;
  }
  return false;
}

/** Whether the first is run, and not taken back, whenever the second is run. */
export function runsWhenever(one: Where, other: Where): boolean {
  for (const condition of one.conditions) if (!other.conditions.has(condition)) return false;
  // Of a loop that may go on after a failure, an item may have been rolled back.
  return one.loops.every(loop => loop.step.maxFailures === 0 || other.loops.includes(loop));
}

/** Whether there are runs in which both are run: what two different conditions have in common is not known. */
export function areRunTogether(one: Where, other: Where): boolean {
  return runsWhenever(one, other) || runsWhenever(other, one);
}

/** Both in what one call leads to: then it is said in the file that is called. */
export function areOfOneCall(one: Where, other: Where): boolean {
  return one.call !== undefined && one.call === other.call;
}
