import type { ActionDefinition } from '../actions/action';
import { evaluateCondition, evaluateTemplate, type Scope } from '../runbook/expression';
import type { Json, JsonObject } from '../runbook/json';
import type { ActionStep, ForEachStep, GroupStep, Step } from '../runbook/model';
import { attemptStep, Stopped } from './action-step';
import type { Durable } from './durable';
import { messageOf } from './failure';
import { actionInputs } from './inputs';
import type { Failure, Remaining, RunEnded } from './journal';
import { itemKeys, itemName, stepKey } from './keys';
import type { Plan } from './plan';
import { commit, type RolledBack, rollBack } from './rollback';
import { type StepUndo, stepsOf, takeOut, type UndoEntry } from './undo-stack';
import type { World } from './world';

/** A step failed for good: its siblings do not go on. */
class StepFailed extends Error {
  override readonly name = 'StepFailed';
  constructor(
    readonly key: string,
    readonly failure: Failure,
  ) {
    super(failure.message);
  }
}

/** Where in the run the interpreter is. */
interface Place {
  durable: Durable;
  /** Of the keys of steps here. */
  prefix: string;
  scope: Scope;
  undo: UndoEntry[];
  /** In the place of an undo: not stopped by a cancel, and not undone itself. */
  shielded: boolean;
}

/**
 * Carries out a plan, from the start or from wherever the Durable's records end, to its own end or its rollback.
 * Rejects only when the journal can't be written: then a later runner goes on from what is recorded.
 */
export async function interpret(durable: Durable, plan: Plan, world: World): Promise<RunEnded> {
  const run = new Interpreter(world);
  const undo: UndoEntry[] = [];
  const scope: Scope = { inputs: plan.inputs, steps: {}, run: { id: durable.runId } };
  let failed: StepFailed | undefined;
  try {
    await run.steps(plan.program.steps, { durable, prefix: '', scope, undo, shielded: false });
    if (await commits(durable, undo)) await commit(durable, world, undo);
    if (durable.cancelled !== 'rollback') return ended('done', run);
  } catch (error) {
    if (error instanceof StepFailed) failed = error;
    else if (!(error instanceof Stopped)) throw error;
  }
  const failure: Failure = failed?.failure ?? { class: 'cancelled', message: 'A person stopped it.' };
  const what = { failure, ...(failed && { failedStep: failed.key }) };
  const back = (stack: UndoEntry[]): Promise<RolledBack> =>
    rollBack(durable, world, stack, (steps, entry) => run.replacement(durable, steps, entry));

  if (!failed && durable.cancelled === 'keep') {
    // What was stopped halfway is neither done nor not done, so it can't be kept.
    const { remaining, warnings } = await back(takeOut(undo, entry => entry.interrupted === true));
    run.warnings.push(...warnings);
    return remaining.length > 0
      ? { ...ended('needs-operator', run), ...what, remaining }
      : { ...ended('stopped', run), ...what };
  }
  const reason = failed ? `${failed.key} failed: ${failure.message}` : 'A person asked for it.';
  await durable.emit({ type: 'rollback.started', reason });
  const { undone, remaining, warnings } = await back(undo);
  run.warnings.push(...warnings);
  remaining.push(...run.itemsRemaining);
  if (remaining.length > 0) return { ...ended('needs-operator', run), ...what, remaining };
  return { ...ended(undone > 0 || run.undone > 0 || !failed ? 'rolled-back' : 'failed', run), ...what };
}

function ended(status: RunEnded['status'], run: Interpreter): RunEnded {
  return {
    type: 'run.ended',
    status,
    ...(run.failedItems.length > 0 && { failedItems: run.failedItems }),
    ...(run.warnings.length > 0 && { warnings: run.warnings }),
  };
}

/** The last point at which a cancel is heeded: once something kept for the undo is removed, the run is a success. */
async function commits(durable: Durable, undo: UndoEntry[]): Promise<boolean> {
  if (!stepsOf(undo).some(entry => entry.definition.commit)) {
    if (durable.cancelled === 'rollback') throw new Stopped();
    return false;
  }
  await durable.decide('commit.started', () => {
    if (durable.cancelled === 'rollback') throw new Stopped();
    return { type: 'commit.started' };
  });
  return true;
}

class Interpreter {
  /** Keys of items that failed within their loop's `maxFailures`. */
  readonly failedItems: string[] = [];
  /** What rollbacks of single items left. */
  readonly itemsRemaining: Remaining[] = [];
  /** Steps undone in rollbacks of single items. */
  undone = 0;
  /** What a person should know although nothing is left to do. */
  readonly warnings: string[] = [];

