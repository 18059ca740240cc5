import { type ActionContext, undoClassOf } from '../actions/action';
import { HypervisorError } from '../hypervisors/errors';
import type { Scope } from '../runbook/expression';
import type { Step } from '../runbook/model';
import { claimOf, contextOf, told } from './action-step';
import type { Durable } from './durable';
import { classifyRead, messageOf } from './failure';
import { effectId, type Failure, type Remaining } from './journal';
import { backMark, rollbackMark } from './keys';
import type { KnownRests } from './known-rests';
import { Turn } from './turn';
import { type ForkUndo, type StepUndo, stepsOf, type UndoEntry } from './undo-stack';
import type { World } from './world';

/** Steps that replace an undo. */
export interface Replacement {
  /** Gives why they failed. */
  run(steps: readonly Step[], place: ReplacementPlace): Promise<Failure | undefined>;
  /** Those of them that have not been done. */
  left(steps: readonly Step[], place: ReplacementPlace, why: string): Remaining[];
}

export interface ReplacementPlace {
  prefix: string;
  scope: Scope;
}

export interface RolledBack {
  /** Steps that were taken back, now or by an earlier runner. */
  undone: number;
  remaining: Remaining[];
  /** Of steps that failed and have no undo. */
  warnings: string[];
}

/** Waits before an undo that failed in passing is tried again. */
const undoDelaysMs = [2_000, 10_000, 30_000];
const passing = new Set(['timeout', 'unreachable', 'busy', 'agent']);

/**
 * Takes back a stack, last first, items of a loop each on their own; empties it. Nothing stops it: an undo that fails is listed, and the
 * others go on, except reversible ones of the same target, which would build on a state that isn't there.
 */
export async function rollBack(
  durable: Durable,
  world: World,
  stack: UndoEntry[],
  replacement: Replacement,
  how: RollBackOptions = {},
): Promise<RolledBack> {
  return new Rollback(world, replacement, how).reverse(durable, stack, new Map(), how.rests);
}

export interface RollBackOptions {
  /** Only of a rehearsal, and only where nothing else of the run goes on beside it. */
  rests?: KnownRests;
  /** Id of a step back: one undo after another, and the first that fails ends it; what is not undone stays on the stack. */
  back?: string;
  /** Called before each undo, with what it will do. */
  before?(entry: StepUndo, text: string): Promise<void>;
}

/** Targets that an undo which failed left in an unknown state, and VMs of one that was therefore not tried; and which undo that was. */
export type Tainted = Map<string, { key: string; tried: boolean }>;

class Rollback {
  constructor(
    private readonly world: World,
    private readonly replacement: Replacement,
    private readonly how: RollBackOptions,
  ) {}

  async reverse(
    durable: Durable,
    stack: UndoEntry[],
    tainted: Tainted,
    rests: KnownRests | undefined,
  ): Promise<RolledBack> {
    const back: RolledBack = { undone: 0, remaining: [], warnings: [] };
    const level = rests?.level(stack, tainted);
    for (let entry = stack.at(-1); entry; entry = stack.at(-1)) {
      const known = await level?.known(stack.length, back);
      if (known) {
        addTo(back, known);
        stack.length = 0;
        break;
      }
      if (entry.kind === 'fork') await this.#reverseBranches(durable, entry, tainted, back, rests);
      else await this.#undo(durable, entry, tainted, back, rests);
      if (this.#ends(back)) break;
      stack.pop();
    }
    level?.end(back);
    return back;
  }

  #ends({ remaining }: RolledBack): boolean {
    return this.how.back !== undefined && remaining.length > 0;
  }

