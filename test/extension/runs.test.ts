import { describe, expect, it } from 'vitest';
import type { JournalRecord, RunEvent } from '../../src/engine/journal';
import type { Plan, PlannedStep } from '../../src/engine/plan';
import { RunModel, type RunView } from '../../src/engine/view';
import type { RunStatus, RunSummary, Runs } from '../../src/runner/contract';
import { journalLines } from '../../src/vscode/runs/journalText';
import { progressOf, progressText } from '../../src/vscode/runs/progressText';
import {
  asItIs,
  fitsWords,
  parseRunsId,
  runActions,
  runRow,
  sectionOf,
  stepNodeId,
  stepOf,
  stepRow,
} from '../../src/vscode/runs/runsTree';
import { RunTracker } from '../../src/vscode/runs/runTracker';
import { statusBarText } from '../../src/vscode/runs/statusBarText';
import { resultTitle, runValues, stepResults } from '../../src/vscode/runs/stepResults';

const START = Date.UTC(2026, 0, 3, 22, 0, 0);

function action(key: string, pointer: string): PlannedStep {
  return {
    kind: 'action',
    key,
    pointer,
    uses: 'vm.snapshot',
    title: `snapshot ${key}`,
    inputs: {},
    reads: [],
    changes: [{ kind: 'vm', name: key }],
    undoClass: 'reversible',
    undo: `delete the snapshot of ${key}`,
    when: true,
    estimateSeconds: 5,
  };
}

const plan: Plan = {
  version: 1,
  name: 'Patch',
  program: { version: 1, name: 'Patch', inputs: {}, steps: [] },
  inputs: {},
  steps: [action('a', '/steps/0'), action('b', '/steps/1')],
  unknowns: [],
};

/** A journal: each event a second after the one before. */
function journal(runId: string, ...events: RunEvent[]): JournalRecord[] {
  const submitted: RunEvent = {
    type: 'run.submitted',
    runId,
    plan,
    planHash: 'abcdef0123456789',
    by: 'ann',
    runbookPath: '/r/patch.runbook.yaml',
  };
  const started: RunEvent = { type: 'run.started', pid: 1, machine: 'laptop', resumed: false };
  return [submitted, started, ...events].map((event, n) => ({ ...event, n, t: START + n * 1000 }) as JournalRecord);
}

const intent = (key: string, pointer: string): RunEvent => ({
  type: 'step.intent',
  key,
  pointer,
  attempt: 1,
  uses: 'vm.snapshot',
  title: `snapshot ${key}`,
  inputs: {},
  before: null,
  undo: `delete the snapshot of ${key}`,
});
const done = (key: string, pointer: string): RunEvent => ({
  type: 'step.done',
  key,
  pointer,
  attempt: 1,
  outputs: { x: 1 },
});
const failed = (key: string, pointer: string): RunEvent => ({
  type: 'step.failed',
  key,
  pointer,
  attempt: 1,
  failure: { class: 'failed', message: 'Disk full.' },
  willRetry: false,
});

function viewOf(records: JournalRecord[]): RunView {
  const model = new RunModel();
  for (const record of records) model.apply(record);
  return model.view!;
}

const successful = journal(
  'one',
  intent('a', '/steps/0'),
  done('a', '/steps/0'),
  intent('b', '/steps/1'),
  done('b', '/steps/1'),
  { type: 'run.ended', status: 'done' },
);
const rolledBack = journal(
  'two',
  intent('a', '/steps/0'),
  failed('a', '/steps/0'),
  { type: 'rollback.started', reason: 'a failed' },
  { type: 'undo.intent', key: 'a', attempt: 1, title: 'delete the snapshot of a' },
  { type: 'undo.done', key: 'a', attempt: 1 },
  { type: 'run.ended', status: 'rolled-back', failure: { class: 'failed', message: 'Disk full.' } },
);

