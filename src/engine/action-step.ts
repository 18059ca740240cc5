import { type ActionContext, type ActionDefinition, isIdempotent, undoClassOf } from '../actions/action';
import type { Json, JsonObject } from '../runbook/json';
import type { ActionStep } from '../runbook/model';
import type { Durable, EffectCall } from './durable';
import { classify, classifyRead, messageOf } from './failure';
import type { EffectEnd, EffectIntent, Failure } from './journal';
import { Turn } from './turn';
import type { Claim, World } from './world';

/** How one attempt at a step ended, as it stands in the journal. */
export type AttemptEnd =
  | { ok: true; outputs: JsonObject; probed?: boolean }
  | { ok: false; failure: Failure; willRetry: boolean; untouched?: boolean; notDone?: boolean };

export interface Attempt {
  key: string;
  number: number;
  step: ActionStep;
  /** Absent: there is no action of that name. */
  definition: ActionDefinition | undefined;
  /** Evaluated and checked, or why they could not be. */
  readonly inputs: { values: JsonObject } | { failure: Failure };
  /** Takes the inputs from its intent, where that is recorded: then they need not be evaluated again. */
  recorded?: (inputs: JsonObject) => void;
  /** Of an earlier attempt: what is there now may be half changed. */
  before: Json | undefined;
  /** Another attempt may follow. */
  mayRetry: boolean;
  readonly title: string;
  /** Part of a rollback: not stopped by a cancel. */
  shielded: boolean;
}

/** A cancel was seen between steps. Not recorded: the cancel itself is. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

/** Time that an action has to stop after its signal, before its outcome counts as unknown. */
const graceMs = 60_000;
/** Waits between looks when a probe itself fails, e.g. because the connection is still down. */
const probeDelaysMs = [1_000, 4_000, 15_000];

/** One attempt: look, intent, apply; and find out what happened when that is not known. */
export function attemptStep(
  durable: Durable,
  world: World,
  attempt: Attempt,
): Promise<{ value: AttemptEnd; prepared?: Json }> {
  const { key, number, step, definition } = attempt;
  const valuesOf = (): JsonObject => ('values' in attempt.inputs ? attempt.inputs.values : {});
  let warnings: string[] = [];
  const claim = (): Claim => claimOf(key, definition!, valuesOf());
  const turn = new Turn(world, claim);
  const failedBefore = (failure: Failure, willRetry: boolean): { end: AttemptEnd } => ({
    end: { ok: false, failure, willRetry, untouched: true },
  });
  const attempted = durable.effect<AttemptEnd, Json>({
    id: `step ${key}#${number}`,
    shielded: attempt.shielded,
    timeoutMs: step.timeoutMs,
    begin: async () => {
      if (durable.cancelled && !attempt.shielded) {
        // An earlier attempt may have changed something: say that the step was stopped, so that this is undone.
        if (attempt.before !== undefined) return failedBefore(cancelledFailure, false);
        throw new Stopped();
      }
      if ('failure' in attempt.inputs) return failedBefore(attempt.inputs.failure, false);
      if (!definition) {
        const message = `There is no action ${step.uses} in this version of Virtbook.`;
        return failedBefore({ class: 'failed', message }, false);
      }
      const context = contextOf(durable, world, key);
      const inputs = valuesOf();
      try {
        // What is looked at must still hold when it acts, so it waits for its turn first.
        await turn.enter();
        if (durable.cancelled && !attempt.shielded) throw new Stopped();
        const findings = await definition.preflight(context, inputs);
        // First what guards say: that a target is not as it was planned explains what blocks it, too.
        const refused = await turn.refusal('step');
        if (refused) return failedBefore(refused, refused.class === 'locked' && attempt.mayRetry);
        const blockers = findings.filter(finding => finding.level === 'blocker').map(finding => finding.message);
        if (blockers.length > 0)
          return failedBefore({ class: 'blocked', message: blockers.join(' ') }, attempt.mayRetry);
        warnings = findings.map(finding => finding.message);
        const go = attempt.before !== undefined ? attempt.before : await definition.prepare(context, inputs);
        // A cancel while it was looking: nothing has been changed yet.
        if (durable.cancelled && !attempt.shielded) throw new Stopped();
        return { go: (go ?? null) as Json };
      } catch (error) {
        if (error instanceof Stopped) throw error;
        return failedBefore(classifyRead(error), attempt.mayRetry);
      }
    },
    body: (call, before) => new Outcome(durable, world, attempt, valuesOf(), before, turn).ofApply(call),
    verify: (call, before) => new Outcome(durable, world, attempt, valuesOf(), before, turn).afterCrash(call),
    codec: {
      intent: (before): EffectIntent => {
        const inputs = valuesOf();
        return {
          type: 'step.intent',
          key,
          pointer: step.pointer,
          attempt: number,
          uses: step.uses,
          title: attempt.title,
          inputs,
          before,
          ...(warnings.length > 0 && { warnings }),
          ...(!attempt.shielded && undoText(world, step, definition!, inputs, before)),
        };
      },
      prepared: intent => {
        if (intent.type !== 'step.intent') return null;
        attempt.recorded?.(intent.inputs);
        return intent.before;
      },
      end: (end): EffectEnd =>
        end.ok
          ? {
              type: 'step.done',
              key,
              pointer: step.pointer,
              attempt: number,
              outputs: end.outputs,
              ...(end.probed && { probed: true }),
            }
          : {
              type: 'step.failed',
              key,
              pointer: step.pointer,
              attempt: number,
              failure: end.failure,
              willRetry: end.willRetry,
              title: attempt.title,
              ...(end.untouched && { untouched: true }),
              ...(end.notDone && { notDone: true }),
            },
      value: (end): AttemptEnd => {
        if (end.type === 'step.done') return { ok: true, outputs: end.outputs };
        if (end.type !== 'step.failed') throw new Error(`${end.type} is not the end of a step.`);
        return {
          ok: false,
          failure: end.failure,
          willRetry: end.willRetry,
          ...(end.untouched && { untouched: true }),
          ...(end.notDone && { notDone: true }),
        };
      },
    },
  });
  return world.limits ? attempted.finally(() => turn.leave()) : attempted;
}