  async #reverseBranches(
    durable: Durable,
    entry: ForkUndo,
    tainted: Tainted,
    back: RolledBack,
    rests: KnownRests | undefined,
  ): Promise<void> {
    const branches = [...entry.branches].reverse();
    // Side by side there is no moment at which only the rest is left.
    const inner = entry.max === 1 || branches.length === 1 ? rests : undefined;
    const level = inner?.level(entry.branches, tainted);
    /** Of the branches so far. */
    const all: RolledBack = { undone: 0, remaining: [], warnings: [] };
    let over = false;
    const results = await durable.fork(
      `undo ${entry.key}`,
      branches.map((branch, at) => async one => {
        const own: Tainted = new Map(tainted);
        const known = over || branch.length === 0 ? undefined : await level?.known(branches.length - at, all);
        over ||= known !== undefined || this.#ends(all);
        const result = known ?? (over ? nothing : await this.reverse(one, branch, own, inner));
        addTo(all, result);
        return { ...result, own };
      }),
      // What a failure leaves undone must be the same on every replay.
      { max: this.how.back === undefined ? entry.max : 1 },
    );
    for (const result of results) {
      if (result.status === 'rejected') throw result.reason;
      const { own } = result.value;
      addTo(back, result.value);
      for (const [target, why] of own) tainted.set(target, why);
    }
    level?.end(all);
  }

  async #undo(
    durable: Durable,
    entry: StepUndo,
    tainted: Tainted,
    back: RolledBack,
    rests: KnownRests | undefined,
  ): Promise<void> {
    const { step, definition, inputs, key } = entry;
    if (step.rollback === 'none') return;
    const undoClass = undoClassOf(definition, inputs);
    const own = typeof step.rollback === 'object' ? step.rollback : undefined;
    if (!own && undoClass === 'none') return;
    const text = this.#title(entry);
    const leave = (why: string): void => {
      const [first, ...others] = own ? this.replacement.left(own, this.#placeOf(entry), why) : [];
      const does = own ? first?.step : undoStep(durable.runId, entry);
      back.remaining.push({ key, uses: step.uses, text, why, ...(does && { step: does }) }, ...others);
    };
    if (!own && (undoClass === 'irreversible' || !definition.undo)) {
      // It failed by its own account, so there is nothing known to be left; what it did on the way there can't be known.
      if (entry.notDone) return;
      if (entry.failure?.class === 'failed') {
        back.warnings.push(
          `${key} failed and has no undo: what it changed before it failed, if anything, is still there.`,
        );
      } else {
        const why =
          'It has no undo. See whether what it did must be put right; `rollback:` in the runbook can say how, or `none`.';
        const did = told(this.world, inputs, given => definition.describe(given));
        back.remaining.push({ key, uses: step.uses, text: did, why, final: true });
      }
      return;
    }
    if (entry.committed) {
      const why = 'What its undo needs was removed when the run had succeeded.';
      back.remaining.push({ key, uses: step.uses, text, why, final: true });
      return;
    }
    const targets = definition.targets(inputs).changes.map(target => `${target.kind} ${target.name}`);
    const blocking = targets.find(target => tainted.has(target));
    // Restoring an earlier state does not build on the present one, so it is tried in any case.
    if (blocking !== undefined && undoClass !== 'restorable') {
      const { key: later, tried } = tainted.get(blocking)!;
      // What came before it on the same VM waits for it too, or the next rollback would undo them in the wrong order.
      for (const target of targets) {
        if (target.startsWith('vm ') && !tainted.has(target)) tainted.set(target, { key, tried: false });
      }
      return leave(`Not tried, because the undo of ${later} on ${blocking} ${tried ? 'failed' : 'was not tried'}.`);
    }
    await this.how.before?.(entry, text);
    const failure = await this.#run(durable, entry, own, rests);
    if (!failure) {
      back.undone++;
      return;
    }
    for (const target of targets) tainted.set(target, { key, tried: true });
    leave(failure.message);
  }

  async #run(
    durable: Durable,
    entry: StepUndo,
    own: Step[] | undefined,
    rests: KnownRests | undefined,
  ): Promise<Failure | undefined> {
    const { key, attempt } = entry;
    const of = { key, attempt, ...(this.how.back !== undefined && { back: this.how.back }) };
    // Steps of their own are durable each; the effect below then only records how they ended.
    const ownFailure = own && (await this.replacement.run(own, this.#placeOf(entry)));
    const turn = new Turn(this.world, () => claimOf(key, entry.definition, entry.inputs));
    const effect = durable.effect<Failure | undefined, null>({
      id: effectId({ type: 'undo.intent', ...of }),
      shielded: true,
      ...(!own &&
        (this.world.guards || this.world.limits) && {
          begin: async () => {
            await turn.enter();
            const refused = await refusalOf(this.world, turn);
            return refused ? { end: refused } : { go: null };
          },
        }),
      body: async () => {
        if (own) return ownFailure;
        await turn.enter();
        const work = (): Promise<Failure | undefined> => this.#apply(durable, entry);
        return rests ? rests.undo(entry, work) : work();
      },
      codec: {
        intent: () => ({ type: 'undo.intent', ...of, title: this.#title(entry) }),
        prepared: () => null,
        end: failure => (failure ? { type: 'undo.failed', ...of, failure } : { type: 'undo.done', ...of }),
        value: end => (end.type === 'undo.failed' ? end.failure : undefined),
      },
    });
    const { value } = await (this.world.limits ? effect.finally(() => turn.leave()) : effect);
    return value;
  }

  /** Of the steps that stand in the place of its undo. Those of a step back are never taken up again by a rollback. */
  #placeOf({ key, attempt, scope }: StepUndo): ReplacementPlace {
    if (!scope) throw new Error(`${key} has no rollback: steps.`);
    const { back } = this.how;
    const mark = back === undefined ? rollbackMark : backMark(back.slice(back.lastIndexOf('#') + 1));
    return { prefix: `${key}${attempt > 1 ? `#${attempt}` : ''}${mark}`, scope };
  }

  #title({ step, definition, inputs, before }: StepUndo): string {
    return typeof step.rollback === 'object'
      ? 'run the steps of its `rollback:`'
      : told(this.world, { inputs, before }, one => definition.describeUndo(one.inputs, one.before));
  }

  async #apply(durable: Durable, { key, definition, inputs, before, outputs }: StepUndo): Promise<Failure | undefined> {
    const context = contextOf(durable, this.world, key);
    return persevere(context, () => definition.undo!(context, inputs, before, outputs));
  }
}

/** Does it, again and again while what fails may pass. */
async function persevere(context: ActionContext, work: () => Promise<void>): Promise<Failure | undefined> {
  for (let tries = 0; ; tries++) {
    try {
      await work();
      return undefined;
    } catch (error) {
      const delay = undoDelaysMs[tries];
      if (delay === undefined || !mayPass(error)) return classifyRead(error);
      context.progress({ message: `${messageOf(error)} Trying again in ${delay / 1000} s.` });
      await context.sleep(delay);
    }
  }
}

/** Why it may not touch its targets. That this can't be told for the moment is waited for, as an undo that fails in passing is. */
async function refusalOf(world: World, turn: Turn): Promise<Failure | undefined> {
  for (let tries = 0; ; tries++) {
    const failure = await turn.refusal('undo');
    const delay = undoDelaysMs[tries];
    if (!failure || !passing.has(failure.class) || delay === undefined) return failure;
    await world.clock.sleep(delay);
  }
}

const nothing: RolledBack = { undone: 0, remaining: [], warnings: [] };

function addTo(sum: RolledBack, more: RolledBack): void {
  sum.undone += more.undone;
  sum.remaining.push(...more.remaining);
  sum.warnings.push(...more.warnings);
}

function mayPass(error: unknown): boolean {
  return error instanceof HypervisorError && passing.has(error.kind);
}

/** A step of a runbook that takes back what this one did, from what the journal has of it. */
function undoStep(run: string, entry: StepUndo): Remaining['step'] {
  const { key, step, inputs, before, outputs } = entry;
  return { uses: 'run.undo', with: { run, step: key, action: step.uses, inputs, before, ...(outputs && { outputs }) } };
}

/**
 * Removes what was only kept for undos, now that all steps are done. A failure is recorded and does not fail the run; gives what a person
 * should know of it, a sentence each.
 */
export async function commit(durable: Durable, world: World, stack: UndoEntry[]): Promise<string[]> {
  const warnings: string[] = [];
  for (const entry of stepsOf(stack)) {
    const { key, attempt, definition, inputs, before, outputs } = entry;
    if (!definition.commit || !outputs) continue;
    const turn = new Turn(world, () => claimOf(key, definition, inputs));
    const effect = durable.effect<Failure | undefined, null>({
      id: `commit ${key}#${attempt}`,
      shielded: true,
      body: async () => {
        try {
          await turn.enter();
          const refused = await refusalOf(world, turn);
          if (refused) return refused;
          const context = contextOf(durable, world, key, new AbortController().signal);
          return await persevere(context, () => definition.commit!(context, inputs, before, outputs));
        } catch (error) {
          return classifyRead(error);
        }
      },
      codec: {
        intent: () => ({ type: 'commit.intent', key, attempt, title: definition.title }),
        prepared: () => null,
        end: failure =>
          failure ? { type: 'commit.failed', key, attempt, failure } : { type: 'commit.done', key, attempt },
        value: end => (end.type === 'commit.failed' ? end.failure : undefined),
      },
    });
    const { value: failure } = await effect.finally(() => turn.leave());
    if (!failure) entry.committed = true;
    else warnings.push(`${key}${keptText} ${failure.message}`);
  }
  return warnings;
}

/** After the key of a step whose commit failed. */
export const keptText = ': what was kept for its undo could not be removed.';
