import type { ActionDefinition } from '../actions/action';
import { parseDuration } from '../runbook/duration';
import { evaluateCondition, evaluateTemplate, type Scope } from '../runbook/expression';
import type { Json, JsonObject } from '../runbook/json';
import {
  type ActionStep,
  type ApproveStep,
  type AssertStep,
  type CallStep,
  everyStep,
  type ForEachStep,
  type GroupStep,
  innerSteps,
  type NoReturnStep,
  type ParallelStep,
  type Runbook,
  type Step,
  type WaitStep,
} from '../runbook/model';
import { attemptStep, Stopped, told } from './action-step';
import { controlTitle } from './control-title';
import type { Durable } from './durable';
import { messageOf } from './failure';
import { plainKey } from './frames';
import { forwardMark } from './history';
import { actionInputs } from './inputs';
import type { ControlKind, Failure, Remaining, RunEnded } from './journal';
import { finallyMark, itemKeys, itemName, stepKey } from './keys';
import { isOf, ListWalk, type WalkedRun } from './list-walk';
import { LoopFailures } from './loop-failures';
import { ForwardStopped, type Outer, type Place, StepFailed, WindowClosed } from './place';
import type { Plan } from './plan';
import { resolveInputs } from './plan-inputs';
import { RemainingSteps } from './remaining-steps';
import { commit, type Replacement, type ReplacementPlace, type RolledBack, rollBack } from './rollback';
import type { StopPoints } from './stop-points';
import { type StepUndo, stepsOf, takeOut, type UndoEntry } from './undo-stack';
import { WindowGate, WindowRefused } from './window-gate';
import type { World } from './world';

/**
 * Carries out a plan, from the start or from wherever the Durable's records end, to its own end or its rollback.
 * Rejects only when the journal can't be written: then a later runner goes on from what is recorded.
 */
export async function interpret(durable: Durable, plan: Plan, world: World): Promise<RunEnded> {
  const run = new Interpreter(plan, world);
  const scope: Scope = {
    inputs: world.secrets?.restore(plan.inputs) ?? plan.inputs,
    steps: {},
    run: { id: durable.runId },
  };
  const place: Place = { durable, prefix: '', scope, undo: [], shielded: false, outermost: true };
  run.reached(plan.program, place);
  const outcome = await carryOut(run, plan, place);
  const left = await run.finally(durable);
  const ended: RunEnded = { type: 'run.ended', ...outcome };
  if (left.length > 0) {
    ended.status = 'needs-operator';
    ended.failure ??= { class: 'failed', message: `${left[0]!.key} (in finally) failed: ${left[0]!.why}` };
    ended.remaining = [...(ended.remaining ?? []), ...left];
  }
  if (run.failedItems.length > 0) ended.failedItems = run.failedItems;
  if (run.warnings.length > 0) ended.warnings = run.warnings;
  return world.secrets?.strike(ended) ?? ended;
}

function idsIn(steps: readonly Step[]): string[] {
  return steps.flatMap(step => (step.id === undefined ? [] : [step.id]));
}

/** Steps that did not run have given nothing. */
function leftOut(ids: readonly string[], scope: Scope): void {
  for (const id of ids) if (!Object.hasOwn(scope.steps, id)) scope.steps[id] = { outputs: {} };
}

function leaveOut(step: Step, scope: Scope): void {
  const inner = innerSteps(step);
  if (inner.length > 0 && step.kind !== 'forEach') leftOut(idsIn(everyStep({ steps: inner })), scope);
}

/** What a step gave is seen by the steps after it. */
function keep(step: Step, got: JsonObject, place: Place, outputs: JsonObject): void {
  if (step.id === undefined) return;
  place.scope.steps[step.id] = { outputs: got };
  outputs[step.id] = got;
}

type Outcome = Pick<RunEnded, 'status' | 'failure' | 'failedStep' | 'remaining' | 'forward'>;

