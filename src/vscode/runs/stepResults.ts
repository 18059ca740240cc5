import type { ItemView, RunView, StepState, StepView } from '../../engine/view';
import type { JsonObject } from '../../runbook/json';
import type { RunStatus, RunSummary } from '../../runner/contract';
import { ago, duration } from '../duration';

/** How a step of a runbook went last, over all items it ran for. */
export interface StepResult {
  runId: string;
  state: StepState;
  /** More than one: the step stands in a `forEach`. */
  times: number;
  failed: number;
  durationMs?: number;
  endedAt?: number;
  failure?: string;
}

/** What one run tells about each step, by pointer. Steps it did not reach tell nothing. */
export function stepResults(view: RunView): Map<string, StepResult> {
  const byPointer = new Map<string, StepView[]>();
  for (const step of view.steps) {
    if (step.state === 'pending') continue;
    const list = byPointer.get(step.pointer);
    if (list) list.push(step);
    else byPointer.set(step.pointer, [step]);
  }
  const results = new Map<string, StepResult>();
  for (const [pointer, steps] of byPointer) results.set(pointer, combine(view.runId, steps));
  for (const pointer of new Set(view.items.map(item => item.pointer))) {
    const items = view.items.filter(item => item.pointer === pointer);
    results.set(pointer, ofLoop(view.runId, items));
  }
  return results;
}

/** A `forEach` tells how its items went. */
function ofLoop(runId: string, items: ItemView[]): StepResult {
  const failed = items.filter(item => item.state === 'failed' || item.state === 'rolled-back').length;
  const running = items.some(item => item.state === 'running');
  const state = running
    ? 'running'
    : failed > 0
      ? 'failed'
      : items.every(item => item.state === 'skipped')
        ? 'skipped'
        : 'done';
  return { runId, state, times: items.length, failed };
}

export interface RunValues {
  inputs: JsonObject;
  steps: Record<string, { outputs: JsonObject }>;
}

/** What the expressions of a runbook had as values, as far as they are the same for every item. */
export function runValues(view: RunView): RunValues {
  const steps: RunValues['steps'] = {};
  for (const step of view.steps) {
    const id = step.key.slice(step.key.lastIndexOf('/') + 1);
    if (step.outputs && !step.key.includes('[')) steps[id] = { outputs: step.outputs };
  }
  return { inputs: view.plan.inputs, steps };
}

/** The worst or most current state speaks for all. */
const weight: StepState[] = [
  'running',
  'retrying',
  'undoing',
  'undo-failed',
  'failed',
  'undone',
  'done',
  'skipped',
  'pending',
];

function combine(runId: string, steps: StepView[]): StepResult {
  const sorted = [...steps].sort((a, b) => weight.indexOf(a.state) - weight.indexOf(b.state));
  const lead = sorted[0]!;
  const ends = steps.flatMap(step => (step.endedAt === undefined ? [] : [step.endedAt]));
  const spent = steps.reduce(
    (sum, step) =>
      sum + (step.startedAt !== undefined && step.endedAt !== undefined ? step.endedAt - step.startedAt : 0),
    0,
  );
  return {
    runId,
    state: lead.state,
    times: steps.length,
    // A step that failed and was then undone says so through its failure.
    failed: steps.filter(step => step.failure !== undefined).length,
    durationMs: ends.length > 0 ? spent : undefined,
    endedAt: ends.length > 0 ? Math.max(...ends) : undefined,
    failure: lead.failure?.message ?? steps.find(step => step.failure)?.failure?.message,
  };
}

const marks: Record<StepState, string> = {
  pending: '$(circle-outline)',
  running: '$(sync~spin)',
  retrying: '$(sync~spin)',
  done: '$(pass)',
  failed: '$(error)',
  skipped: '$(debug-step-over)',
  undoing: '$(sync~spin)',
  undone: '$(discard)',
  'undo-failed': '$(error)',
};

const words: Record<StepState, string> = {
  pending: 'not reached',
  running: 'running',
  retrying: 'trying again',
  done: 'done',
  failed: 'failed',
  skipped: 'skipped',
  undoing: 'undoing',
  undone: 'undone',
  'undo-failed': 'undo failed',
};

/** `$(pass) done in 1.2 s, 5 min ago`: what the lens of a step says. */
export function resultTitle(result: StepResult, now: number): string {
  const what =
    result.failed > 0 && result.state === 'undone'
      ? 'failed, undone'
      : result.times > 1 && result.failed > 0
        ? `${result.failed} of ${result.times} failed`
        : result.times > 1 && result.state === 'done'
          ? `${result.times} done`
          : words[result.state];
  const mark = result.failed > 0 ? marks.failed : marks[result.state];
  const took = result.state === 'done' && result.durationMs !== undefined ? ` in ${duration(result.durationMs)}` : '';
  const when = result.endedAt === undefined ? '' : `, ${ago(result.endedAt, now)}`;
  return `${mark} ${what}${took}${when}`;
}

const statusWords: Record<RunStatus, [icon: string, words: string]> = {
  submitted: ['sync~spin', 'starting'],
  running: ['sync~spin', 'running'],
  waiting: ['question', 'waiting for an answer'],
  'rolling-back': ['sync~spin', 'rolling back'],
  done: ['pass', 'done'],
  'rolled-back': ['discard', 'rolled back'],
  stopped: ['debug-stop', 'stopped'],
  failed: ['error', 'failed'],
  'needs-operator': ['warning', 'needs a person'],
  crashed: ['warning', 'interrupted'],
};

export function statusIcon(status: RunStatus): string {
  return statusWords[status][0];
}

export function statusText(status: RunStatus, waitsFor?: RunSummary['waitsFor']): string {
  if (status === 'waiting' && waitsFor === 'approval') return 'waiting for approval';
  if (status === 'waiting' && waitsFor === 'debugger') return 'paused';
  if (status === 'waiting' && waitsFor === 'window') return 'waiting for its window';
  return statusWords[status][1];
}

/** Whether a runner is, or should be, at work on it. */
export function isLive(status: RunStatus): boolean {
  return status === 'submitted' || status === 'running' || status === 'waiting' || status === 'rolling-back';
}
