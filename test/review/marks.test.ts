import { describe, expect, it } from 'vitest';
import { commentsAsReview, preparedComments } from '../../src/review/comments';
import { changeMarks } from '../../src/review/marks';
import { reviewChanges } from '../../src/review/review';
import { memoryRevision } from './corpus/memory-revision';
import { changesBetween, readPair } from './corpus/pair';
import { rehearseHere } from './corpus/rehearse-here';
import { difference, failure, problem, rehearsal, review as reviewOf, rich, runbook } from './formats/reviews';

const path = 'work.runbook.yaml';
const files = {
  'lab.inventory.yaml': `version: 1
connections:
  lab: { type: simulated, lab: ./lab.yaml }
`,
  'lab.yaml': `version: 1
hosts:
  hv1: { cpus: 8, memoryMiB: 16384 }
  hv2: { cpus: 8, memoryMiB: 16384 }
datastores:
  shared: { capacityGiB: 100, hosts: [hv1, hv2] }
vms:
  web1: { host: hv1, state: running, memoryMiB: 1024, disks: [{ datastore: shared, capacityGiB: 1 }] }
  web2: { host: hv2, state: shutoff, memoryMiB: 1024, disks: [{ datastore: shared, capacityGiB: 1 }] }
`,
};
const before = `version: 1
name: Work
inventory: ./lab.inventory.yaml
limits: { total: 1 }
steps:
  - id: save
    uses: vm.snapshot
    with: { vm: web1, name: before }
  - id: start
    uses: vm.start
    with: { vm: web2 }
  - id: stay
    uses: check.guest
    with: { vm: web1, agent: true }
  - id: gone
    wait: 1m
`;
const after = `version: 1
name: Work
inventory: ./lab.inventory.yaml
steps:
  - id: stay
    uses: check.guest
    with: { vm: web1, agent: true }
  - id: save
    uses: vm.snapshot
    with: { vm: web2, name: before }
    rollback: none
  - id: start
    uses: vm.start
    with: { vm: web2 }
  - id: stop
    uses: vm.shutdown
    with: { vm: web1 }
`;

async function reviewed(base: string, head: string) {
  const at = (text: string) => new Map(Object.entries({ ...files, [path]: text }).map(([p, t]) => [p, Buffer.from(t)]));
  const [one, other] = [at(base), at(head)];
  const changes = changesBetween(one, other);
  return reviewChanges(
    { base: memoryRevision('main', one), head: memoryRevision('the working tree', other), changes },
    { rehearse: rehearseHere },
    {},
  );
}

const lineOf = (text: string, part: string) => text.slice(0, text.indexOf(part)).split('\n').length;

describe('marks of a review', () => {
  it('stand at the first line of each step that is not as it was, with what comes of it', async () => {
    const result = await reviewed(before, after);
    const marks = changeMarks(result, 'head', path, after);
    const at = (part: string) => marks.find(({ line }) => line === lineOf(after, part));

    expect(at('- id: start')).toBeUndefined();
    const save = at('- id: save');
    expect(save?.kind).toBe('riskier');
    expect(save?.differences.map(({ text }) => text).join('\n')).toMatch(/vm web1 → web2[\s\S]*rollback/);
    expect(save?.effects).toEqual([
      { text: 'Newly acts on VM web2.', effect: 'riskier' },
      { text: 'No longer acts on VM web1.', effect: 'neutral' },
    ]);

    expect(at('- id: stop')?.kind).toBe('added');
    expect(at('- id: stop')?.effects).toEqual([
      { text: 'Acts on VM web1.', effect: 'neutral' },
      { text: 'Undo: can be taken back, losing what came since.', effect: 'neutral' },
    ]);
    expect(marks.find(({ kind }) => kind === 'moved')?.differences[0]?.text).toMatch(/stay/);
    expect(marks.map(({ line }) => line)).toEqual([...new Set(marks.map(({ line }) => line))].sort((a, b) => a - b));
  });

  it('say which failures newly do not come back, the worst of a step first', async () => {
    const { base, head, changes } = readPair('rollback-removed');
    const result = await reviewChanges(
      { base: memoryRevision('main', base), head: memoryRevision('the working tree', head), changes },
      { rehearse: rehearseHere },
      {},
    );
    const name = 'maintenance.runbook.yaml';
    const text = head.get(name)!.toString();
    const page = changeMarks(result, 'head', name, text).find(({ line }) => line === lineOf(text, '- id: page'));
    expect(page?.kind).toBe('riskier');
    const effects = page?.effects.map(one => one.text) ?? [];
    expect(effects[0]).toMatch(/^Newly: when .* does not come back/);
  });

  it('stand at the base at what is gone, and at what changed', async () => {
    const result = await reviewed(before, after);
    const marks = changeMarks(result, 'base', path, before);
    const at = (part: string) => marks.find(({ line }) => line === lineOf(before, part));
    expect(at('- id: gone')?.kind).toBe('removed');
    expect(at('- id: save')?.kind).toBe('riskier');
    expect(at('- id: start')).toBeUndefined();
  });

  it('are none without a difference, and none for other files', async () => {
    const same = await reviewed(before, before.replace('name: Work', '# the same\nname:   Work'));
    expect(changeMarks(same, 'head', path)).toEqual([]);
    const result = await reviewed(before, after);
    expect(changeMarks(result, 'head', 'other.runbook.yaml')).toEqual([]);
    expect(changeMarks(result, 'head', 'lab.inventory.yaml')).toEqual([]);
  });

  it('of a step that only failures make worse say so, in the file that was called too', () => {
    const called = 'runbooks/patch-one.runbook.yaml';
    const place = { path: called, line: 9, endLine: 11 };
    const points = ['web1', 'web2'].map(vm =>
      failure({ step: { pointer: 'patch-one.runbook.yaml#/steps/2', title: `Patch ${vm}`, key: vm }, place, left: [] }),
    );
    const result = {
      review: reviewOf({ files: [runbook({ rehearsal: rehearsal({ newlyBad: points }) })] }),
      plans: new Map(),
    };
    const [mark, ...others] = changeMarks(result, 'head', called);
    expect(others).toEqual([]);
    expect(mark).toMatchObject({ kind: 'riskier', line: 9, differences: [] });
    // Both VMs fail in the same way: it is said once.
    expect(mark?.effects).toHaveLength(1);
    expect(mark?.effects[0]?.text).toMatch(/^Newly \(called by Patch the web servers\): when the guest agent stops/);
  });

  it('tell no more than a few failures of a step', () => {
    const faults = [
      'unknown',
      'host-lost',
      'agent-silent',
      'runner-killed',
      'cancelled',
      'expired',
      'rejected',
    ] as const;
    const newlyBad = faults.map(fault => failure({ fault }));
    const result = {
      review: reviewOf({ files: [runbook({ rehearsal: rehearsal({ newlyBad }) })] }),
      plans: new Map(),
    };
    const [mark] = changeMarks(result, 'head', 'runbooks/patch-web.runbook.yaml');
    expect(mark?.effects).toHaveLength(6);
    expect(mark?.effects.at(-1)?.text).toBe('2 more failures of it like that.');
  });

  it('of one line are one, the worst of them', () => {
    const file = runbook({
      differences: [
        difference('Limit perHost: 1 → 2', 8, { kind: 'limit', field: 'limits.perHost', effect: 'riskier' }),
        difference('Limit total added: 4', 8, {
          kind: 'limit',
          field: 'limits.total',
          change: 'added',
          effect: 'safer',
        }),
      ],
    });
    const [mark, ...others] = changeMarks({ review: reviewOf({ files: [file] }), plans: new Map() }, 'head', file.path);
    expect(others).toEqual([]);
    expect(mark).toMatchObject({ kind: 'riskier', line: 8 });
    expect(mark?.differences.map(({ effect }) => effect)).toEqual(['riskier', 'safer']);
  });
});