describe('last result of a step', () => {
  it('says how it went, how long it took and when', () => {
    const result = stepResults(viewOf(successful)).get('/steps/0')!;
    expect(resultTitle(result, START + 10 * 60_000)).toBe('$(pass) done in 1.0 s, 9 min ago');
  });

  it('says that it failed although it was undone afterwards', () => {
    const results = stepResults(viewOf(rolledBack));
    expect(resultTitle(results.get('/steps/0')!, START)).toMatch(/^\$\(error\) failed, undone/);
    expect(results.get('/steps/0')?.failure).toBe('Disk full.');
    expect(results.has('/steps/1'), 'a step that was not reached').toBe(false);
  });

  it('adds up the items of a loop', () => {
    const item = (name: string): RunEvent => ({
      type: 'item.started',
      key: `l[${name}]`,
      pointer: '/steps/0',
      value: name,
    });
    const itemEnded = (name: string, ok: boolean): RunEvent => ({
      type: 'item.ended',
      key: `l[${name}]`,
      pointer: '/steps/0',
      ok,
    });
    const records = journal(
      'three',
      item('x'),
      intent('l[x]/s', '/steps/0/steps/0'),
      done('l[x]/s', '/steps/0/steps/0'),
      itemEnded('x', true),
      item('y'),
      intent('l[y]/s', '/steps/0/steps/0'),
      failed('l[y]/s', '/steps/0/steps/0'),
      itemEnded('y', false),
    );
    const results = stepResults(viewOf(records));
    expect(results.get('/steps/0')).toMatchObject({ times: 2, failed: 1, state: 'failed' });
    const result = results.get('/steps/0/steps/0')!;
    expect(result).toMatchObject({ times: 2, failed: 1, state: 'failed' });
    expect(resultTitle(result, START)).toMatch(/^\$\(error\) 1 of 2 failed/);
  });
});

describe('values of the last run', () => {
  it('are its inputs and the outputs of steps outside of loops', () => {
    const records = journal(
      'v',
      intent('a', '/steps/0'),
      done('a', '/steps/0'),
      intent('l[x]/b', '/s'),
      done('l[x]/b', '/s'),
    );
    expect(runValues(viewOf(records))).toEqual({ inputs: {}, steps: { a: { outputs: { x: 1 } } } });
  });
});

const one: RunSummary = {
  runId: 'one',
  name: 'Patch',
  status: 'done',
  by: 'ann',
  runbookPath: '/r',
  planHash: 'abc',
  submittedAt: START,
};

describe('status bar', () => {
  const text = (...runs: Partial<RunSummary>[]) => statusBarText(runs.map(run => ({ ...one, ...run })));

  it('counts what goes on and what waits for a person', () => {
    expect(text()).toBeUndefined();
    expect(text({ status: 'running' })).toMatchObject({ text: '$(sync~spin) 1 run', waits: false });
    const approval = { status: 'waiting', waitsFor: 'approval' } as const;
    expect(text({ status: 'running' }, { status: 'waiting', waitsFor: 'window' }, approval)).toEqual({
      text: '$(sync~spin) 2 runs  $(bell-dot) 1 waits',
      spoken: '2 runs under way, 1 run waits for a person',
      waits: true,
    });
  });
});