  constructor(private readonly world: World) {}

  /** One after another. Gives outputs by id of those that have one. */
  async steps(steps: readonly Step[], place: Place): Promise<JsonObject> {
    const outputs: JsonObject = {};
    for (const step of steps) {
      const got = await this.#step(step, place);
      if (step.id === undefined) continue;
      place.scope.steps[step.id] = { outputs: got };
      outputs[step.id] = got;
    }
    return outputs;
  }

  async #step(step: Step, place: Place): Promise<JsonObject> {
    const key = stepKey(place.prefix, step);
    let runs: boolean;
    try {
      runs = step.when === undefined || evaluateCondition(step.when, place.scope);
    } catch (error) {
      return this.#fail(step, key, place, error);
    }
    if (!runs) {
      const reason = `when: ${String(step.when)} is false`;
      await place.durable.emit({ type: 'step.skipped', key, pointer: step.pointer, reason });
      return {};
    }
    switch (step.kind) {
      case 'action':
        return this.#action(step, key, place);
      case 'steps':
        return this.#group(step, key, place);
      case 'forEach':
        return this.#forEach(step, key, place);
    }
  }

  #group(step: GroupStep, key: string, place: Place): Promise<JsonObject> {
    return this.steps(step.steps, { ...place, prefix: `${key}/` });
  }

  async #action(step: ActionStep, key: string, place: Place): Promise<JsonObject> {
    const { durable, scope } = place;
    const definition = this.world.action(step.uses);
    // Evaluated when first asked for: where the step is recorded, its intent has them.
    let known: ReturnType<Interpreter['inputsOf']> | undefined;
    const inputs = () => (known ??= this.inputsOf(definition, step, scope));
    let title: string | undefined;
    let pushed: StepUndo | undefined;
    /** What a cancel stopped halfway. It is undone before the run goes on, so when another attempt was made it is no more. */
    let stopped: StepUndo | undefined;
    let tries = 0;
    for (let number = 1; ; number++) {
      tries++;
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
        mayRetry: tries < (step.retry?.attempts ?? 1),
        get title() {
          title ??= titleOf(step, definition, inputs(), scope);
          return title;
        },
        shielded: place.shielded,
      });
      if (stopped) place.undo.splice(place.undo.indexOf(stopped), 1);
      stopped = undefined;
      if (prepared !== undefined && !pushed && (end.ok || !end.untouched)) {
        const given = inputs();
        pushed = {
          kind: 'step',
          key,
          step,
          definition: definition!,
          inputs: 'values' in given ? given.values : {},
          attempt: number,
          before: prepared,
          scope: hasOwnRollback(step) ? { ...scope, steps: { ...scope.steps } } : scope,
        };
        if (!place.shielded) place.undo.push(pushed);
      }
      if (end.ok) {
        if (pushed) {
          pushed.outputs = end.outputs;
          if (step.id !== undefined && hasOwnRollback(step)) pushed.scope.steps[step.id] = { outputs: end.outputs };
        }
        return end.outputs;
      }
      if (end.willRetry) {
        if (step.retry) await durable.sleep(`${key}#${number} retry`, step.retry.delayMs);
        continue;
      }
      if (end.failure.class === 'cancelled' && !place.shielded) {
        // Take it anew: where the cancel still stands, the attempt stops before it begins.
        if (pushed) pushed.interrupted = true;
        stopped = pushed;
        pushed = undefined;
        tries = 0;
        continue;
      }
      if (pushed) {
        pushed.failure = end.failure;
        if (end.notDone) pushed.notDone = true;
      }
      throw new StepFailed(key, end.failure);
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

  async #forEach(step: ForEachStep, key: string, place: Place): Promise<JsonObject> {
    let items: Json;
    try {
      items = evaluateTemplate(step.in, place.scope);
      if (!Array.isArray(items)) throw new Error(`forEach needs a list, but this gives ${JSON.stringify(items)}.`);
    } catch (error) {
      return this.#fail(step, key, place, error);
    }
    const keys = itemKeys(key, items);
    const branches: UndoEntry[][] = items.map(() => []);
    place.undo.push({ kind: 'fork', key, max: step.batch, branches });
    const failures: { key: string; failure: Failure }[] = [];
    let over = false;
    /** The item that could not be taken back. */
    let stuck: string | undefined;
    const outputs: JsonObject = {};

    const item = async (durable: Durable, value: Json, at: number): Promise<void> => {
      const itemKey = keys[at]!;
      const ids = { key: itemKey, pointer: step.pointer };
      const start = await durable.decide(`item.started ${itemKey}`, () => {
        if (durable.cancelled && !place.shielded) throw new Stopped();
        return over
          ? {
              type: 'item.skipped',
              ...ids,
              value,
              reason: stuck === undefined ? 'too many items before it failed' : `${stuck} could not be undone`,
            }
          : { type: 'item.started', ...ids, value };
      });
      if (start.type === 'item.skipped') return;
      const scope: Scope = {
        ...place.scope,
        steps: { ...place.scope.steps },
        variables: { ...place.scope.variables, [step.variable]: value },
        index: at,
      };
      const undo = branches[at]!;
      try {
        outputs[itemName(value)] = await this.steps(step.steps, {
          ...place,
          durable,
          prefix: `${itemKey}/`,
          scope,
          undo,
        });
        await durable.emit({ type: 'item.ended', ...ids, ok: true });
      } catch (error) {
        if (!(error instanceof StepFailed)) throw error;
        failures.push({ key: error.key, failure: error.failure });
        over ||= failures.length > step.maxFailures;
        if (!over && !place.shielded) {
          this.failedItems.push(itemKey);
          const reason = `${error.key} failed: ${error.failure.message}`;
          await durable.emit({ type: 'rollback.started', key: itemKey, reason });
          const back = await rollBack(durable, this.world, undo, (steps, entry) =>
            this.replacement(durable, steps, entry),
          );
          this.undone += back.undone;
          this.itemsRemaining.push(...back.remaining);
          this.warnings.push(...back.warnings);
          // An item that is left half undone needs a person: going on with others would bury it.
          if (back.remaining.length > 0) {
            over = true;
            stuck ??= itemKey;
          }
        }
        await durable.emit({ type: 'item.ended', ...ids, ok: false, failure: error.failure });
      }
    };

    const results = await place.durable.fork(
      key,
      items.map((value, at) => branch => item(branch, value, at)),
      { max: step.batch },
    );
    const thrown = results.filter(result => result.status === 'rejected').map(result => result.reason as unknown);
    const lost = thrown.find(error => !(error instanceof Stopped));
    if (lost !== undefined) throw lost;
    if (thrown.length > 0) throw thrown[0];
    const [first] = failures;
    if (over && first) {
      const why =
        failures.length > step.maxFailures
          ? `${failures.length} of ${items.length} items failed, ${step.maxFailures} may.`
          : `${stuck} could not be undone.`;
      const message = `${why} ${first.key}: ${first.failure.message}`;
      throw new StepFailed(items.length > 1 ? key : first.key, {
        class: first.failure.class,
        message: items.length > 1 ? message : first.failure.message,
      });
    }
    return outputs;
  }

  /** A step that can't even begin, recorded like any failed step. */
  async #fail(step: Step, key: string, place: Place, error: unknown): Promise<never> {
    const failure: Failure = { class: 'failed', message: messageOf(error) };
    await attemptStep(place.durable, this.world, {
      key,
      number: 1,
      step: { kind: 'action', pointer: step.pointer, uses: step.kind === 'action' ? step.uses : step.kind, with: {} },
      definition: undefined,
      inputs: { failure },
      before: undefined,
      mayRetry: false,
      title: step.name ?? step.id ?? key,
      shielded: place.shielded,
    });
    throw new StepFailed(key, failure);
  }

  /** Steps that stand in the place of an undo. Gives why it failed. */
  async replacement(
    durable: Durable,
    steps: readonly Step[],
    place: { prefix: string; scope: Scope },
  ): Promise<Failure | undefined> {
    try {
      const scope = { ...place.scope, steps: { ...place.scope.steps } };
      await this.steps(steps, { durable, prefix: place.prefix, scope, undo: [], shielded: true });
      return undefined;
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
      return { ...error.failure, message: `${error.key}: ${error.failure.message}` };
    }
  }
}

/** Its `rollback:` steps see what the step saw; nothing else of an undo does. */
function hasOwnRollback(step: ActionStep): boolean {
  return typeof step.rollback === 'object';
}

function titleOf(
  step: ActionStep,
  definition: ActionDefinition | undefined,
  inputs: { values: JsonObject } | { failure: Failure },
  scope: Scope,
): string {
  try {
    if (step.name !== undefined) return String(evaluateTemplate(step.name, scope));
    if (definition && 'values' in inputs) return definition.describe(inputs.values);
  } catch {
    // A name that can't be told must not fail a step that can be run.
  }
  return step.id ?? definition?.title ?? step.uses;
}
