import type { CheckContext } from './check-context';
import type { Diagnostic } from './diagnostic';
import { equal } from './equal';
import type { Named, StepInScope } from './expression-check';
import type { Json } from './json';
import { everyStep, type Step } from './model';
import type { RunbookScope } from './scope';
import { shifted } from './yaml-places';

/** What a check has found in one of the outermost steps. */
export interface Kept {
  /** Ranges count from where the step begins. */
  readonly diagnostics: readonly Diagnostic[];
  readonly named: Named;
  /** How it and the steps inside can be seen afterwards, by id. */
  readonly after: ReadonlyMap<string, Pick<StepInScope, 'state' | 'around'>>;
}

interface Remembered extends Kept {
  readonly actions: CheckContext['actions'];
  readonly inventory: CheckContext['inventory'];
  readonly inputs: string;
  /** The steps elsewhere that its expressions name, as they could be seen. */
  readonly seen: ReadonlyMap<string, StepInScope | undefined>;
}

/** By the data of the step, which the next version of the document has in common with this one. */
const remembered = new WeakMap<object, Remembered>();

/**
 * What was found in a step holds for as long as nothing has changed that was looked at: its data, the actions, the inventory, the types of the
 * inputs, and the steps that it names. Steps with calls are not kept, as what they find depends on other files, and none are while two steps
 * have one id.
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

  find(data: Json | undefined): Kept | undefined {
    const known = data !== null && typeof data === 'object' ? remembered.get(data) : undefined;
    const { context, scope } = this;
    if (!known || known.actions !== context.actions || known.inventory !== context.inventory) return undefined;
    if (known.inputs !== this.#inputs || scope.duplicates.length > 0) return undefined;
    for (const [id, seen] of known.seen) if (!isSeenAs(scope.steps.get(id), seen)) return undefined;
    return known;
  }

  /** Call it when `step` has been checked, before anything else is. */
  keep(data: Json | undefined, step: Step, start: number, named: Named, found: readonly Diagnostic[]): void {
    const { context, scope } = this;
    if (data === null || typeof data !== 'object' || named.allSteps || scope.duplicates.length > 0) return;
    const inside = everyStep({ steps: [step] });
    if (inside.some(({ kind }) => kind === 'call')) return;
    // What has no place of its own would not move with the step.
    if (found.some(({ range, related }) => range.start < start || related)) return;
    const ids = new Set(inside.flatMap(({ id }) => id ?? []));
    const elsewhere = [...named.steps].filter(id => !ids.has(id));
    remembered.set(data, {
      actions: context.actions,
      inventory: context.inventory,
      inputs: this.#inputs,
      seen: new Map(elsewhere.map(id => [id, copyOf(scope.steps.get(id))])),
      named,
      diagnostics: found.map(one => ({ ...one, range: shifted(one.range, -start) })),
      after: new Map([...ids].map(id => [id, copyOf(scope.steps.get(id)!)])),
    });
  }
}

/** What is known of steps moves on while others are checked. */
function copyOf<T extends StepInScope | undefined>(step: T): T {
  return step && { ...step };
}

function isSeenAs(step: StepInScope | undefined, seen: StepInScope | undefined): boolean {
  if (!step || !seen) return step === seen;
  return step.state === seen.state && step.around === seen.around && equal(step.outputs, seen.outputs);
}