describe('runs view', () => {
  it('offers what can be done to a run', () => {
    const actions = (status: RunStatus, more: Partial<RunSummary> = {}) => runActions({ status, ...more });
    expect(actions('running')).toEqual(['journal', 'runbook', 'cancel']);
    expect(actions('waiting')).toEqual(['journal', 'runbook', 'answer', 'cancel']);
    expect(actions('waiting', { waitsFor: 'approval' })).toEqual(['journal', 'runbook', 'approve', 'cancel']);
    expect(actions('waiting', { waitsFor: 'window' })).toEqual(['journal', 'runbook', 'cancel']);
    expect(actions('crashed')).toEqual(['journal', 'runbook', 'resume', 'rollBack', 'remove']);
    expect(actions('needs-operator')).toEqual(['journal', 'runbook', 'remaining', 'rollBack', 'remove']);
    expect(actions('needs-operator', { forward: true })).toEqual([
      'journal',
      'runbook',
      'resume',
      'remaining',
      'remove',
    ]);
    expect(actions('rolled-back')).toEqual(['journal', 'runbook', 'remove']);
    expect(actions('done', { problem: 'line 3 is broken' })).toEqual(['journal', 'remove']);
  });

  it('shows what a run that is followed waits for now, whatever the list said', () => {
    const summary: RunSummary = {
      runId: 'one',
      name: 'Patch',
      status: 'running',
      by: 'ann',
      runbookPath: '/r',
      planHash: 'abc',
      submittedAt: START,
    };
    const asked = viewOf(
      journal('one', {
        type: 'approval.asked',
        key: 'gate',
        pointer: '/steps/0',
        message: 'Go on?',
        planHash: 'abcdef0123456789',
        by: 2,
        self: true,
      }),
    );
    const row = runRow(asItIs(summary, asked), START, asked);
    expect(row.description).toMatch(/^waiting for approval: Go on\? · since /);
    expect(row.actions).toContain('approve');
    expect(row.icon).toBe('law');
    expect(asItIs({ ...summary, status: 'done' }, asked).status).toBe('done');
    expect(progressText(asked)).toBe('waiting for approval: Go on?');
  });

  it('reads a run out in full', () => {
    const summary: RunSummary = {
      runId: 'one',
      name: 'Patch',
      status: 'done',
      by: 'ann',
      runbookPath: '/r',
      planHash: 'abc',
      submittedAt: START,
      endedAt: START + 72_000,
    };
    const row = runRow(summary, START + 72_000);
    expect(row.spoken).toBe('Run of Patch, done, just now, started by ann');
    expect(row.facts).toContainEqual(['Took', '1 min 12 s']);
  });

  it('shows the steps with why they failed', () => {
    const view = viewOf(rolledBack);
    expect(stepRow(stepOf(view, 'a')!).description).toContain('Disk full.');
    expect(stepRow(stepOf(view, 'b')!).description).toBe('pending');
  });

  it('tells what a run under way does now', () => {
    const view = viewOf(journal('one', intent('a', '/steps/0')));
    const summary: RunSummary = { ...one, status: 'running' };
    expect(runRow(summary, START, view).description).toMatch(/^running · 0\/2 · snapshot a · since /);
  });

  it('puts runs together by what has to be done', () => {
    const all: RunStatus[] = ['submitted', 'waiting', 'rolling-back', 'needs-operator', 'crashed', 'done', 'failed'];
    expect(all.map(status => sectionOf({ status }))).toEqual([
      'running',
      'waiting',
      'running',
      'operator',
      'operator',
      'history',
      'history',
    ]);
  });

  it('says of one that stands in a debugger that it does', () => {
    const paused: RunEvent = {
      type: 'run.paused',
      thread: 1,
      name: 'Patch',
      reason: 'breakpoint',
      phase: 'step',
      key: 'a',
      pointer: '/steps/0',
      text: 'Stopped before a, at a breakpoint.',
    };
    const view = viewOf(journal('one', paused));
    const run = asItIs({ ...one, status: 'running' }, view);
    expect(run).toMatchObject({ status: 'waiting', waitsFor: 'debugger' });
    expect(runRow(run, START, view)).toMatchObject({ icon: 'debug-pause' });
    expect(runRow(run, START, view).description).toContain('Stopped before a');
  });

  it('finds runs by words of all that is known of them', () => {
    const run: RunSummary = { ...one, status: 'rolled-back', failure: 'Disk full.' };
    expect(fitsWords(run, 'patch ROLLED ann')).toBe(true);
    expect(fitsWords(run, 'disk')).toBe(true);
    expect(fitsWords(run, 'patch bob')).toBe(false);
    expect(fitsWords(run, '')).toBe(true);
  });

  it('has ids that lead back, whatever is in a key', () => {
    const key = 'each[a/b: c]/snapshot';
    expect(parseRunsId(stepNodeId('20260103-1', key))).toEqual({ kind: 'step', runId: '20260103-1', key });
    expect(parseRunsId('20260103-220000-abc')).toBeUndefined();
  });
});

describe('progress', () => {
  it('counts ended steps and how far the one under way is', () => {
    const view = viewOf(
      journal('r', intent('a', '/steps/0'), done('a', '/steps/0'), intent('b', '/steps/1'), {
        type: 'step.progress',
        key: 'b',
        fraction: 0.5,
        message: 'copying',
      }),
    );
    expect(progressOf(view)).toBe(0.75);
    expect(progressText(view)).toBe('1/2 · snapshot b 50 % (copying)');
  });

  it('names the undo while rolling back', () => {
    expect(progressText(viewOf(rolledBack.slice(0, 6)))).toBe('rolling back · delete the snapshot of a');
  });
});