/** Finds out how an attempt ended, and never guesses. */
class Outcome {
  readonly #definition: ActionDefinition;
  #questions = 0;

  constructor(
    private readonly durable: Durable,
    private readonly world: World,
    private readonly attempt: Attempt,
    private readonly inputs: JsonObject,
    private readonly before: Json,
    private readonly turn: Turn,
  ) {
    this.#definition = attempt.definition!;
  }

  async ofApply({ signal }: EffectCall): Promise<AttemptEnd> {
    try {
      await this.turn.enter(signal);
      const work = this.#definition.apply(this.#context(signal), this.inputs, this.before);
      const outputs = (await this.#inTime(signal, work)) as JsonObject | undefined;
      return { ok: true, outputs: outputs ?? {} };
    } catch (error) {
      const { failure, uncertain } = classify(error, signal);
      return uncertain ? this.#uncertain(failure) : this.#declared(failure);
    }
  }

  async afterCrash(_call: EffectCall): Promise<{ end: AttemptEnd } | 'run-again'> {
    await this.turn.enter();
    const found = await this.#look();
    if (found.outcome === 'done') return { end: { ok: true, outputs: found.outputs, probed: true } };
    if (this.durable.cancelled && !this.attempt.shielded) {
      return { end: this.#failed(cancelledFailure, found.outcome === 'not-done') };
    }
    if (found.outcome === 'not-done') return 'run-again';
    const message = 'The runner ended in the middle of it, and whether it happened is not known.';
    return { end: await this.#askPerson({ class: 'unknown', message }, found.why) };
  }

  async #uncertain(failure: Failure): Promise<AttemptEnd> {
    const found = await this.#look();
    if (found.outcome === 'done') return { ok: true, outputs: found.outputs, probed: true };
    if (found.outcome === 'not-done') return this.#failed(failure, true);
    // Whoever cancels wants it undone: the undo copes with a step that happened halfway.
    return failure.class === 'cancelled' ? this.#failed(failure, false) : this.#askPerson(failure, found.why);
  }

  /** A failure that the action declared. What it may have done halfway is for its undo. */
  async #declared(failure: Failure): Promise<AttemptEnd> {
    if (!this.attempt.mayRetry || isIdempotent(this.#definition, this.inputs)) return this.#failed(failure, false);
    const found = await this.#look();
    return this.#failed(failure, found.outcome === 'not-done');
  }

  /** "Not done" is no "nothing left behind" (a snapshot being made when the runner died): the undo stays registered, and looks itself. */
  #failed(failure: Failure, notDone: boolean): AttemptEnd {
    const repeatable = notDone || isIdempotent(this.#definition, this.inputs);
    const willRetry = this.attempt.mayRetry && repeatable && failure.class !== 'cancelled';
    return { ok: false, failure, willRetry, ...(notDone && { notDone }) };
  }

  async #look(): Promise<
    { outcome: 'done'; outputs: JsonObject } | { outcome: 'not-done' } | { outcome: 'unknown'; why: string }
  > {
    for (let tries = 0; ; tries++) {
      try {
        const found = await this.#definition.probe(this.#context(), this.inputs, this.before);
        return found.outcome === 'done' ? { outcome: 'done', outputs: (found.outputs ?? {}) as JsonObject } : found;
      } catch (error) {
        const delay = probeDelaysMs[tries];
        if (delay === undefined) return { outcome: 'unknown', why: messageOf(error) };
        await this.world.clock.sleep(delay);
      }
    }
  }

  async #askPerson(failure: Failure, why: string): Promise<AttemptEnd> {
    const { key, number, title, shielded } = this.attempt;
    for (;;) {
      // A person may take hours; others need not wait for that.
      this.turn.leave();
      const answer = await this.durable.ask(
        `${key}#${number} outcome ${++this.#questions}`,
        {
          text: `Did "${title}" (${key}) happen? ${failure.message} ${why}`,
          choices: [
            { id: 'look', label: 'Look again' },
            { id: 'done', label: 'It happened: go on after it' },
            { id: 'not-done', label: 'It did not happen: treat it as failed' },
            { id: 'retry', label: 'Run it again' },
            { id: 'rollback', label: 'Roll back' },
          ],
        },
        { shielded },
      );
      switch (answer.choice) {
        case 'done':
          return { ok: true, outputs: {}, probed: true };
        case 'not-done': {
          const message = `${failure.message} ${answer.by} says that it did not happen.`;
          return this.#failed({ class: failure.class, message }, true);
        }
        case 'retry':
          // What a person believes is no proof: the state before stays that of this attempt, and its undo stays registered.
          return { ok: false, failure, willRetry: true };
        case 'cancelled':
          return this.#failed(cancelledFailure, false);
        case 'rollback': {
          const message = `${failure.message} Whether it happened could not be told; ${answer.by} chose to roll back.`;
          return { ok: false, failure: { class: 'unknown', message }, willRetry: false };
        }
      }
      await this.turn.enter();
      const found = await this.#look();
      if (found.outcome === 'done') return { ok: true, outputs: found.outputs, probed: true };
      if (found.outcome === 'not-done') return this.#failed(failure, true);
    }
  }

  /** An action that does not heed its signal must not hold the run for ever. */
  #inTime<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let settled = false;
      let over: AbortController | undefined;
      const late = async (): Promise<void> => {
        if (settled) return;
        over = new AbortController();
        await this.world.clock.sleep(graceMs, over.signal);
        if (!settled) reject(signal.reason);
      };
      if (signal.aborted) void late();
      else signal.addEventListener('abort', () => void late(), { once: true });
      work.then(resolve, reject).finally(() => {
        settled = true;
        over?.abort();
      });
    });
  }

  #context(signal?: AbortSignal): ActionContext {
    return contextOf(this.durable, this.world, this.attempt.key, signal);
  }
}

