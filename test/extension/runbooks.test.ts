import { describe, expect, it } from 'vitest';
import type { RunSummary } from '../../src/runner/contract';
import { RunbookChecks } from '../../src/vscode/runbooks/runbookChecks';
import { parseRunbookId, runbookId, runbookRow, sortFiles } from '../../src/vscode/runbooks/runbooksTree';

const files: Record<string, string> = {
  'file:///w/lab.inventory.yaml': 'version: 1\nconnections:\n  lab: { type: simulated, lab: ./lab.yaml }\n',
  'file:///w/lab.yaml':
    'version: 1\nhosts:\n  hv1: { cpus: 1, memoryMiB: 512 }\ndatastores: {}\nvms:\n  web1: { host: hv1, memoryMiB: 256, disks: [] }\n',
};
const checks = new RunbookChecks(
  { read: async uri => files[uri], resolve: (from, path) => new URL(path, from).toString() },
  () => undefined,
);
const runbook = (vm: string) =>
  `version: 1\nname: Start it\ndescription: For the morning.\ninventory: ./lab.inventory.yaml\nsteps:\n  - uses: vm.start\n    with: { vm: ${vm} }\n`;
const file = { uri: 'file:///w/ops/start.runbook.yaml', path: 'ops/start.runbook.yaml', folder: 'file:///w' };
const run: RunSummary = {
  runId: 'one',
  name: 'Start it',
  status: 'done',
  by: 'ann',
  runbookPath: '/w/ops/start.runbook.yaml',
  planHash: 'abc',
  submittedAt: 0,
  endedAt: 60_000,
};

describe('a look into a runbook', () => {
  it('tells its name, what it is for and how many mistakes it has', async () => {
    const facts = await checks.facts('file:///w/start.runbook.yaml', runbook('web1'));
    expect(facts).toEqual({ name: 'Start it', text: 'For the morning.', errors: 0, warnings: 0 });
    const wrong = await checks.facts('file:///w/start.runbook.yaml', runbook('wbe1'));
    expect(wrong.errors + wrong.warnings).toBe(1);
  });

  it('fails on no text', async () => {
    for (const text of ['', ': :', '- [', 'name: 3']) {
      const facts = await checks.facts('file:///w/x.runbook.yaml', text);
      expect(facts.errors, text).toBeGreaterThan(0);
    }
  });
});

describe('runbooks view', () => {
  it('shows name, problems, last result and place', () => {
    const row = runbookRow(file, { name: 'Start it', errors: 1, warnings: 2 }, run, 6 * 60_000);
    expect(row).toMatchObject({
      label: 'Start it',
      description: '1 error, 2 warnings · done 5 min ago · ops/start.runbook.yaml',
      spoken: 'Runbook Start it, 1 error, 2 warnings, last run done 5 min ago, ops/start.runbook.yaml',
      icon: 'error',
    });
  });

  it('shows the file name until the runbook is looked into', () => {
    const row = runbookRow(file, undefined, undefined, 0);
    expect(row).toMatchObject({ label: 'start', description: 'ops/start.runbook.yaml', icon: 'checklist' });
    expect(row.facts).toContainEqual(['Problems', 'not looked at yet']);
  });

  it('shows that one is running', () => {
    expect(runbookRow(file, undefined, { ...run, status: 'running', endedAt: undefined }, 0).icon).toBe('sync~spin');
  });

  it('sorts as people count and has ids that lead back', () => {
    const sorted = sortFiles(['b10', 'b2', 'a/z'].map(path => ({ ...file, path }))).map(({ path }) => path);
    expect(sorted).toEqual(['a/z', 'b2', 'b10']);
    expect(parseRunbookId(runbookId(file.uri))).toEqual({ kind: 'runbook', uri: file.uri });
    expect(parseRunbookId(file.uri)).toBeUndefined();
  });
});
