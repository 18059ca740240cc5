import type { Plan } from '../engine/plan';
import { equal } from '../runbook/equal';

/** What people read, and where things stand. */
const told = ['name', 'description', 'pointer', 'title', 'prompt', 'message', 'key', 'undo'];

/** Whether two plans do the same: they are equal but for names, positions and what people read. */
export function doTheSame(base: Plan, head: Plan): boolean {
  return equal(base, head, told);
}
