import type { RunView } from '../engine/view';
import type { RunStatus } from './contract';

/** As `virtbook --help` lists them. */
export const exitCodes = { done: 0, problems: 1, usage: 2, needsPerson: 3 } as const;

/** How a command that waited for a run ends. */
export function exitCodeOf(run: Pick<RunView, 'failedItems'> & { status: RunStatus }): number {
  switch (run.status) {
    case 'done':
      // Items that failed within `maxFailures` were rolled back and the rest went on; a script must still notice.
      return run.failedItems.length > 0 ? exitCodes.problems : exitCodes.done;
    case 'needs-operator':
    case 'crashed':
      return exitCodes.needsPerson;
    case 'rolled-back':
    case 'failed':
    case 'stopped':
      return exitCodes.problems;
    default:
      return exitCodes.done;
  }
}