/** All but `finally`. */
async function carryOut(run: Interpreter, plan: Plan, place: Place): Promise<Outcome> {
  const { durable, undo } = place;
  let stop: StepFailed | ForwardStopped | WindowClosed | Stopped;
  try {
    await run.steps(plan.program.steps, place);
    if (await commits(run, durable, undo)) run.warnings.push(...(await commit(durable, run.world, undo)));
    if (run.noReturn !== undefined || hadSucceeded(durable) || durable.cancelled !== 'rollback') {
      return { status: 'done' };
    }
    stop = new Stopped();
  } catch (error) {
    if (!isStop(error)) throw error;
    stop = error;
  }
  const failed = stop instanceof StepFailed || stop instanceof ForwardStopped ? stop : undefined;
  const failure = failureOf(stop);
  const what = { failure, ...(failed && { failedStep: failed.key }) };
  const back = (stack: UndoEntry[]): Promise<RolledBack> => run.rollBack(place, stack, { whole: true });

  if (run.noReturn !== undefined) {
    if (!(stop instanceof StepFailed) && !(stop instanceof ForwardStopped)) {
      failure.message += ` It has passed its point of no return (${run.noReturn}), so what was done stays.`;
    }
    // What was stopped halfway is neither done nor not done.
    const { remaining, warnings } = await back(takeOut(undo, entry => entry.interrupted === true));
    run.warnings.push(...warnings);
    remaining.push(...run.itemsRemaining, ...run.stepsRemaining);
    if (!failed && remaining.length === 0) return { status: 'stopped', ...what };
    return { status: 'needs-operator', ...what, remaining, forward: true };
  }
  const keeps = stop instanceof WindowClosed ? stop.what === 'stop' : !failed && durable.cancelled === 'keep';
  if (keeps) {
    const { remaining, warnings } = await back(takeOut(undo, entry => entry.interrupted === true));
    run.warnings.push(...warnings);
    return remaining.length > 0 ? { status: 'needs-operator', ...what, remaining } : { status: 'stopped', ...what };
  }
  const reason = failed ? `${failed.key} failed: ${failure.message}` : failure.message;
  if (run.world.debug?.watching && !durable.recorded('rollback.started')) {
    await run.world.debug.beforeRollback(place, reason, failure);
  }
  await durable.emit({ type: 'rollback.started', reason: stop instanceof Stopped ? 'A person asked for it.' : reason });
  const { undone, remaining, warnings } = await back(undo);
  run.warnings.push(...warnings);
  remaining.push(...run.itemsRemaining);
  if (remaining.length > 0) return { status: 'needs-operator', ...what, remaining };
  return { status: undone > 0 || run.undone > 0 || !failed ? 'rolled-back' : 'failed', ...what };
}

/** Of items that are not begun any more: as many as there are, they need no stack of their own. */
const stopped = new Stopped();

/** Attempts at one step. */
interface Tries {
  next: number;
  /** Of an attempt after the point of no return that could not be taken back: the state before it still counts. */
  kept?: StepUndo;
}

const notReached = 'The run stopped before it.';

function isStop(error: unknown): error is StepFailed | ForwardStopped | WindowClosed | Stopped {
  return (
    error instanceof StepFailed ||
    error instanceof ForwardStopped ||
    error instanceof WindowClosed ||
    error instanceof Stopped
  );
}

function failureOf(stop: StepFailed | ForwardStopped | WindowClosed | Stopped): Failure {
  if (stop instanceof StepFailed || stop instanceof ForwardStopped) return { ...stop.failure };
  if (stop instanceof WindowClosed) return { class: 'blocked', message: stop.text };
  return { class: 'cancelled', message: 'A person stopped it.' };
}

/** `finally` has begun after the steps, not after a rollback: a cancel came later than that. */
function hadSucceeded(durable: Durable): boolean {
  return durable.recorded('finally.started') !== undefined && !durable.recorded('rollback.started');
}

/** The last point at which a cancel is heeded: once something kept for the undo is removed, the run is a success. */
async function commits(run: Interpreter, durable: Durable, undo: UndoEntry[]): Promise<boolean> {
  const heedCancel = (): void => {
    if (durable.cancelled === 'rollback' && run.noReturn === undefined) throw new Stopped();
  };
  if (!stepsOf(undo).some(entry => entry.definition.commit)) {
    if (!hadSucceeded(durable)) heedCancel();
    return false;
  }
  await durable.decide('commit.started', () => {
    heedCancel();
    return { type: 'commit.started' };
  });
  return true;
}

class Interpreter implements WalkedRun {
  /** Keys of items that failed within their loop's `maxFailures`. */
  readonly failedItems: string[] = [];
  /** What rollbacks of single items left. */
  readonly itemsRemaining: Remaining[] = [];
  /** What a run that stopped after its point of no return has still to do. */
  readonly stepsRemaining: Remaining[] = [];
  /** Steps undone in rollbacks of single items. */
  undone = 0;
  /** What a person should know although nothing is left to do. */
  readonly warnings: string[] = [];
  /** Key of the point of no return that was passed. */
  noReturn: string | undefined;
  /** What is run at the end, of the runbook and of those that it has called so far. */
  readonly #finally: { steps: readonly Step[]; place: Place; ids: readonly string[] }[] = [];
  readonly #window: WindowGate | undefined;
  /** Keys of steps that were left out. */
  readonly #skipped = new Set<string>();
  /** What people have approved, by its key without rounds. */
  readonly #approved = new Set<string>();

  constructor(
    private readonly plan: Plan,
    readonly world: World,
  ) {
    const windows = plan.windows ?? (plan.program.window ? [plan.program.window] : []);
    this.#window = windows.length > 0 ? new WindowGate(windows) : undefined;
  }

