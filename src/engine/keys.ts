import type { Json } from '../runbook/json';
import type { Step } from '../runbook/model';

/** Marks the keys of steps that stand in the place of an undo. */
export const rollbackMark = '~rollback/';
/** The same where a person steps back over it; `number`: which decision in its list that was. */
export function backMark(number: string): string {
  return `~back${number}/`;
}
/** Marks the keys of the steps of `finally`: `~finally/stop`, in a call `sub/~finally/stop`. */
export const finallyMark = '~finally/';

/** Where a step stands in a run: `each-vm[web1]/snapshot`. Equal in plan, journal and every replay. */
export function stepKey(prefix: string, step: Step): string {
  return prefix + (step.id ?? `${step.kind === 'action' ? step.uses : step.kind}#${place(step)}`);
}

/** Its place among its siblings in the file, from 1. Not its index in the program, which may be only a part of the file. */
function place(step: Step): number {
  return Number(step.pointer.slice(step.pointer.lastIndexOf('/') + 1)) + 1;
}

/** An item as outputs of a `forEach` name it. */
export function itemName(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Keys of a loop's items, in order; equal values get a number, so that keys are unique. */
export function itemKeys(loop: string, items: readonly Json[]): string[] {
  const seen = new Map<string, number>();
  return items.map(value => {
    const name = itemName(value);
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return `${loop}[${name}${count > 1 ? `#${count}` : ''}]`;
  });
}
