import type { RunView } from '../../engine/view';

/** 0…1: steps that have ended, and how far the ones under way are. While rolling back, how much is taken back. */
export function progressOf(view: RunView): number {
  if (view.steps.length === 0) return 0;
  const ended = view.steps.reduce((sum, step) => {
    if (step.state === 'pending') return sum;
    if (step.state === 'running' || step.state === 'retrying') return sum + (step.fraction ?? 0);
    return sum + 1;
  }, 0);
  return ended / view.steps.length;
}

/** One line: what happens now. */
export function progressText(view: RunView): string {
  if (view.question) return view.question.text;
  const [approval] = view.approvals;
  if (approval) return `waiting for approval: ${approval.message}`;
  const [paused] = view.paused;
  if (paused) return paused.text;
  if (view.window !== undefined) return view.window;
  const active = view.steps.filter(
    step => step.state === 'running' || step.state === 'retrying' || step.state === 'undoing',
  );
  const done = view.steps.filter(step => step.state !== 'pending' && !active.includes(step)).length;
  const first = active[0];
  const prefix = view.phase === 'rolling-back' ? 'rolling back' : `${done}/${view.steps.length}`;
  if (!first) return prefix;
  const title = first.state === 'undoing' ? (first.undo ?? first.title) : first.title;
  const fraction = first.fraction === undefined ? '' : ` ${Math.round(first.fraction * 100)} %`;
  const message = first.message ? ` (${first.message})` : '';
  const others = active.length > 1 ? `, and ${active.length - 1} more` : '';
  return `${prefix} · ${title}${fraction}${message}${others}`;
}
