import type { StepState } from '../../engine/view';

/** Signs that say of a step what its colour says. */
export const stateSigns: Record<StepState, string> = {
  pending: '○',
  running: '▶',
  retrying: '↻',
  done: '✓',
  failed: '✗',
  skipped: '–',
  undoing: '↶',
  undone: '↶',
  'undo-failed': '✗',
};
