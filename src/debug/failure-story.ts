import type { StopView } from '../engine/debug-protocol';
import type { RunModel } from '../engine/view';

/** How it came to a failure, and what would be undone now: for the exception widget. */
export function failureStory(stop: StopView, model: RunModel): string {
  const { view } = model;
  const step = stop.key === undefined ? undefined : model.step(stop.key);
  const lines: string[] = [];
  if (stop.text !== undefined && stop.text !== stop.failure?.message) lines.push(stop.text);
  if (step) {
    const attempts = step.attempt > 1 ? `, attempt ${step.attempt}` : '';
    lines.push(`${step.title} (${step.key}, ${step.uses}${attempts})`);
    if (step.tail.length > 0) lines.push('Its last output:', ...step.tail.map(line => `  ${line}`));
  }
  const undo = (view?.undoList ?? []).map(key => model.step(key)?.undo ?? key);
  if (undo.length > 0) lines.push('What a rollback undoes, in this order:', ...undo.map(text => `  ${text}`));
  else if (view) lines.push('There is nothing to undo.');
  return lines.join('\n');
}