  /** A runbook whose steps begin: its `finally` is to be run, whatever becomes of them. */
  reached(runbook: Pick<Runbook, 'steps' | 'finally'>, place: Place): void {
    const steps = runbook.finally ?? [];
    if (steps.length === 0) return;
    const prefix = `${place.prefix}${finallyMark}`;
    const last = { ...place, prefix, shielded: true, outermost: false, mayFail: undefined };
    this.#finally.push({ steps, place: last, ids: idsIn(everyStep(runbook)) });
  }

  /** Called runbooks' first. Each step is tried, whatever became of those before it; gives those that failed. */
  async finally(durable: Durable): Promise<Remaining[]> {
    const left: Remaining[] = [];
    if (this.#finally.length > 0) await durable.emit({ type: 'finally.started' });
    for (let next = this.#finally.pop(); next; next = this.#finally.pop()) {
      const { steps, place, ids } = next;
      leftOut(ids, place.scope);
      for (const step of steps) {
        try {
          await this.steps([step], { ...place, durable, undo: [] });
        } catch (error) {
          if (!(error instanceof StepFailed)) throw error;
          left.push(...this.#remaining(error.failure.message, [step], place));
        }
      }
    }
    return left;
  }

  /** `whole`: nothing else of the run goes on beside it. `back`: id of a step back, which ends at the first undo that fails. */
  rollBack(place: Place, stack: UndoEntry[], how: { whole?: true; back?: string } = {}): Promise<RolledBack> {
    const { durable } = place;
    const replacement: Replacement = {
      run: (steps, where) => this.#replacement(place, steps, where),
      left: (steps, where, why) => this.#remaining(why, steps, where),
    };
    const { debug } = this.world;
    return rollBack(durable, this.world, stack, replacement, {
      ...(how.whole && this.world.rests && { rests: this.world.rests }),
      ...(how.back !== undefined && { back: how.back }),
      ...(debug && how.back === undefined && { before: (entry, text) => debug.beforeUndo(place, entry, text) }),
    });
  }

  get stops(): StopPoints | undefined {
    return this.world.debug;
  }

  async perform(step: Step, key: string, place: Place, rest: readonly Step[]): Promise<JsonObject> {
    try {
      return this.#recorded(step, place, key) ?? (await this.#step(step, key, place));
    } catch (error) {
      return this.#ended(error, step, key, place, rest);
    }
  }

  wasSkipped(key: string): boolean {
    return this.#skipped.has(key);
  }

  async leaveOut(step: Step, key: string, { durable, scope }: Place, reason: string): Promise<void> {
    this.#skipped.add(key);
    await durable.emit({ type: 'step.skipped', key, pointer: step.pointer, reason });
    leaveOut(step, scope);
  }

  async takeBack(place: Place, entries: UndoEntry[], back: string): Promise<RolledBack> {
    const result = await this.rollBack(place, entries, { back });
    this.undone += result.undone;
    this.warnings.push(...result.warnings);
    return result;
  }

  forget(key: string): void {
    const failed = this.failedItems.filter(one => !isOf(one, key));
    this.failedItems.splice(0, this.failedItems.length, ...failed);
  }

  #remaining(why: string, steps: readonly Step[], place: Pick<Place, 'prefix' | 'scope'>): Remaining[] {
    return new RemainingSteps(this.world, why).of(steps, place);
  }

  /** One after another. Gives outputs by id of those that have one; at once, where all of them are recorded. */
  steps(steps: readonly Step[], place: Place): JsonObject | Promise<JsonObject> {
    const outputs: JsonObject = {};
    if (place.durable.steered && steps.length > 0) return new ListWalk(this, steps, place, outputs, 0).go();
    for (let at = 0; at < steps.length; at++) {
      const step = steps[at]!;
      const got = this.#recorded(step, place, stepKey(place.prefix, step));
      if (!got) return this.#stepsFrom(at, steps, place, outputs);
      keep(step, got, place, outputs);
    }
    return outputs;
  }

  async #stepsFrom(from: number, steps: readonly Step[], place: Place, outputs: JsonObject): Promise<JsonObject> {
    for (let at = from; at < steps.length; at++) {
      if (this.world.debug?.watching) return new ListWalk(this, steps, place, outputs, at).go();
      const step = steps[at]!;
      const key = stepKey(place.prefix, step);
      try {
        keep(step, this.#recorded(step, place, key) ?? (await this.#step(step, key, place)), place, outputs);
      } catch (error) {
        await this.#ended(error, step, key, place, steps.slice(at + 1));
      }
    }
    return outputs;
  }

  /** A step of a list did not come to a good end, so those after it are not reached. */
  async #ended(error: unknown, step: Step, key: string, place: Place, rest: readonly Step[]): Promise<never> {
    if (error instanceof StepFailed && error.key === key && this.world.debug?.watching) {
      await this.world.debug.failed({ place, step, key }, error.failure);
    }
    const stopsThere = place.outermost && this.noReturn !== undefined && error instanceof StepFailed;
    if (error instanceof ForwardStopped || stopsThere) {
      this.stepsRemaining.push(...this.#remaining(notReached, rest, place));
    }
    throw error;
  }

  /** What a step gave, when it is recorded that it was left out or done at the first attempt: nothing is evaluated or awaited. */
  #recorded(step: Step, place: Place, key: string): JsonObject | undefined {
    const conditional = step.when !== undefined && step.when !== true;
    if (!conditional && step.kind !== 'action') return undefined;
    if (conditional && place.durable.recall(`step.skipped ${key}`)) {
      this.#skipped.add(key);
      leaveOut(step, place.scope);
      return {};
    }
    if (step.kind !== 'action') return undefined;
    const found = place.durable.finished(key);
    if (!found) return undefined;
    if (place.outermost) this.#window?.seenBegun();
    const definition = this.world.action(step.uses);
    const { intent, end } = found;
    if (!place.shielded && definition) {
      place.undo.push({
        kind: 'step',
        key,
        step,
        definition,
        inputs: intent.inputs,
        attempt: 1,
        before: intent.before,
        outputs: end.outputs,
        scope: undoScope(step, place.scope, end.outputs),
      });
    }
    return end.outputs;
  }

