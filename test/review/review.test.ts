import { describe, expect, it } from 'vitest';
import type { ReviewPorts } from '../../src/review/contract';
import { failuresOf, parseFailOn } from '../../src/review/fail-on';
import type { Problem } from '../../src/review/model';
import { reviewChanges } from '../../src/review/review';
import type { ChangeSet, FileChange, Revision } from '../../src/review/revision';
import { memoryRevision } from './corpus/memory-revision';
import { rehearseHere } from './corpus/rehearse-here';
import { reviewed } from './reviewed';

// How a review is put together: who is reviewed, in which order, and what happens when something goes wrong on the way.

const lab = `version: 1
hosts: { hv1: { cpus: 4, memoryMiB: 8192 } }
datastores: { shared: { capacityGiB: 100, hosts: [hv1] } }
vms:
  web1: { host: hv1, state: running, memoryMiB: 512, disks: [{ datastore: shared, capacityGiB: 4 }] }
`;
const inventory = 'version: 1\nconnections:\n  lab: { type: simulated, lab: ./lab.yaml }\n';
const book = (steps: string, more = 'inventory: ./lab.inventory.yaml\n'): string =>
  `version: 1\nname: Book\n${more}steps:\n${steps}`;
const shutdown = '  - uses: vm.shutdown\n    with: { vm: web1 }\n';
const call = (path: string): string => `  - uses: ${path}\n`;

type Texts = Record<string, string>;

function changeSet(base: Texts, change: Texts, removed: string[] = [], head?: Partial<Revision>): ChangeSet {
  const after = { ...base, ...change };
  for (const path of removed) delete after[path];
  const files = (texts: Texts) => new Map(Object.entries(texts).map(([path, text]) => [path, Buffer.from(text)]));
  const changes = [
    ...Object.keys(change).map((path): FileChange => ({ status: path in base ? 'changed' : 'added', path })),
    ...removed.map((path): FileChange => ({ status: 'deleted', path })),
  ];
  return {
    base: memoryRevision('base', files(base)),
    head: { ...memoryRevision('head', files(after)), ...head },
    changes,
  };
}

const shared: Texts = { 'lab.yaml': lab, 'lab.inventory.yaml': inventory };

async function paths(changes: ChangeSet, ports: ReviewPorts = {}): Promise<Record<string, string[]>> {
  const { review } = await reviewChanges(changes, ports);
  return Object.fromEntries(
    review.files.map(file => [
      `${file.path} ${file.kind === 'unreadable' ? 'unreadable' : file.change}`,
      file.kind === 'runbook' ? file.because : file.kind === 'inventory' ? file.runbooks : [file.why],
    ]),
  );
}

