import { describe, expect, it } from 'vitest';
import { parseInput } from '../../src/engine/input-text';
import type { Plan, PlannedStep } from '../../src/engine/plan';
import { timetableOf } from '../../src/engine/timetable';
import type { InputDefinition } from '../../src/runbook/model';
import { confirmationDetail, planMarkdown } from '../../src/vscode/plan/planText';

function action(
  title: string,
  changes: string[],
  more: Partial<Extract<PlannedStep, { kind: 'action' }>> = {},
): PlannedStep {
  return {
    kind: 'action',
    key: title,
    pointer: '/steps/0',
    uses: 'vm.start',
    title,
    inputs: {},
    reads: [],
    changes: changes.map(name => ({ kind: 'vm', name })),
    undoClass: 'reversible',
    undo: 'shut it down',
    when: true,
    estimateSeconds: 30,
    ...more,
  };
}

function planOf(...steps: PlannedStep[]): Plan {
  return {
    version: 1,
    name: 'Patch',
    program: { version: 1, name: 'Patch', inputs: {}, steps: [] },
    inputs: { vms: ['web1', 'web2'] },
    steps,
    unknowns: ['each: its items are only known when it is reached.'],
  };
}

const hash = '0123456789abcdef0123456789abcdef';
const detailOf = (plan: Plan, hash: string) => confirmationDetail(plan, hash, timetableOf(plan));
const markdownOf = (plan: Plan, hash: string) => planMarkdown(plan, hash, timetableOf(plan));

describe('confirmation', () => {
  it('names every target once, what has no way back, what is not known, and the plan', () => {
    const detail = detailOf(
      planOf(action('start web1', ['web1']), action('run on web1', ['web1', 'web2'], { undoClass: 'irreversible' })),
      hash,
    );
    expect(detail.split('\n')).toEqual([
      'Changes VMs web1, web2.',
      '2 steps, about 1 min.',
      "Can't be undone: run on web1.",
      'each: its items are only known when it is reached.',
      'Plan 0123456789ab',
    ]);
  });

  it('says when nothing is changed, and does not grow without end', () => {
    // What `planOf` does not know could change something.
    const sure = { ...planOf(action('look', [], { undoClass: 'none' })), unknowns: [] };
    expect(detailOf(sure, hash)).toContain('Changes nothing.');
    expect(detailOf(planOf(action('look', [], { undoClass: 'none' })), hash)).toContain('not known yet.');
    const many = Array.from({ length: 50 }, (_, n) => `vm${n}`);
    expect(detailOf(planOf(action('all', many)), hash)).toContain('vm6 and 43 more.');
  });
});

describe('plan as Markdown', () => {
  it('shows steps in loops with their undo', () => {
    const text = markdownOf(
      planOf({
        kind: 'items',
        key: 'each',
        pointer: '/steps/0',
        variable: 'vm',
        when: true,
        batch: 1,
        maxFailures: 0,
        items: [{ value: 'web1', steps: [action('start web1', ['web1'])] }],
        body: [],
      }),
      hash,
    );
    expect(text).toContain('# Plan: Patch');
    expect(text).toContain('- vm `web1`');
    expect(text).toContain('1. For each `vm` of 1, one after another');
    expect(text).toContain('**start web1** · `vm.start`');
    expect(text).toContain('undo: shut it down (reversible)');
  });

  it('shows what a step would do although its items are not known', () => {
    const text = markdownOf(
      planOf({
        kind: 'items',
        key: 'each',
        pointer: '/steps/0',
        variable: 'vm',
        when: true,
        batch: 4,
        maxFailures: 0,
        items: 'unknown',
        body: [action('start ${{ vm }}', [], { when: 'unknown' })],
      }),
      hash,
    );
    expect(text).toContain('a list not known yet, 4 at once');
    expect(text).toContain('start ${{ vm }}');
    expect(text).toContain('if its condition holds then');
  });
});

describe('what a plan may do at once', () => {
  const plan: Plan = {
    ...planOf(
      {
        kind: 'parallel',
        key: 'both',
        pointer: '/steps/0',
        when: true,
        steps: [action('start a', ['a']), action('start b', ['b'])],
      },
      {
        kind: 'control',
        control: 'pointOfNoReturn',
        key: 'point',
        pointer: '/steps/1',
        title: 'point of no return: It goes.',
        when: true,
        estimateSeconds: 0,
      },
      action('start c', ['c']),
    ),
    limits: { perHost: 1 },
    finally: [action('start d', ['d'])],
  };
  const timetable = timetableOf(plan, { whereIs: ({ name }) => (name === 'd' ? undefined : { host: 'hv1' }) });

  it('stands in the plan, with the timetable that follows', () => {
    const text = planMarkdown(plan, hash, timetable);
    expect(text).toContain('- Limits: at most 1 per host');
    expect(text).toContain('| 0:30 | 1:00 | start b | hv1 |');
    expect(text).toContain('At most 1 step at once: hv1 1.');
    expect(text).toContain('Where d is is not known');
    expect(text).toContain('> **After "point of no return: It goes." nothing is undone.**');
    // After it, and at the end, nothing is offered as a way back.
    expect(text.match(/undo: /g)).toHaveLength(2);
    expect(text).toContain('## At the end, whatever became of it');
  });

  it('stands in the confirmation', () => {
    const detail = confirmationDetail(plan, hash, timetable);
    expect(detail).toContain('4 steps, about 2 min.');
    expect(detail).toContain('Limits: at most 1 per host.');
    expect(detail).toContain('After "point of no return: It goes." nothing is undone.');
    expect(detail).not.toContain('Every step can be undone.');
  });
});

describe('a typed input', () => {
  const of = (type: InputDefinition['type'], more: Partial<InputDefinition> = {}): InputDefinition => ({
    type,
    ...more,
  });

  it('becomes a value of its type', () => {
    expect(parseInput(of('number'), ' 3 ')).toEqual({ value: 3 });
    expect(parseInput(of('boolean'), 'true')).toEqual({ value: true });
    expect(parseInput(of('vms'), 'web1, web2')).toEqual({ value: ['web1', 'web2'] });
    expect(parseInput(of('string'), '3')).toEqual({ value: '3' });
  });

  it('or says what is wrong', () => {
    expect(parseInput(of('number'), 'many').problem).toContain('not a number');
    expect(parseInput(of('boolean'), 'yes').problem).toContain('true or false');
    expect(parseInput(of('vms'), 'web1,,web2').problem).toContain('comma');
    expect(parseInput(of('string', { enum: ['a', 'b'] }), 'c').problem).toContain('a, b');
    expect(parseInput(of('string'), ' ').problem).toContain('needed');
  });
});
