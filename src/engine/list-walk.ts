import { undoClassOf } from '../actions/action';
import type { JsonObject } from '../runbook/json';
import { everyStep, innerSteps, type Step } from '../runbook/model';
import type { JumpTarget } from './debug-protocol';
import { applyChange, valueAt } from './frames';
import { type OnceEvent, type SteeringEvent, steeringId } from './journal';
import { stepKey } from './keys';
import type { Place } from './place';
import type { RolledBack } from './rollback';
import type { Change, Move, StepStop, StopPoints } from './stop-points';
import { type StepUndo, stepsOf, type UndoEntry } from './undo-stack';

/** What a walk needs of the run. */
export interface WalkedRun {
  readonly stops: StopPoints | undefined;
  /** Does the step, or takes it from the records. What it throws ends the walk. */
  perform(step: Step, key: string, place: Place, rest: readonly Step[]): Promise<JsonObject>;
  /** It was left out by its condition, or by a jump. */
  wasSkipped(key: string): boolean;
  leaveOut(step: Step, key: string, place: Place, reason: string): Promise<void>;
  /** Undoes these, last first, up to the first that fails; takes off what is undone. `back`: id of the decision. */
  takeBack(place: Place, entries: UndoEntry[], back: string): Promise<RolledBack>;
  /** This step, and what is in it, has been undone: nothing that came of it counts. */
  forget(key: string): void;
}

/** A step of this list that was done, or left out. */
interface Past {
  at: number;
  key: string;
  leftOut: boolean;
}

/**
 * Goes through a list of steps in the way that people steer: it stands where it is to stand, steps back, jumps, and changes values. Every such
 * decision is recorded before it has an effect, with its number in this list, so a replay goes the same way.
 */
export class ListWalk {
  /** In the order in which they were done. */
  readonly #past: Past[] = [];
  /** How often each step was done or left out. */
  readonly #times = new Map<number, number>();
  #decisions = 0;

  /** `from`: what is before it is done already, as it stands. */
  constructor(
    private readonly run: WalkedRun,
    private readonly steps: readonly Step[],
    private readonly place: Place,
    private readonly outputs: JsonObject,
    private readonly from: number,
  ) {
    for (let at = 0; at < from; at++) {
      const key = this.#keyOf(at);
      this.#passed(at, key);
    }
  }

  async go(): Promise<JsonObject> {
    const { steps, place } = this;
    let at = this.from;
    let arrived: StepStop['arrived'];
    while (at < steps.length) {
      const step = steps[at]!;
      const key = this.#keyOf(at);
      const steering = await this.#steering(at, key, arrived);
      if (steering) {
        ({ at, arrived } = await this.#follow(steering, at));
        continue;
      }
      arrived = undefined;
      const got = await this.run.perform(step, key, place, steps.slice(at + 1));
      this.#keep(step, got);
      this.#passed(at, key);
      at++;
    }
    return this.outputs;
  }

  /** A step done again has its round in its key, and so has all that is in it. */
  #keyOf(at: number): string {
    const round = (this.#times.get(at) ?? 0) + 1;
    return `${stepKey(this.place.prefix, this.steps[at]!)}${round > 1 ? `@${round}` : ''}`;
  }

  #passed(at: number, key: string): void {
    this.#times.set(at, (this.#times.get(at) ?? 0) + 1);
    this.#past.push({ at, key, leftOut: this.run.wasSkipped(key) });
  }

