import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalRecord } from '../../../src/engine/journal';
import { RunModel } from '../../../src/engine/view';
import { RunPageModel } from '../../../src/vscode/runPage/model';
import type { PageStep, ToPage } from '../../../src/vscode/runPage/protocol';
import { anyRun } from '../../engine/generated-runs';
import { approve, each, parallel, set, testRun, wait } from '../../engine/harness';

/** A page as the browser keeps it: what it was told, applied in order, and as it comes over: as JSON. */
class Told {
  head: unknown;
  lanes: unknown;
  steps: PageStep[] = [];
  bytes = 0;
  messages = 0;
  changes = 0;

  take(message: Omit<ToPage & { type: 'whole' | 'update' }, 'texts'> | undefined): void {
    if (!message) return;
    const text = JSON.stringify(message);
    this.bytes += text.length;
    this.messages++;
    const read = JSON.parse(text);
    if (read.head) this.head = read.head;
    if (read.lanes) this.lanes = read.lanes;
    if (read.type === 'whole') this.steps = read.steps;
    for (const [index, live] of read.changed ?? []) {
      this.steps[index]!.live = live;
      this.changes++;
    }
    this.steps.push(...(read.added ?? []));
  }
}

/** Follows a journal, telling the page after every `every` records. */
function follow(records: readonly JournalRecord[], every: number): { told: Told; model: RunModel } {
  const model = new RunModel();
  const told = new Told();
  let page: RunPageModel | undefined;
  records.forEach((record, at) => {
    model.apply(record);
    if (at % every !== 0 && at !== records.length - 1) return;
    const { view } = model;
    if (page?.isOf(view!)) told.take(page.update(view!.phase, record.t));
    else {
      page = new RunPageModel(view!);
      told.take(page.whole(view!.phase, record.t));
    }
  });
  return { told, model };
}

describe('what a run page is told', () => {
  it('adds up to the whole, whatever the run and however often it is told', async () => {
    await fc.assert(
      fc.asyncProperty(anyRun(2), fc.integer({ min: 1, max: 7 }), async ({ steps, options }, every) => {
        const run = testRun(steps, options);
        await run.carry();
        const { records } = run.journal;
        const { told, model } = follow(records, every);
        const whole = JSON.parse(JSON.stringify(new RunPageModel(model.view!).whole(model.view!.phase, 0)));
        expect(told.head).toEqual(whole.head);
        const named = ({ lanes, live: { undoOrder: _, ...live }, ...step }: PageStep, all: { name: string }[]) => ({
          ...step,
          live,
          lanes: lanes.map(lane => all[lane]),
        });
        const allLanes = told.lanes as { name: string }[];
        expect(told.steps.map(step => named(step, allLanes))).toEqual(
          whole.steps.map((step: PageStep) => named(step, whole.lanes)),
        );
        // The order in which a rollback would go is the same, whatever the numbers.
        const undos = (list: PageStep[]) =>
          list
            .filter(step => step.live.undoOrder !== undefined)
            .sort((a, b) => b.live.undoOrder! - a.live.undoOrder!)
            .map(step => step.key);
        expect(undos(told.steps)).toEqual(model.view!.undoList);
        expect(undos(whole.steps)).toEqual(model.view!.undoList);
      }),
      { numRuns: 60 },
    );
  });

  it('is nothing when nothing has changed', async () => {
    const run = testRun([set('a'), wait('10s')]);
    await run.carry();
    const model = new RunModel();
    for (const record of run.journal.records) model.apply(record);
    const page = new RunPageModel(model.view!);
    page.whole('done', 1);
    expect(page.update('done', 2)).toBeUndefined();
    expect(page.update('crashed', 3)).toMatchObject({ head: { status: 'crashed' } });
  });

  it('says who has approved what', async () => {
    const run = testRun([approve({ id: 'gate', by: 2, message: 'Go?' }), set('a')]);
    await run.carry();
    const model = new RunModel();
    for (const record of run.journal.records) {
      model.apply(record);
      if (record.type === 'approval.given') break;
    }
    const { head } = new RunPageModel(model.view!).whole('waiting', 0);
    expect(head).toMatchObject({
      statusText: 'waiting for approval',
      approvals: [{ key: 'gate', message: 'Go?', needed: 2, given: ['person 1'] }],
      actions: ['cancel', 'pause', 'debug'],
    });
  });

  it('has a lane for each place, and the run itself for what acts on none', async () => {
    const run = testRun([wait('10s', { id: 'w' }), parallel([set('b'), set('a10'), set('a9')])]);
    await run.carry();
    const model = new RunModel();
    for (const record of run.journal.records) model.apply(record);
    const { lanes, steps } = new RunPageModel(model.view!).whole('done', 0);
    expect(lanes).toEqual([
      { kind: 'run', name: '' },
      { kind: 'vm', name: 'a9' },
      { kind: 'vm', name: 'a10' },
      { kind: 'vm', name: 'b' },
    ]);
    expect(steps.map(step => step.lanes)).toEqual([[0], [3], [2], [1]]);
    expect(steps[0]).toMatchObject({ plannedFrom: 0, plannedTo: 10 });
  });

  it('puts VMs into the lanes of the hosts they were on, also of steps that the plan did not foretell', () => {
    const observed = { web1: vm('hv1'), web2: vm('hv2') };
    const run = testRun([set('web2', { id: 'known' })]);
    const records = run.journal.records.map(record =>
      record.type === 'run.submitted' ? { ...record, observed } : record,
    );
    const model = new RunModel();
    for (const record of records) model.apply(record);
    const page = new RunPageModel(model.view!);
    expect(page.whole('running', 0)).toMatchObject({ lanes: [{ kind: 'host', name: 'hv2' }] });
    const at = { n: 9, t: 9, pointer: '/steps/1' };
    model.apply({ ...at, type: 'item.started', key: 'each[web1]', value: 'web1' });
    const intent = { type: 'step.intent', attempt: 1, uses: 't.set', title: 'x', inputs: {}, before: null } as const;
    model.apply({ ...at, ...intent, key: 'each[web1]/x' });
    expect(page.update('running', 0)).toMatchObject({
      lanes: [{ name: 'hv2' }, { kind: 'host', name: 'hv1' }],
      added: [{ key: 'each[web1]/x', lanes: [1] }],
    });
  });
});