  async #step(step: Step, key: string, place: Place): Promise<JsonObject> {
    const tries: Tries = { next: 1 };
    // Loops are let through item by item.
    if (place.outermost && this.#window && step.kind !== 'forEach') {
      await this.#passWindow(this.#window, step, key, place, tries);
    }
    for (;;) {
      try {
        return await this.#once(step, key, place, tries);
      } catch (error) {
        if (!(error instanceof StepFailed) || error.key !== key || !error.own) throw error;
        if (this.noReturn === undefined || place.shielded) throw error;
        const question = `${forwardMark}${key}#${error.own.attempt}`;
        // On a replay it goes the way it went.
        if (!place.durable.wasAsked(question) && place.mayFail?.()) throw error;
        await this.#forward(question, step, place, tries, error);
      }
    }
  }

  /** After the point of no return a step that failed is only taken back itself; then a person says whether to try it again. */
  async #forward(question: string, step: Step, place: Place, tries: Tries, error: StepFailed): Promise<void> {
    const { key, failure } = error;
    const { durable } = place;
    const entry = error.own?.entry;
    let left = '';
    if (entry && place.undo.at(-1) === entry) {
      const { remaining, warnings } = await this.rollBack(place, [entry]);
      left = [...remaining.map(one => `What it did itself could not be taken back: ${one.why}`), ...warnings].join(' ');
      if (remaining.length === 0) place.undo.pop();
      tries.kept = remaining.length === 0 ? undefined : entry;
    }
    const answer = await durable.ask(question, {
      text:
        `${key} failed after the point of no return (${this.noReturn}), so what was done before stays. ` +
        `${failure.message} ${left}`.trim(),
      choices: [
        { id: 'again', label: 'Try it again' },
        { id: 'stop', label: 'Stop here; `virtbook resume` tries it again' },
      ],
    });
    if (answer.choice === 'again') return;
    if (answer.choice === 'cancelled') throw new Stopped();
    this.stepsRemaining.push(...this.#remaining(failure.message, [step], place));
    throw new ForwardStopped(key, failure);
  }

  async #passWindow(gate: WindowGate, step: Step, key: string, place: Place, tries: Tries): Promise<void> {
    try {
      await gate.pass(place.durable, key);
    } catch (error) {
      if (!(error instanceof WindowRefused)) throw error;
      await this.#fail(step, key, place, tries, { class: 'blocked', message: error.message });
    }
  }

  async #once(step: Step, key: string, place: Place, tries: Tries): Promise<JsonObject> {
    const { scope } = place;
    if (step.when !== undefined && step.when !== true) {
      let runs: boolean;
      try {
        runs = evaluateCondition(step.when, scope);
      } catch (error) {
        return this.#fail(step, key, place, tries, failedBy(error));
      }
      if (!runs) {
        const reason = `when: ${String(step.when)} is false`;
        await this.leaveOut(step, key, place, reason);
        return {};
      }
    }
    switch (step.kind) {
      case 'action':
        return this.#action(step, key, place, tries);
      case 'steps':
        return this.#group(step, key, place);
      case 'parallel':
        return this.#parallel(step, key, place);
      case 'forEach':
        return this.#forEach(step, key, place, tries);
      case 'call':
        return this.#call(step, key, place, tries);
      case 'approve':
        return this.#approve(step, key, place, tries);
      case 'wait':
        return this.#wait(step, key, place, tries);
      case 'assert':
        return this.#assert(step, key, place, tries);
      case 'pointOfNoReturn':
        return this.#passNoReturn(step, key, place, tries);
    }
  }

  async #group(step: GroupStep, key: string, place: Place): Promise<JsonObject> {
    const outer: Outer = { place, step, key };
    return this.steps(step.steps, { ...place, prefix: `${key}/`, outermost: false, outer });
  }

  async #parallel(step: ParallelStep, key: string, place: Place): Promise<JsonObject> {
    const branches = step.steps.map(() => ({
      undo: [] as UndoEntry[],
      scope: { ...place.scope, steps: { ...place.scope.steps } },
    }));
    const max = Math.max(1, branches.length);
    place.undo.push({ kind: 'fork', key, max, branches: branches.map(branch => branch.undo) });
    const results = await place.durable.fork(
      key,
      branches.map(({ undo, scope }, at) => (durable: Durable) => {
        const branch = step.steps[at]!;
        const outer: Outer = { place, step, key, beside: stepKey(`${key}/`, branch) };
        const inner: Place = { ...place, durable, prefix: `${key}/`, outermost: false, undo, scope, outer };
        return this.#beside(outer, () => this.steps([branch], inner));
      }),
    );
    const thrown = results.flatMap(result => (result.status === 'rejected' ? [result.reason as unknown] : []));
    const failures = thrown.filter(error => error instanceof StepFailed);
    if (thrown.length > 0) {
      const [first] = failures;
      const lost = thrown.find(error => !isStop(error));
      if (lost !== undefined || !first)
        throw lost ?? thrown.find(error => error instanceof ForwardStopped) ?? thrown[0];
      if (failures.length === 1) throw first;
      const message = `${failures.length} of ${results.length} branches failed. ${first.key}: ${first.failure.message}`;
      throw new StepFailed(key, { class: first.failure.class, message });
    }
    for (const { scope } of branches) Object.assign(place.scope.steps, scope.steps);
    return Object.assign({}, ...results.map(result => (result.status === 'fulfilled' ? result.value : {})));
  }

  /** As a thread of its own. */
  #beside<T>(thread: Outer, go: () => T | Promise<T>): T | Promise<T> {
    const { debug } = this.world;
    if (!debug) return go();
    debug.started(thread);
    return Promise.resolve(go()).finally(() => debug.exited(thread));
  }

  async #action(step: ActionStep, key: string, place: Place, tries: Tries): Promise<JsonObject> {
    const { durable, scope } = place;
    const { world } = this;
    const definition = world.action(step.uses);
    // Evaluated when first asked for: where the step is recorded, its intent has them.
    let known: ReturnType<Interpreter['inputsOf']> | undefined;
    const inputs = () => (known ??= this.inputsOf(definition, step, scope));
    let title: string | undefined;
    let pushed = tries.kept;
    /** An attempt of this round has changed something. */
    let touched = false;
    /** What a cancel stopped halfway. It is undone before the run goes on, so when another attempt was made it is no more. */
    let stopped: StepUndo | undefined;
    let attempts = 0;
    for (;;) {
      const number = tries.next++;
      attempts++;
      const { value: end, prepared } = await attemptStep(durable, this.world, {
        key,
        number,
        step,
        definition,
        get inputs() {
          return inputs();
        },
        recorded: values => {
          known ??= { values };
        },
        before: pushed?.before,
        mayRetry: attempts < (step.retry?.attempts ?? 1),
        get title() {
          title ??= titleOf(world, step, definition, inputs(), scope);
          return title;
        },
        shielded: place.shielded,
      });
      if (stopped) place.undo.splice(place.undo.lastIndexOf(stopped), 1);
      stopped = undefined;
      if (prepared !== undefined && (end.ok || !end.untouched)) {
        touched = true;
        if (!pushed) {
          const given = inputs();
          pushed = {
            kind: 'step',
            key,
            step,
            definition: definition!,
            inputs: 'values' in given ? given.values : {},
            attempt: number,
            before: prepared,
            scope: undoScope(step, scope),
          };
          if (!place.shielded) place.undo.push(pushed);
        } else if (pushed === tries.kept) {
          // Its undo was tried already for the attempt before, and is another one from here on.
          pushed.attempt = number;
          tries.kept = undefined;
        }
      }
      if (end.ok) {
        if (pushed) {
          pushed.outputs = end.outputs;
          pushed.scope = undoScope(step, scope, end.outputs);
        }
        return end.outputs;
      }
      if (end.willRetry) {
        if (step.retry) await durable.sleep(`${key}#${number} retry`, step.retry.delayMs, place);
        continue;
      }
      if (end.failure.class === 'cancelled' && !place.shielded) {
        // Take it anew: where the cancel still stands, the attempt stops before it begins.
        if (pushed) pushed.interrupted = true;
        stopped = pushed;
        pushed = undefined;
        attempts = 0;
        continue;
      }
      if (pushed) {
        pushed.failure = end.failure;
        if (end.notDone) pushed.notDone = true;
      }
      throw new StepFailed(key, end.failure, { attempt: number, ...(pushed && touched && { entry: pushed }) });
    }
  }

  private inputsOf(
    definition: ActionDefinition | undefined,
    step: ActionStep,
    scope: Scope,
  ): { values: JsonObject } | { failure: Failure } {
    if (!definition) return { values: {} };
    try {
      return { values: actionInputs(definition, step.with, scope) };
    } catch (error) {
      return { failure: { class: 'failed', message: messageOf(error) } };
    }
  }

  async #forEach(step: ForEachStep, key: string, place: Place, tries: Tries): Promise<JsonObject> {
    let items: Json;
    try {
      items = evaluateTemplate(step.in, place.scope);
      if (!Array.isArray(items)) throw new Error(`forEach needs a list, but this gives ${JSON.stringify(items)}.`);
    } catch (error) {
      return this.#fail(step, key, place, tries, failedBy(error));
    }
    const keys = itemKeys(key, items);
    const branches: UndoEntry[][] = items.map(() => []);
    place.undo.push({ kind: 'fork', key, max: step.batch, branches });
    const failures = new LoopFailures(step, keys, place.durable);
    const outputs: JsonObject = {};
    /** Items under way come to their end, no other is begun. */
    let halted: ForwardStopped | WindowClosed | undefined;

    const { run } = place.scope;
    const outerOf = (at: number): Outer => {
      const item = keys[at]!;
      return { place, step, key, item, ...(step.batch > 1 && { beside: item }) };
    };
    const placeOf = (durable: Durable, value: Json, at: number, outer = outerOf(at)): Place => ({
      durable,
      prefix: `${keys[at]}/`,
      outer,
      scope: {
        inputs: place.scope.inputs,
        run,
        steps: { ...place.scope.steps },
        variables: { ...place.scope.variables, [step.variable]: value },
        index: at,
      },
      undo: branches[at]!,
      shielded: place.shielded,
      outermost: false,
      mayFail: () => failures.within(at) || place.mayFail?.() === true,
    });
    /** Of an item that is recorded as done. */
    const past = (durable: Durable, value: Json, at: number): JsonObject | Promise<JsonObject> | undefined => {
      const ended = durable.recorded(`item.ended ${keys[at]}`);
      if (ended?.type !== 'item.ended' || !ended.ok) return undefined;
      durable.recall(`item.ended ${keys[at]}`);
      durable.recall(`item.started ${keys[at]}`);
      if (place.outermost) this.#window?.seenBegun();
      return this.steps(step.steps, placeOf(durable, value, at));
    };
    const item = async (durable: Durable, value: Json, at: number, outer: Outer): Promise<void> => {
      const itemKey = keys[at]!;
      const ids = { key: itemKey, pointer: step.pointer };
      const inner = placeOf(durable, value, at, outer);
      try {
        if (halted instanceof ForwardStopped)
          this.stepsRemaining.push(...this.#remaining(notReached, step.steps, inner));
        if (halted) throw halted;
        if (place.outermost && failures.over === undefined) await this.#window?.pass(durable, itemKey);
        const start = await durable.decide(`item.started ${itemKey}`, () => {
          if (durable.cancelled && !place.shielded) throw stopped;
          return failures.over === undefined
            ? { type: 'item.started', ...ids, value }
            : { type: 'item.skipped', ...ids, value, reason: failures.over };
        });
        if (start.type === 'item.skipped') return;
        outputs[itemName(value)] = await this.steps(step.steps, inner);
        await durable.emit({ type: 'item.ended', ...ids, ok: true });
      } catch (error) {
        if (error instanceof ForwardStopped || error instanceof WindowClosed) halted = error;
        if (!(error instanceof StepFailed)) throw error;
        const within = failures.within(at);
        failures.failed(at, error.key, error.failure);
        const stuck = within && !place.shielded && !(await this.#takeBackItem(durable, itemKey, inner, error));
        // An item that is left half undone needs a person: going on with others would bury it.
        if (stuck) failures.stuck(at);
        const how = { ...(within && { within }), ...(stuck && { stuck }) } as const;
        await durable.emit({ type: 'item.ended', ...ids, ok: false, failure: error.failure, ...how });
      }
    };

    const bodies = items.map((value, at) => (branch: Durable): void | Promise<void> => {
      const found = past(branch, value, at);
      if (!found) {
        const outer = outerOf(at);
        if (outer.beside === undefined) return item(branch, value, at, outer);
        return this.#beside(outer, () => item(branch, value, at, outer));
      }
      const done = (got: JsonObject): void => {
        outputs[itemName(value)] = got;
      };
      return found instanceof Promise ? found.then(done) : done(found);
    });
    const first = Math.min(step.canary ?? 0, bodies.length);
    const results = await place.durable.fork(key, bodies.slice(0, first), { max: step.batch });
    results.push(...(await place.durable.fork(key, bodies.slice(first), { max: step.batch })));
    const thrown = results.filter(result => result.status === 'rejected').map(result => result.reason as unknown);
    const lost = thrown.find(error => !isStop(error));
    if (lost !== undefined) throw lost;
    // What failed has to be taken back, even where a person who cancels wants to keep the rest.
    const verdict = failures.verdict();
    if (verdict) throw new StepFailed(verdict.key ?? key, verdict.failure);
    if (thrown.length > 0) throw thrown.find(error => error instanceof ForwardStopped) ?? thrown[0];
    return outputs;
  }

  /** An item that failed and may: it is rolled back alone. False: something is left of it. */
  async #takeBackItem(durable: Durable, key: string, place: Place, error: StepFailed): Promise<boolean> {
    this.failedItems.push(key);
    const reason = `${error.key} failed: ${error.failure.message}`;
    if (this.world.debug?.watching && !durable.recorded(`rollback.started ${key}`)) {
      await this.world.debug.beforeRollback(place, reason, error.failure);
    }
    await durable.emit({ type: 'rollback.started', key, reason });
    const back = await this.rollBack(place, place.undo);
    this.undone += back.undone;
    this.itemsRemaining.push(...back.remaining);
    this.warnings.push(...back.warnings);
    return back.remaining.length === 0;
  }

  async #call(step: CallStep, key: string, place: Place, tries: Tries): Promise<JsonObject> {
    const { runbook } = step;
    let inputs: JsonObject;
    try {
      if (!runbook) throw new Error(`${step.uses} was not read when this was planned. Plan it again.`);
      const given = evaluateTemplate(step.with, place.scope) as JsonObject;
      const problems: string[] = [];
      const { inventory } = this.plan;
      inputs = resolveInputs(runbook, given, inventory ? { inventory } : {}, problems, { called: true });
      if (problems.length > 0) throw new Error(problems.join(' '));
    } catch (error) {
      return this.#fail(step, key, place, tries, failedBy(error));
    }
    await this.#begin(step, key, place, tries, step.name ?? step.uses);
    const scope: Scope = { inputs, steps: {}, run: place.scope.run };
    const inner: Place = { ...place, prefix: `${key}/`, scope, outermost: false, outer: { place, step, key } };
    this.reached(runbook, inner);
    await this.steps(runbook.steps, inner);
    let outputs: JsonObject;
    try {
      outputs = evaluateTemplate(runbook.outputs ?? {}, scope) as JsonObject;
    } catch (error) {
      return this.#fail(step, key, place, tries, failedBy(error));
    }
    return this.#done(step, key, place, outputs);
  }

  async #approve(step: ApproveStep, key: string, place: Place, tries: Tries): Promise<JsonObject> {
    const { durable, scope, shielded } = place;
    // Stepped back over and done again, it is still approved.
    const plain = shielded ? undefined : plainKey(place, step);
    if (this.#isDone(key, place)) {
      if (plain !== undefined) this.#approved.add(plain);
      return {};
    }
    const message = await this.#message(step, key, place, tries);
    await this.#begin(step, key, place, tries, textOf(step, scope));
    if (plain !== undefined && plain !== key && this.#approved.has(plain)) return this.#done(step, key, place);
    const outcome = await durable.approval({
      // Asked again, it is another request.
      key: tries.next > 1 ? `${key}#${tries.next}` : key,
      pointer: step.pointer,
      message,
      by: step.by,
      self: step.self,
      ...(step.expiresMs !== undefined && { expiresMs: step.expiresMs }),
      shielded,
    });
    switch (outcome.outcome) {
      case 'approved':
        if (plain !== undefined) this.#approved.add(plain);
        return this.#done(step, key, place);
      case 'cancelled':
        throw new Stopped();
      case 'rejected': {
        const note = outcome.note === undefined ? '' : ` "${outcome.note}"`;
        return this.#fail(step, key, place, tries, {
          class: 'rejected',
          message: `${outcome.by} rejected it.${note}`,
        });
      }
      case 'expired': {
        const many = step.by === 1 ? 'Nobody' : `Fewer than ${step.by} people`;
        return this.#fail(step, key, place, tries, { class: 'timeout', message: `${many} approved it in time.` });
      }
    }
  }

  async #wait(step: WaitStep, key: string, place: Place, tries: Tries): Promise<JsonObject> {
    const { durable, scope, shielded } = place;
    if (this.#isDone(key, place)) return {};
    let ms: number;
    try {
      const text = String(evaluateTemplate(step.duration, scope));
      const duration = parseDuration(text);
      if (duration === undefined)
        throw new Error(`\`${text}\` is no duration. Write it as \`90s\`, \`5m\` or \`1h30m\`.`);
      ms = duration;
    } catch (error) {
      return this.#fail(step, key, place, tries, failedBy(error));
    }
    await this.#begin(step, key, place, tries, textOf(step, scope));
    await durable.sleep(`wait ${key}`, ms, { shielded });
    return this.#done(step, key, place);
  }

  async #assert(step: AssertStep, key: string, place: Place, tries: Tries): Promise<JsonObject> {
    const { scope } = place;
    if (this.#isDone(key, place)) return {};
    await this.#begin(step, key, place, tries, textOf(step, scope));
    let failure: Failure | undefined;
    try {
      if (!evaluateCondition(step.condition, scope)) {
        const message =
          step.message === undefined
            ? `It does not hold: ${String(step.condition)}`
            : String(evaluateTemplate(step.message, scope));
        failure = { class: 'failed', message };
      }
    } catch (error) {
      failure = failedBy(error);
    }
    return failure ? this.#fail(step, key, place, tries, failure) : this.#done(step, key, place);
  }

  async #passNoReturn(step: NoReturnStep, key: string, place: Place, tries: Tries): Promise<JsonObject> {
    const { durable, scope, undo } = place;
    const { pointer } = step;
    const message = await this.#message(step, key, place, tries);
    await this.#begin(step, key, place, tries, textOf(step, scope));
    await durable.decide(`noreturn.passed ${key}`, () => {
      if (durable.cancelled) throw new Stopped();
      return { type: 'noreturn.passed', key, pointer, message };
    });
    this.noReturn = key;
    this.warnings.push(...(await commit(durable, this.world, undo)));
    undo.length = 0;
    await durable.emit({ type: 'control.done', key, pointer, kind: 'pointOfNoReturn' });
    return {};
  }

  async #message(step: ApproveStep | NoReturnStep, key: string, place: Place, tries: Tries): Promise<string> {
    try {
      return String(evaluateTemplate(step.message, place.scope));
    } catch (error) {
      return this.#fail(step, key, place, tries, failedBy(error));
    }
  }

  #isDone(key: string, { durable }: Place): boolean {
    return durable.recorded(`control.done ${key}`) !== undefined;
  }

  async #begin(step: ControlStep, key: string, place: Place, tries: Tries, title: string): Promise<void> {
    const { durable } = place;
    if (tries.next > 1) return;
    await durable.decide(`control.started ${key}`, () => {
      if (durable.cancelled && !place.shielded) throw new Stopped();
      return { type: 'control.started', key, pointer: step.pointer, kind: step.kind, title };
    });
  }

  async #done(step: ControlStep, key: string, place: Place, outputs?: JsonObject): Promise<JsonObject> {
    const { durable } = place;
    const done = await durable.decide(`control.done ${key}`, () => {
      if (durable.cancelled && !place.shielded) throw new Stopped();
      return { type: 'control.done', key, pointer: step.pointer, kind: step.kind, ...(outputs && { outputs }) };
    });
    return (done.type === 'control.done' ? done.outputs : undefined) ?? {};
  }

  /** A step that can't even begin, or that is no action and failed; recorded like any failed step. */
  async #fail(step: Step, key: string, place: Place, tries: Tries, failure: Failure): Promise<never> {
    const attempt = tries.next++;
    const { value: end } = await attemptStep(place.durable, this.world, {
      key,
      number: attempt,
      step: { kind: 'action', pointer: step.pointer, uses: step.kind === 'action' ? step.uses : step.kind, with: {} },
      definition: undefined,
      inputs: { failure },
      before: undefined,
      mayRetry: false,
      title: step.name ?? step.id ?? key,
      shielded: place.shielded,
    });
    throw new StepFailed(key, end.ok ? failure : end.failure, { attempt });
  }

  /** Steps that stand in the place of an undo. Gives why it failed. */
  async #replacement(
    { durable, outer }: Place,
    steps: readonly Step[],
    { prefix, scope: seen }: ReplacementPlace,
  ): Promise<Failure | undefined> {
    try {
      const scope = { ...seen, steps: { ...seen.steps } };
      const place: Place = { durable, prefix, scope, undo: [], shielded: true, outermost: false };
      await this.steps(steps, outer ? { ...place, outer } : place);
      return undefined;
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
      return { ...error.failure, message: `${error.key}: ${error.failure.message}` };
    }
  }
}