describe('what is found', () => {
  const files = { ...shared, 'a.runbook.yaml': book(shutdown), 'b.runbook.yaml': book(shutdown) };

  it('an inventory that is deleted while runbooks name it is an error of each, at the line that names it', async () => {
    const { review } = await reviewChanges(changeSet(files, {}, ['lab.inventory.yaml']), {});
    const added = review.files.flatMap(file => (file.kind === 'unreadable' ? [] : file.problems.added));
    expect(added.map(({ code, severity, place }) => ({ code, severity, place }))).toEqual(
      ['a', 'b'].map(name => ({
        code: 'inventory-not-found',
        severity: 'error',
        place: { path: `${name}.runbook.yaml`, line: 3, endLine: 3 },
      })),
    );
    expect(failuresOf(review, ['error'])).toEqual(['2 new errors']);
  });

  it('one that was not there before either is no new error, and none where another one is given for all', async () => {
    const before = { 'a.runbook.yaml': book(shutdown), 'given.inventory.yaml': inventory, 'lab.yaml': lab };
    const changes = changeSet(before, { 'a.runbook.yaml': book(`${shutdown}${shutdown}`) });
    const [file] = (await reviewChanges(changes, {})).review.files;
    const errors = file?.kind === 'runbook' ? file.problems : undefined;
    expect(errors?.added.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(errors?.kept.map(({ code }) => code)).toContain('inventory-not-found');
    const [other] = (await reviewChanges(changes, {}, { inventory: 'given.inventory.yaml' })).review.files;
    expect(JSON.stringify(other)).not.toContain('inventory-not-found');
  });

  it('a point of no return in the plan says what it is about', async () => {
    const point = '  - pointOfNoReturn: ${{ inputs.vm }} is shut down for good\n';
    const steps = 'inputs: { vm: { type: vm, default: web1 } }\ninventory: ./lab.inventory.yaml\n';
    const changes = changeSet(files, { 'a.runbook.yaml': book(`${point}${shutdown}`, steps) });
    const [file] = (await reviewChanges(changes, {})).review.files;
    expect(file?.kind === 'runbook' && file.plan.pointsOfNoReturn.added).toEqual(['web1 is shut down for good']);
  });
});

describe('who is reviewed', () => {
  const all: Texts = {
    ...shared,
    'outer.runbook.yaml': book(call('./parts/middle.runbook.yaml')),
    'parts/middle.runbook.yaml': book(call('./inner.runbook.yaml'), ''),
    'parts/inner.runbook.yaml': book(shutdown, ''),
    'other.runbook.yaml': book(shutdown),
    // Names like one that is changed, and calls another.
    'far/caller.runbook.yaml': book(call('./inner.runbook.yaml'), ''),
    'far/inner.runbook.yaml': book(shutdown, ''),
    'words.runbook.yaml': book(`  # inner.runbook.yaml was called here once\n${shutdown}`, ''),
  };

  it('who calls a changed runbook, also through another; not who only names it, or calls another of that name', async () => {
    expect(await paths(changeSet(all, { 'parts/inner.runbook.yaml': book(`${shutdown}${shutdown}`, '') }))).toEqual({
      'parts/inner.runbook.yaml changed': [],
      'parts/middle.runbook.yaml affected': ['parts/inner.runbook.yaml'],
      'outer.runbook.yaml affected': ['parts/inner.runbook.yaml'],
    });
  });

  it('who calls a runbook that is deleted', async () => {
    expect(Object.keys(await paths(changeSet(all, {}, ['parts/inner.runbook.yaml']))).sort()).toEqual([
      'outer.runbook.yaml affected',
      'parts/inner.runbook.yaml deleted',
      'parts/middle.runbook.yaml affected',
    ]);
  });

  it('who names a changed inventory, or one whose lab is changed', async () => {
    const tagged = `${inventory}vms:\n  web1: { tags: [blue] }\n`;
    expect(await paths(changeSet(all, { 'lab.inventory.yaml': tagged }))).toEqual({
      'outer.runbook.yaml affected': ['lab.inventory.yaml'],
      'other.runbook.yaml affected': ['lab.inventory.yaml'],
      'lab.inventory.yaml changed': ['other.runbook.yaml', 'outer.runbook.yaml'],
    });
    expect(await paths(changeSet(all, { 'lab.yaml': lab.replace('512', '256'), 'notes.yaml': 'x' }))).toEqual({
      'outer.runbook.yaml affected': ['lab.yaml'],
      'other.runbook.yaml affected': ['lab.yaml'],
    });
  });

  it('runbooks that call each other in a circle are reviewed like others', async () => {
    const circle = {
      'a.runbook.yaml': book(call('./b.runbook.yaml'), ''),
      'b.runbook.yaml': book(call('./a.runbook.yaml'), ''),
    };
    const { review } = await reviewChanges(
      changeSet(circle, { 'a.runbook.yaml': `${circle['a.runbook.yaml']}# more\n` }),
      {},
    );
    expect(review.files.map(file => file.path)).toEqual(['a.runbook.yaml', 'b.runbook.yaml']);
    expect(review.files.every(file => file.kind === 'runbook' && file.plan.headProblem !== undefined)).toBe(true);
  });
});

describe('rehearsals', () => {
  it('are shared where plan and labs are equal on both sides, and only there', async () => {
    let asked = 0;
    const ports: ReviewPorts = {
      rehearse: (work, signal) => {
        asked++;
        return rehearseHere(work, signal);
      },
    };
    const base: Texts = { ...shared, 'a.runbook.yaml': book(shutdown) };
    const { review } = await reviewChanges(
      changeSet(base, { 'a.runbook.yaml': `# A comment\n${book(shutdown)}` }),
      ports,
    );
    expect(asked).toBe(1);
    expect(review.files).toMatchObject([{ rehearsal: { base: { points: expect.any(Number) } }, plan: { same: true } }]);
    await reviewChanges(changeSet(base, { 'lab.yaml': lab.replace('512', '256') }), ports);
    expect(asked).toBe(3);
  });

  it('one that goes wrong is told of its runbook alone', async () => {
    const base: Texts = { ...shared, 'a.runbook.yaml': book(shutdown), 'b.runbook.yaml': book(shutdown) };
    const ports: ReviewPorts = { rehearse: async () => Promise.reject(new Error('the thread is gone.')) };
    const { review } = await reviewChanges(
      changeSet(base, { 'a.runbook.yaml': book(`${shutdown}${shutdown}`) }),
      ports,
    );
    expect(review.files).toMatchObject([
      { path: 'a.runbook.yaml', rehearsal: { headProblem: "It can't be rehearsed: the thread is gone." } },
    ]);
  });

  it('stop with the review, which rejects with the reason', async () => {
    const stop = new AbortController();
    const base: Texts = { ...shared, 'a.runbook.yaml': book(shutdown) };
    const ports: ReviewPorts = {
      rehearse: (_, signal) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
          stop.abort(new Error('enough'));
        }),
    };
    const changes = changeSet(base, { 'a.runbook.yaml': book(`${shutdown}${shutdown}`) });
    await expect(reviewChanges(changes, ports, { signal: stop.signal })).rejects.toThrow('enough');
  });
});