  #keep(step: Step, got: JsonObject): void {
    if (step.id === undefined) return;
    this.place.scope.steps[step.id] = { outputs: got };
    this.outputs[step.id] = got;
  }

  /** What was decided here, by a person now or in the records. */
  async #steering(at: number, key: string, arrived: StepStop['arrived']): Promise<Steering | undefined> {
    const { durable } = this.place;
    for (;;) {
      const id = steeringId(this.#nextId());
      const decided = durable.recorded(id);
      if (!decided || !isSteering(decided) || decided.key !== key) break;
      durable.recall(id);
      this.#decisions++;
      if (decided.type !== 'variable.set') return decided;
      applyChange(this.place, decided);
    }
    const { stops } = this.run;
    if (!stops?.watching || durable.begun(key)) return undefined;
    const move = await stops.beforeStep(this.#stop(at, key, arrived));
    return move && this.#decide(this.#eventOf(move, at, key));
  }

  #eventOf(move: Move, at: number, key: string): Steering {
    const where = { id: this.#nextId(), key, pointer: this.steps[at]!.pointer, by: move.by };
    if (move.do === 'back') return { type: 'step.back', ...where, undone: this.#last()!.key };
    const target = this.steps.findIndex(step => step.pointer === move.to);
    const keys = this.#between(at, target).map(one => this.#keyOf(one));
    const forward = target > at;
    return {
      type: 'step.jump',
      ...where,
      to: move.to,
      left: forward ? keys : [],
      again: forward ? [] : keys,
    };
  }

  #nextId(): string {
    return `${stepKey(this.place.prefix, this.steps[0]!)}#${this.#decisions + 1}`;
  }

  async #decide<E extends SteeringEvent>(event: E): Promise<E> {
    await this.place.durable.decide(steeringId(event.id), () => event);
    this.#decisions++;
    return event;
  }

  #follow(steering: Steering, at: number): Promise<Arrival> {
    return steering.type === 'step.back' ? this.#back(steering.id, at) : this.#jump(steering.to, steering.by, at);
  }

  async #back(id: string, at: number): Promise<Arrival> {
    const last = this.#last()!;
    const { undo } = this.place;
    const entries = this.#takeTop(last.key);
    const { remaining } = await this.run.takeBack(this.place, entries, id);
    const [failed] = remaining;
    if (failed) {
      undo.push(...entries);
      const text = `${last.key} is not taken back: the undo of ${failed.key} (${failed.text}) failed. ${failed.why}`;
      return { at, arrived: { reason: 'back', text } };
    }
    while (this.#past.length > 0 && this.#past.pop() !== last);
    this.#forget(this.steps[last.at]!);
    this.run.forget(last.key);
    return { at: last.at, arrived: { reason: 'back', text: `${last.key} is taken back.` } };
  }

  async #jump(to: string, by: string, at: number): Promise<Arrival> {
    const target = this.steps.findIndex(step => step.pointer === to);
    for (const one of this.#between(at, target)) {
      const step = this.steps[one]!;
      if (target < at) {
        this.#forget(step);
        continue;
      }
      const key = this.#keyOf(one);
      await this.run.leaveOut(step, key, this.place, `${by} went on at ${this.#keyOf(target)}`);
      this.#keep(step, {});
      this.#passed(one, key);
    }
    return { at: target, arrived: { reason: 'jump', text: `${by} went on here.` } };
  }

  /** What of the undo stack is of this step and of what is in it. */
  #takeTop(key: string): UndoEntry[] {
    const { undo } = this.place;
    let from = undo.length;
    while (from > 0 && isOf(undo[from - 1]!.key, key)) from--;
    return undo.splice(from);
  }

  /** The last step that was done, not left out. */
  #last(): Past | undefined {
    return this.#past.findLast(one => !one.leftOut);
  }

  /** Places that are left out, or gone through again. */
  #between(at: number, target: number): number[] {
    const [from, to] = target < at ? [target, at] : [at, target];
    return Array.from({ length: to - from }, (_, one) => from + one);
  }

  /** Its outputs are not seen any more, nor those of what is in it. */
  #forget(step: Step): void {
    for (const { id } of everyStep({ steps: [step] })) {
      if (id === undefined) continue;
      delete this.place.scope.steps[id];
      delete this.outputs[id];
    }
  }

  #stop(at: number, key: string, arrived: StepStop['arrived']): StepStop {
    const { place } = this;
    const step = this.steps[at]!;
    return {
      place,
      step,
      key,
      ...(arrived && { arrived }),
      backRefused: () => this.#backRefused(),
      jumpTargets: () => this.#targets(at),
      jumpRefused: pointer => this.#jumpRefused(at, pointer),
      set: async (change: Change) => {
        const { frame, path, value, by } = change;
        const was = valueAt(ownPlaceAt(place, frame), path) ?? null;
        const where = { id: this.#nextId(), key, pointer: step.pointer, by };
        await this.#decide({ type: 'variable.set', ...where, frame, path, was, value });
        applyChange(place, change);
      },
    };
  }

  #backRefused(): string | undefined {
    if (this.place.shielded) return shieldedText;
    const last = this.#last();
    if (!last) {
      return 'It is the first step of its list, so there is none before it to take back. Step out, and back from there, takes all of it back.';
    }
    const step = this.steps[last.at]!;
    if (step.kind === 'pointOfNoReturn') {
      return `${last.key} is a point of no return: nothing before it is taken back.`;
    }
    const { undo } = this.place;
    let from = undo.length;
    while (from > 0 && isOf(undo[from - 1]!.key, last.key)) from--;
    const stuck = stepsOf(undo.slice(from))
      .map(noUndo)
      .find(why => why !== undefined);
    return stuck && `${stuck} Jump to ${last.key} does it again without undoing it.`;
  }

  #targets(at: number): JumpTarget[] {
    return this.steps.flatMap(({ pointer, name, id }, one): JumpTarget[] => {
      if (one === at || this.#jumpRefused(at, pointer) !== undefined) return [];
      const keys = this.#between(at, one).map(between => this.#keyOf(between));
      const warning =
        one > at
          ? `Leaves out ${keys.join(', ')}: what needs them may fail.`
          : `Does ${keys.join(', ')} again, without undoing what was done.`;
      return [{ pointer, title: name ?? id ?? stepKey(this.place.prefix, this.steps[one]!), warning }];
    });
  }

  #jumpRefused(at: number, pointer: string): string | undefined {
    if (this.place.shielded) return shieldedText;
    const target = this.steps.findIndex(step => step.pointer === pointer);
    if (target < 0) return `${pointer} is not in the list of steps that it stands in, so it can't go on there.`;
    if (target === at) return 'It stands there already.';
    for (const one of this.#between(at, target)) {
      const held = holds(this.steps[one]!);
      const key = this.#keyOf(one);
      if (held === 'approve')
        return `${key} is an approval, or has one in it: only people who approve let a run past it.`;
      if (held === 'pointOfNoReturn') return `${key} is a point of no return: a run only goes past it step by step.`;
    }
    return undefined;
  }
}