describe('journal as text', () => {
  it('has a line for everything that matters', () => {
    const text = journalLines(rolledBack).join('\n');
    expect(text).toContain('22:00:00Z     0.0 s  Patch: submitted by ann');
    expect(text).toContain('→ snapshot a');
    expect(text).toContain('✗ a: Disk full.');
    expect(text).toContain('← rolling back: a failed');
    expect(text).toContain('■ rolled-back: Disk full.');
  });

  it('only grows, so that a view can follow', () => {
    const before = journalLines(successful.slice(0, 4));
    expect(journalLines(successful).slice(0, before.length)).toEqual(before);
  });
});

describe('run tracker', () => {
  /** Runs in memory: `follow` gives the records that are there and waits until `end`. */
  function fakeRuns(journals: Record<string, JournalRecord[]>, status: Record<string, RunStatus>) {
    let followers = 0;
    const waiting: (() => void)[] = [];
    const unused = () => Promise.reject(new Error('not part of this test'));
    const runs: Runs = {
      folder: '/none',
      submit: unused,
      resume: unused,
      rollback: unused,
      cancel: unused,
      approve: unused,
      find: unused,
      attach: unused,
      debug: unused,
      pause: unused,
      goOn: unused,
      remove: unused,
      list: async () =>
        Object.entries(journals).map(([runId]) => ({
          runId,
          name: 'Patch',
          status: status[runId]!,
          by: 'ann',
          runbookPath: '/r/patch.runbook.yaml',
          planHash: 'abc',
          submittedAt: START,
        })),
      read: async runId => ({ ...viewOf(journals[runId]!), status: status[runId]! }),
      async *follow(runId) {
        followers++;
        yield* journals[runId]!;
        if (status[runId] === 'running') await new Promise<void>(resolve => waiting.push(resolve));
      },
    };
    const end = () => {
      for (const resolve of waiting.splice(0)) resolve();
    };
    return { runs, followers: () => followers, end };
  }

  const track = (runs: Runs) => {
    const seen: string[] = [];
    const errors: unknown[] = [];
    const tracker = new RunTracker({
      runs,
      newModel: () => new RunModel(),
      onRun: (runId, record) => seen.push(`${runId} ${record?.type ?? 'over'}`),
      onList: () => seen.push('list'),
      onError: (_, error) => errors.push(error),
    });
    return { tracker, seen, errors };
  };

  it('follows what is under way, once, and says how it ended', async () => {
    const status: Record<string, RunStatus> = { one: 'running' };
    const fake = fakeRuns({ one: successful.slice(0, 3) }, status);
    const { tracker, seen, errors } = track(fake.runs);
    await tracker.refresh();
    const ended = [tracker.follow('one'), tracker.follow('one')];
    await new Promise(resolve => setImmediate(resolve));
    expect((await tracker.view('one')).steps[0]?.state).toBe('running');
    status.one = 'crashed';
    fake.end();
    expect(await Promise.all(ended)).toEqual(['crashed', 'crashed']);
    expect(fake.followers()).toBe(1);
    expect(seen).toEqual(['list', 'one run.submitted', 'one run.started', 'one step.intent', 'list', 'one over']);
    expect(errors).toEqual([]);
  });

  it('takes the last result of each step from the newest run that reached it', async () => {
    const onlyFirst = journal('new', intent('a', '/steps/0'), failed('a', '/steps/0'), {
      type: 'run.ended',
      status: 'rolled-back',
    });
    const fake = fakeRuns({ new: onlyFirst, one: successful }, { new: 'rolled-back', one: 'done' });
    const { tracker } = track(fake.runs);
    await tracker.refresh();
    const results = await tracker.lastResults('/r/patch.runbook.yaml');
    expect(results.get('/steps/0')).toMatchObject({ runId: 'new', state: 'failed' });
    expect(results.get('/steps/1')).toMatchObject({ runId: 'one', state: 'done' });
    expect(await tracker.lastResults('/r/other.runbook.yaml')).toEqual(new Map());
  });

  it('reads an ended run again when it was rolled back elsewhere, between two looks', async () => {
    const journals = { one: successful };
    const status: Record<string, RunStatus> = { one: 'done' };
    const { tracker } = track(fakeRuns(journals, status).runs);
    await tracker.refresh();
    expect((await tracker.view('one')).phase).toBe('done');
    journals.one = rolledBack;
    status.one = 'rolled-back';
    await tracker.refresh();
    expect((await tracker.view('one')).phase).toBe('rolled-back');
  });
});
