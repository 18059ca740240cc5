import type { RunView, StepState, StepView } from '../../engine/view';
import type { RunStatus, RunSummary } from '../../runner/contract';
import { ago, duration } from '../duration';
import type { Row } from '../inventory/rows';
import { progressText } from './progressText';
import { isLive, statusIcon, statusText } from './stepResults';

/** Runs that belong together in the view, in this order. */
export const sections = ['waiting', 'running', 'operator', 'history'] as const;
export type Section = (typeof sections)[number];

/** A line of the runs view, and its id, which stays the same over refreshes. */
export const sectionId = (section: Section) => `section:${section}`;
export const runNodeId = (runId: string) => `run:${runId}`;
export const stepNodeId = (runId: string, key: string) => `step:${runId}/${key}`;
export const moreStepsId = (runId: string) => `more:${runId}`;

export type RunsId =
  | { kind: 'section'; section: Section }
  | { kind: 'run' | 'more'; runId: string }
  | { kind: 'step'; runId: string; key: string };

export function parseRunsId(id: string): RunsId | undefined {
  const kind = id.slice(0, id.indexOf(':'));
  const rest = id.slice(kind.length + 1);
  if (kind === 'run' || kind === 'more') return { kind, runId: rest };
  if (kind === 'section') {
    const section = sections.find(one => one === rest);
    return section && { kind, section };
  }
  if (kind !== 'step') return undefined;
  const slash = rest.indexOf('/');
  return { kind, runId: rest.slice(0, slash), key: rest.slice(slash + 1) };
}

/** Where a run stands in the view. */
export function sectionOf({ status }: Pick<RunSummary, 'status'>): Section {
  if (status === 'waiting') return 'waiting';
  if (isLive(status)) return 'running';
  return status === 'needs-operator' || status === 'crashed' ? 'operator' : 'history';
}

/** Whether a run goes on only when a person acts. */
export function waitsForPerson(run: Pick<RunSummary, 'status' | 'waitsFor'>): boolean {
  return run.status === 'waiting' && run.waitsFor !== 'window';
}

/** Whether every word is in what is known of a run: name, state, who, runbook, id. */
export function fitsWords(run: RunSummary, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const known = [run.name, statusText(run.status, run.waitsFor), run.by, run.runbookPath, run.runId, run.failure ?? ''];
  const all = known.join('\n').toLowerCase();
  return words.every(word => all.includes(word));
}

/** What can be done to a run in this state. */
export function runActions(run: Pick<RunSummary, 'status' | 'problem' | 'waitsFor' | 'forward'>): string[] {
  const { status, problem, waitsFor = 'answer', forward } = run;
  if (problem !== undefined) return ['journal', 'remove'];
  const actions = ['journal', 'runbook'];
  if (status === 'waiting' && waitsFor === 'answer') actions.push('answer');
  if (status === 'waiting' && waitsFor === 'approval') actions.push('approve');
  if (isLive(status)) actions.push('cancel');
  if (status === 'crashed' || status === 'stopped' || forward) actions.push('resume');
  if (status === 'needs-operator') actions.push('remaining');
  if (status === 'crashed' || status === 'done' || status === 'stopped' || (status === 'needs-operator' && !forward))
    actions.push('rollBack');
  if (!isLive(status)) actions.push('remove');
  return actions;
}

/** A run of the list as it is by now: a list is read seldom, what a run does is followed. */
export function asItIs(run: RunSummary, view: RunView | undefined): RunSummary {
  if (!view || !isLive(run.status)) return run;
  const { waitsFor: _, ...rest } = run;
  if (view.phase !== 'waiting') return { ...rest, status: view.phase };
  const waitsFor = view.question
    ? 'answer'
    : view.approvals.length > 0
      ? 'approval'
      : view.paused.length > 0
        ? 'debugger'
        : 'window';
  return { ...rest, status: 'waiting', waitsFor };
}

/** `view`: of a run under way, what it does now. */
export function runRow(run: RunSummary, now: number, view?: RunView): Row {
  const live = isLive(run.status);
  const when = live ? `since ${clockTime(run.submittedAt)}` : ago(run.endedAt ?? run.submittedAt, now);
  const state = run.problem ? 'unreadable' : statusText(run.status, run.waitsFor);
  const progress = live && view ? progressText(view) : undefined;
  // What is waited for says that it waits.
  const told = run.status === 'waiting' && progress !== undefined ? [progress] : [state, progress];
  return {
    label: run.name,
    description: [...told, when].filter(Boolean).join(' · '),
    spoken: [`Run of ${run.name}`, ...told, when, `started by ${run.by}`].filter(Boolean).join(', '),
    facts: [
      ['State', state],
      ['Run', run.runId],
      ['Started', new Date(run.submittedAt).toLocaleString()],
      ...(run.endedAt === undefined ? [] : [['Took', duration(run.endedAt - run.submittedAt)] as [string, string]]),
      ['By', run.by],
      ['Runbook', run.runbookPath],
      ['Plan', run.planHash],
      ...(run.failure ? [['Failure', run.failure] as [string, string]] : []),
      ...(run.problem ? [['Problem', run.problem] as [string, string]] : []),
    ],
    icon: run.problem ? 'error' : waitIcon(run),
    color: color(run.status),
    actions: runActions(run),
  };
}

function waitIcon(run: RunSummary): string {
  if (run.status !== 'waiting') return statusIcon(run.status);
  switch (run.waitsFor) {
    case 'approval':
      return 'law';
    case 'debugger':
      return 'debug-pause';
    case 'window':
      return 'watch';
    default:
      return 'question';
  }
}

function color(status: RunStatus): string | undefined {
  if (status === 'done') return 'charts.green';
  if (status === 'failed' || status === 'needs-operator') return 'charts.red';
  if (status === 'rolled-back' || status === 'crashed' || status === 'waiting') return 'charts.yellow';
  return undefined;
}

const sectionLabels: Record<Section, string> = {
  waiting: 'Waiting',
  running: 'Running',
  operator: 'Needs a person',
  history: 'History',
};

export function sectionRow(section: Section, size: number): Row {
  const label = sectionLabels[section];
  return {
    label,
    description: String(size),
    spoken: `${label}, ${size} ${size === 1 ? 'run' : 'runs'}`,
    facts: [],
    icon: '',
    actions: [],
  };
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

export function stepRow(step: StepView): Row {
  const [icon, tint] = stepIcons[step.state];
  const took =
    step.startedAt !== undefined && step.endedAt !== undefined ? duration(step.endedAt - step.startedAt) : undefined;
  const progress = step.fraction === undefined ? undefined : `${Math.round(step.fraction * 100)} %`;
  const detail = step.failure?.message ?? step.reason ?? step.message;
  return {
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
}

/** Stands for the steps that are not shown yet. */
export function moreStepsRow(left: number): Row {
  const label = `Show ${Math.min(left, STEPS)} more`;
  return {
    label,
    description: `of ${left} steps`,
    spoken: `${label} of ${left} steps, press Enter`,
    facts: [],
    icon: 'ellipsis',
    actions: [],
  };
}

/** Steps of a run that are shown at first, and with each *Show more*. */
export const STEPS = 200;

const byKey = new WeakMap<RunView, Map<string, StepView>>();

/** A step of a view by its key. */
export function stepOf(view: RunView, key: string): StepView | undefined {
  let index = byKey.get(view);
  if (index?.size !== view.steps.length) {
    index = new Map(view.steps.map(step => [step.key, step]));
    byKey.set(view, index);
  }
  return index.get(key);
}

/** `14:05`, in the user's zone. */
function clockTime(t: number): string {
  return new Date(t).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
}
