import type { Json } from '../runbook/json';
import type { PlaceOf } from './contract';
import type { Difference, Place } from './model';

/** A difference, and what of the file it is about. */
export interface FoundDifference {
  kind: Difference['kind'];
  /** Left out: by whether there is a value before and after. */
  change?: Difference['change'];
  text: string;
  step?: Difference['step'];
  field?: string;
  before?: Json | undefined;
  after?: Json | undefined;
  /** JSON pointers, the most exact first; empty: not there on that side. */
  at: { base: readonly string[]; head: readonly string[] };
  effect?: Difference['effect'];
}

/** Collects the differences of a runbook with their places. */
export class DifferenceList {
  readonly #found: { difference: Difference; order: number }[] = [];

  constructor(readonly places: { base: PlaceOf; head: PlaceOf }) {}

  /** `order`: those of smaller ones come first, equal ones stay as they came. The same object is in the result, so its text may be completed. */
  add(found: FoundDifference, order: number): Difference {
    const { kind, text, step, field, before, after, at, effect = 'neutral' } = found;
    const change = found.change ?? (before === undefined ? 'added' : after === undefined ? 'removed' : 'changed');
    const base = placeOf(this.places.base, at.base);
    const head = placeOf(this.places.head, at.head);
    const difference: Difference = {
      kind,
      change,
      text,
      ...(step && { step }),
      ...(field !== undefined && { field }),
      ...(before !== undefined && { before }),
      ...(after !== undefined && { after }),
      ...(base && { base }),
      ...(head && { head }),
      effect,
    };
    this.#found.push({ difference, order });
    return difference;
  }

  all(): Difference[] {
    return this.#found.toSorted((one, other) => one.order - other.order).map(({ difference }) => difference);
  }
}

function placeOf(places: PlaceOf, pointers: readonly string[]): Place | undefined {
  for (const pointer of pointers) {
    const place = places(pointer);
    if (place) return place;
  }
  return undefined;
}