describe('comments on a review', () => {
  it('are prepared for each new problem, and for each step with failures that newly do not come back', () => {
    const comments = preparedComments(rich);
    const lines = comments.map(({ place }) => `${place.path}:${place.line}`);
    expect(lines.filter(line => line === 'runbooks/patch-web.runbook.yaml:24')).toHaveLength(1);
    expect(lines).toContain('runbooks/patch-web.runbook.yaml:31');
    expect(new Set(comments.map(({ fingerprint }) => fingerprint)).size).toBe(comments.length);
    const step = comments.find(({ place }) => place.line === 24)!;
    // Two faults of one step: both are told.
    expect(step.body.match(/does not come back\*\*/g)).toHaveLength(2);
    expect(step.body).toContain('the runner is killed');
    expect(comments.some(({ body }) => body.includes('unused-input'))).toBe(false);
  });

  it('have no markup of what comes from outside', () => {
    const message = '<img src=x onerror=alert(1)> [x](http://example.org) @everyone\n# big';
    const file = runbook({ problems: { added: [problem({ message })], removed: [], kept: [] } });
    const [comment] = preparedComments(reviewOf({ files: [file] }));
    expect(comment?.body).not.toMatch(/(?<!\\)<img/);
    // Links and mentions are code.
    expect(comment?.body.replace(/`[^`]*`/g, '')).not.toMatch(/\]\(http|@everyone/);
    expect(comment?.body.split('\n')).toHaveLength(1);
  });

  it('keep their fingerprint when lines move', async () => {
    const one = preparedComments((await reviewed(before, after)).review);
    const moved = `# a line\n${after}`;
    const other = preparedComments((await reviewed(before, moved)).review);
    expect(one.length).toBeGreaterThan(0);
    expect(other.map(({ fingerprint }) => fingerprint)).toEqual(one.map(({ fingerprint }) => fingerprint));
  });

  it('are copied as one review, by file and line, as they stand now', () => {
    const place = (line: number, endLine = line) => ({ path: 'runbooks/b.runbook.yaml', line, endLine });
    const text = commentsAsReview(rich, [
      { place: place(20, 22), body: 'Later.' },
      { place: place(3), body: 'Why **this**?' },
      { place: { path: 'a.inventory.yaml', line: 1, endLine: 1 }, body: 'First.' },
    ]);
    expect(text).toMatch(/^Review of .*main.* → .*patch-in-batches.*\.\n/);
    expect(text.slice(text.indexOf('\n') + 1)).toBe(
      [
        '',
        '### `a.inventory.yaml`',
        '',
        '**Line 1**',
        '',
        'First.',
        '',
        '### `runbooks/b.runbook.yaml`',
        '',
        '**Line 3**',
        '',
        'Why **this**?',
        '',
        '**Lines 20–22**',
        '',
        'Later.',
        '',
      ].join('\n'),
    );
  });
});