type ControlStep = Extract<Step, { kind: ControlKind }>;

function failedBy(error: unknown): Failure {
  return { class: 'failed', message: messageOf(error) };
}

/** A name that can't be told must not fail a step that can be run. */
function textOf(step: Exclude<ControlStep, CallStep>, scope: Scope): string {
  return controlTitle(step, template => {
    try {
      return String(evaluateTemplate(template, scope));
    } catch {
      return template;
    }
  });
}

/** What `rollback:` steps see: what the step saw, and its own outputs. Nothing else of an undo needs it. */
function undoScope(step: ActionStep, scope: Scope, outputs?: JsonObject): Scope | undefined {
  if (typeof step.rollback !== 'object') return undefined;
  const steps = { ...scope.steps };
  if (outputs && step.id !== undefined) steps[step.id] = { outputs };
  return { ...scope, steps };
}

function titleOf(
  world: World,
  step: ActionStep,
  definition: ActionDefinition | undefined,
  inputs: { values: JsonObject } | { failure: Failure },
  scope: Scope,
): string {
  try {
    if (step.name !== undefined) return String(evaluateTemplate(step.name, scope));
    if (definition && 'values' in inputs) return told(world, inputs.values, values => definition.describe(values));
  } catch {
    // A name that can't be told must not fail a step that can be run.
  }
  return step.id ?? definition?.title ?? step.uses;
}