export function claimOf(key: string, definition: ActionDefinition, inputs: JsonObject): Claim {
  return { key, definition, inputs, targets: definition.targets(inputs) };
}

/** As {@link ActionContext.told}. */
export function told<T>({ secrets }: Pick<World, 'secrets'>, value: T, tell: (value: T) => string): string {
  return secrets ? secrets.told(value, tell) : tell(value);
}

/** Without a signal: nothing stops it. */
export function contextOf(durable: Durable, world: World, key: string, signal?: AbortSignal): ActionContext {
  let own = signal;
  return {
    fleet: world.fleet,
    runId: durable.runId,
    stepKey: key,
    get signal() {
      own ??= new AbortController().signal;
      return own;
    },
    now: () => world.clock.now(),
    sleep: ms => world.clock.sleep(ms, signal),
    progress: progress => durable.note({ type: 'step.progress', key, ...progress }),
    log: (text, stream = 'stdout') => durable.note({ type: 'step.log', key, stream, text }),
    told: (value, tell) => told(world, value, tell),
  };
}

/** What the intent says of the undo; nothing where there is none. */
function undoText(
  world: World,
  step: ActionStep,
  definition: ActionDefinition,
  inputs: JsonObject,
  before: Json,
): { undo?: string } {
  if (step.rollback === 'none') return {};
  if (step.rollback) return { undo: `run the ${step.rollback.length} steps of its rollback:` };
  const undoClass = undoClassOf(definition, inputs);
  if (!definition.undo || undoClass === 'none' || undoClass === 'irreversible') return {};
  return { undo: told(world, { inputs, before }, one => definition.describeUndo(one.inputs, one.before)) };
}

const cancelledFailure: Failure = { class: 'cancelled', message: 'It was cancelled.' };