type Steering = Exclude<SteeringEvent, { type: 'variable.set' }>;
type Arrival = { at: number; arrived: NonNullable<StepStop['arrived']> };

const shieldedText = 'In `finally` and in a rollback the run can be stopped and let go on, but not steered.';

function isSteering(event: OnceEvent): event is SteeringEvent {
  return event.type === 'step.back' || event.type === 'step.jump' || event.type === 'variable.set';
}

/** Whether what has this key is the step, or in it. */
export function isOf(key: string, step: string): boolean {
  return key === step || key.startsWith(`${step}/`) || key.startsWith(`${step}[`);
}

function ownPlaceAt(place: Place, frame: number): Place {
  let found = place;
  for (let left = frame; left > 0 && found.outer; left--) found = found.outer.place;
  return found;
}

/** Why it can't be taken back; undefined: it can, or there is nothing to take back. */
function noUndo({ key, step, definition, inputs, committed }: StepUndo): string | undefined {
  const undoClass = undoClassOf(definition, inputs);
  if (undoClass === 'none' && typeof step.rollback !== 'object') return undefined;
  if (step.rollback === 'none') return `${key} has \`rollback: none\`, so it is not taken back.`;
  if (committed) return `What the undo of ${key} needs was removed.`;
  if (typeof step.rollback === 'object') return undefined;
  return undoClass === 'irreversible' || !definition.undo ? `${key} has no undo (${undoClass}).` : undefined;
}

/** What it, or something in it, is that no jump goes past. */
function holds(step: Step): 'approve' | 'pointOfNoReturn' | undefined {
  if (step.kind === 'approve' || step.kind === 'pointOfNoReturn') return step.kind;
  const inner = step.kind === 'call' ? (step.runbook?.steps ?? []) : innerSteps(step);
  for (const one of inner) {
    const held = holds(one);
    if (held) return held;
  }
  return undefined;
}