function vm(host: string) {
  return { uuid: '', host, state: 'running', snapshots: 0, disks: {} };
}

describe('a run of 10,000 steps', () => {
  const items = Array.from({ length: 5_000 }, (_, at) => `vm${at}`);
  const each10k = each(items, [set('${{ item }}', { id: 'first' }), set('${{ item + "-b" }}', { id: 'second' })], {
    batch: 20,
  });

  /** Twenty at once, each step with its intent and its end. */
  function* records(): Iterable<JournalRecord> {
    const run = testRun([each10k]);
    const [submitted] = run.journal.records;
    yield submitted!;
    let n = 1;
    const at = () => ({ n: n++, t: n * 10 });
    yield { ...at(), type: 'run.started', pid: 1, machine: 'test', resumed: false };
    const { steps } = foldOne(submitted!);
    for (let from = 0; from < steps.length; from += 20) {
      const some = steps.slice(from, from + 20);
      const common = { attempt: 1, inputs: {}, before: null, undo: 'set it back' };
      for (const { key, pointer, uses, title } of some)
        yield { ...at(), ...common, type: 'step.intent', key, pointer, uses, title };
      for (const { key, pointer } of some) yield { ...at(), type: 'step.done', key, pointer, attempt: 1, outputs: {} };
    }
  }

  it('is told in few bytes: the whole once, and of each step what changed', () => {
    // Four times a second in a run that begins and ends 100 steps a second.
    const { told, model } = follow([...records()], 50);
    expect(model.view!.steps).toHaveLength(10_000);
    expect(told.steps.every(step => step.live.state === 'done')).toBe(true);
    const whole = JSON.stringify(new RunPageModel(model.view!).whole('running', 0)).length;
    expect(whole).toBeLessThan(4_000_000);
    // Each step changes when it begins and when it ends, and not when others do.
    expect(told.changes).toBeLessThanOrEqual(2 * 10_000);
    expect((told.bytes - whole) / told.messages).toBeLessThan(20_000);
  });
});

function foldOne(record: JournalRecord) {
  const model = new RunModel();
  model.apply(record);
  return model.view!;
}