describe('what goes wrong with one file', () => {
  const base: Texts = { ...shared, 'a.runbook.yaml': book(shutdown), 'b.runbook.yaml': book(shutdown) };
  const change: Texts = {
    'a.runbook.yaml': book(`${shutdown}${shutdown}`),
    'b.runbook.yaml': book(`${shutdown}${shutdown}`),
  };

  it('keeps no other from being reviewed', async () => {
    const changes = changeSet(base, change);
    const { read } = changes.head;
    changes.head.read = path =>
      path === 'a.runbook.yaml' ? Promise.reject(new Error('the disk is gone.')) : read(path);
    expect(await paths(changes)).toEqual({
      'b.runbook.yaml changed': [],
      'a.runbook.yaml unreadable': ['the disk is gone.'],
    });
  });

  it('who is affected may not be known: that is told, and the rest is reviewed', async () => {
    const mentioning = () => Promise.reject(new Error('the search does not answer.'));
    const { review } = await reviewChanges(changeSet(base, change, [], { mentioning }), {});
    expect(review.files).toHaveLength(2);
    expect(review.unknowns.join(' ')).toContain('could not be found out: the search does not answer.');
  });

  it('progress is told for each file, to the last', async () => {
    const told: string[] = [];
    await reviewChanges(changeSet(base, change), {
      onProgress: (done, total, what) => told.push(`${done}/${total} ${what}`),
    });
    expect(told).toEqual(['1/2 a.runbook.yaml', '2/2 b.runbook.yaml']);
  });
});

describe('--fail-on', () => {
  const problem = (severity: Problem['severity']): Problem => ({
    code: 'x',
    severity,
    message: 'X.',
    place: { path: 'a.runbook.yaml', line: 1, endLine: 1 },
  });
  const review = (more: Parameters<typeof reviewed>[0], isNew?: boolean) => ({
    version: 1 as const,
    base: { label: 'a' },
    head: { label: 'b' },
    files: [
      reviewed(more),
      ...(isNew === undefined
        ? []
        : [
            {
              kind: 'unreadable' as const,
              path: 'b.runbook.yaml',
              change: 'changed' as const,
              why: 'It is binary.',
              isNew,
            },
          ]),
    ],
    risk: more?.risk ?? { level: 'none' as const, reasons: [] },
    reviewers: [],
    unknowns: [],
  });
  const failures = (list: string, ...about: Parameters<typeof review>) => {
    const conditions = parseFailOn(list);
    return typeof conditions === 'string' ? conditions : failuresOf(review(...about), conditions);
  };
  const added = (...found: Problem[]) => ({ problems: { added: found, removed: [], kept: [problem('error')] } });

  it('counts what the change brings, and nothing that was there', () => {
    expect(failures('error,warning,not-back,unreadable,risk:medium', { ...added() }, false)).toEqual([]);
    expect(failures('error', added(problem('error'), problem('error'), problem('warning')))).toEqual(['2 new errors']);
    expect(failures('warning', added(problem('error'), problem('warning')))).toEqual(['1 new error', '1 new warning']);
    expect(failures('warning,error', added(problem('info')))).toEqual([]);
    expect(failures('unreadable', {}, true)).toEqual(['1 file can not be read']);
    expect(failures('error', {}, true)).toEqual([]);
    const facts = (status: string) => ({
      clean: { status },
      durationMs: 0,
      points: 0,
      bad: 0,
      needPerson: 0,
      counts: {},
      assumed: [],
    });
    const rehearsal = (before: string, after: string) => ({
      rehearsal: { base: facts(before), head: facts(after), newlyBad: [], noLongerBad: [], stillBad: [] },
    });
    expect(failures('not-back', rehearsal('done', 'failed'))).toEqual(['1 runbook fails now by itself']);
    expect(failures('not-back', rehearsal('rolled-back', 'failed'))).toEqual([]);
  });

  it('knows levels of risk, and never', () => {
    const risk = (level: 'low' | 'medium' | 'high') => ({ risk: { level, reasons: [] } });
    expect(failures('risk:medium', risk('low'))).toEqual([]);
    expect(failures('risk:medium', risk('high'))).toEqual(['the risk is high']);
    expect(failures('risk:high', risk('medium'))).toEqual([]);
    expect(failures('never', { ...risk('high'), ...added(problem('error')) }, true)).toEqual([]);
  });

  it('refuses what it does not know', () => {
    expect(parseFailOn('error, risk:low')).toContain('There is no condition risk:low.');
    expect(parseFailOn('')).toContain('There is no condition in it.');
    expect(parseFailOn('never,error')).toContain('stand alone');
  });
});
