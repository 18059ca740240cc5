import type { CheckContext } from './check-context';
import type { Diagnostic } from './diagnostic';
import { equal } from './equal';
import type { Named, StepInScope } from './expression-check';
import type { Json } from './json';
import { everyStep, type Step } from './model';
import type { RunbookScope } from './scope';

/** What a check has found in one of the outermost steps. */
export interface Kept {
  /** Ranges count from where the step begins. */
  readonly diagnostics: readonly Diagnostic[];
  readonly named: Named;
  /** How the steps inside can be seen afterwards, in the order of `own`. */
  readonly after: readonly Pick<StepInScope, 'state' | 'around'>[];
}

interface Remembered extends Kept {
  readonly actions: CheckContext['actions'];
  readonly inventory: CheckContext['inventory'];
  readonly inputs: string;
  readonly own: readonly string[];
  /** The steps elsewhere that its expressions name, as they could be seen. */
  readonly seen: ReadonlyMap<string, StepInScope | undefined>;
}

/** By the data of the step, which the next version of the document has in common with this one. */
const remembered = new WeakMap<object, Remembered>();

/**
 * What was found in a step holds for as long as nothing has changed that was looked at: its data, the actions, the inventory, the types of the
 * inputs, and the steps that it names. Steps with calls are not kept: what they find depends on other files.
 */
export class KeptChecks {
  readonly #inputs: string;

  constructor(
    readonly context: CheckContext,
    readonly scope: RunbookScope,
    secrets: ReadonlySet<string>,
  ) {
    this.#inputs = JSON.stringify([scope.inputs, ...secrets]);
  }

  find(data: Json | undefined, own: readonly string[]): Kept | undefined {
    const known = data !== null && typeof data === 'object' ? remembered.get(data) : undefined;
    if (!known || known.actions !== this.context.actions || known.inventory !== this.context.inventory)
      return undefined;
    if (known.inputs !== this.#inputs || !equal(known.own, own)) return undefined;
    for (const [id, seen] of known.seen) if (!equal(this.scope.steps.get(id), seen)) return undefined;
    return known;
  }

  /** Call it when `step` has been checked, before anything else is. */
  keep(
    data: Json | undefined,
    step: Step,
    start: number,
    own: readonly string[],
    named: Named,
    found: readonly Diagnostic[],
  ): void {
    if (data === null || typeof data !== 'object' || named.allSteps) return;
    if (everyStep({ steps: [step] }).some(inner => inner.kind === 'call')) return;
    // What has no place of its own would not move with the step.
    if (found.some(({ range, related }) => range.start < start || related)) return;
    const { steps } = this.scope;
    const inside = new Set(own);
    const elsewhere = [...named.steps].filter(id => !inside.has(id));
    remembered.set(data, {
      actions: this.context.actions,
      inventory: this.context.inventory,
      inputs: this.#inputs,
      own,
      seen: new Map(elsewhere.map(id => [id, steps.has(id) ? { ...steps.get(id)! } : undefined])),
      named,
      diagnostics: found.map(one => ({
        ...one,
        range: { start: one.range.start - start, end: one.range.end - start },
      })),
      after: own.map(id => ({ state: steps.get(id)!.state, around: steps.get(id)!.around })),
    });
  }
}
