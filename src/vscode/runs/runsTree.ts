import type { RunView, StepState, StepView } from '../../engine/view';
import type { RunStatus, RunSummary } from '../../runner/contract';
import { ago, duration } from '../duration';
import type { Row } from '../inventory/rows';
import { isLive, statusIcon, statusText } from './stepResults';

/** A line of the runs view. Ids stay the same over refreshes. */
export type RunsNode = { id: string; row: Row } & (
  | { kind: 'section'; section: 'running' | 'history' }
  | { kind: 'run'; runId: string; runbookPath: string }
  | { kind: 'step'; runId: string; pointer: string }
);

/** What can be done to a run in this state. */
export function runActions(run: Pick<RunSummary, 'status' | 'problem' | 'waitsFor' | 'forward'>): string[] {
  const { status, problem, waitsFor = 'answer', forward } = run;
  if (problem !== undefined) return ['journal'];
  const actions = ['journal', 'runbook'];
  if (status === 'waiting' && waitsFor === 'answer') actions.push('answer');
  if (status === 'waiting' && waitsFor === 'approval') actions.push('approve');
  if (isLive(status)) actions.push('cancel');
  if (status === 'crashed' || status === 'stopped' || forward) actions.push('resume');
  if (status === 'needs-operator') actions.push('remaining');
  if (status === 'crashed' || status === 'done' || status === 'stopped' || (status === 'needs-operator' && !forward))
    actions.push('rollBack');
  return actions;
}

/** A run of the list as it is by now: a list is read seldom, what a run does is followed. */
export function asItIs(run: RunSummary, view: RunView | undefined): RunSummary {
  if (!view || !isLive(run.status)) return run;
  const { waitsFor: _, ...rest } = run;
  if (view.phase !== 'waiting') return { ...rest, status: view.phase };
  const waitsFor = view.question ? 'answer' : view.approvals.length > 0 ? 'approval' : 'window';
  return { ...rest, status: 'waiting', waitsFor };
}

export function runNode(run: RunSummary, now: number): RunsNode {
  const live = isLive(run.status);
  const when = live ? `since ${clockTime(run.submittedAt)}` : ago(run.endedAt ?? run.submittedAt, now);
  const state = run.problem ? 'unreadable' : statusText(run.status, run.waitsFor);
  const row: Row = {
    label: run.name,
    description: `${state} · ${when}`,
    spoken: `Run of ${run.name}, ${state}, ${when}, started by ${run.by}`,
    facts: [
      ['Run', run.runId],
      ['Started', new Date(run.submittedAt).toLocaleString()],
      ...(run.endedAt === undefined ? [] : [['Took', duration(run.endedAt - run.submittedAt)] as [string, string]]),
      ['By', run.by],
      ['Runbook', run.runbookPath],
      ['Plan', run.planHash],
      ...(run.failure ? [['Failure', run.failure] as [string, string]] : []),
      ...(run.problem ? [['Problem', run.problem] as [string, string]] : []),
    ],
    icon: run.problem ? 'error' : run.waitsFor === 'approval' ? 'law' : statusIcon(run.status),
    color: color(run.status),
    actions: runActions(run),
  };
  return { kind: 'run', id: `run:${run.runId}`, runId: run.runId, runbookPath: run.runbookPath, row };
}

function color(status: RunStatus): string | undefined {
  if (status === 'done') return 'charts.green';
  if (status === 'failed' || status === 'needs-operator') return 'charts.red';
  if (status === 'rolled-back' || status === 'crashed' || status === 'waiting') return 'charts.yellow';
  return undefined;
}

export function sectionNode(section: 'running' | 'history', size: number): RunsNode {
  const label = section === 'running' ? 'Running' : 'History';
  const row: Row = {
    label,
    description: String(size),
    spoken: `${label}, ${size} ${size === 1 ? 'run' : 'runs'}`,
    facts: [],
    icon: '',
    actions: [],
  };
  return { kind: 'section', id: `section:${section}`, section, row };
}

const stepIcons: Record<StepState, [icon: string, color?: string]> = {
  pending: ['circle-outline'],
  running: ['sync~spin'],
  retrying: ['sync~spin', 'charts.yellow'],
  done: ['pass', 'charts.green'],
  failed: ['error', 'charts.red'],
  skipped: ['debug-step-over'],
  undoing: ['sync~spin', 'charts.yellow'],
  undone: ['discard', 'charts.yellow'],
  'undo-failed': ['error', 'charts.red'],
};

function stepNode(runId: string, step: StepView): RunsNode {
  const [icon, tint] = stepIcons[step.state];
  const took =
    step.startedAt !== undefined && step.endedAt !== undefined ? duration(step.endedAt - step.startedAt) : undefined;
  const progress = step.fraction === undefined ? undefined : `${Math.round(step.fraction * 100)} %`;
  const detail = step.failure?.message ?? step.reason ?? step.message;
  const row: Row = {
    label: step.title,
    description: [step.state === 'done' ? undefined : step.state, progress, took, detail].filter(Boolean).join(' · '),
    spoken: [`Step ${step.title}`, step.state, took, detail].filter(Boolean).join(', '),
    facts: [
      ['Step', step.key],
      ...(step.uses ? [['Uses', step.uses] as [string, string]] : []),
      ...(step.undo ? [['Undo', step.undo] as [string, string]] : []),
      ...step.tail.slice(-5).map((line): [string, string] => ['', line]),
    ],
    icon,
    color: tint,
    actions: [],
  };
  return { kind: 'step', id: `step:${runId}/${step.key}`, runId, pointer: step.pointer, row };
}

export function stepNodes(view: RunView): RunsNode[] {
  return view.steps.map(step => stepNode(view.runId, step));
}

/** `14:05`, in the user's zone. */
function clockTime(t: number): string {
  return new Date(t).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
}
