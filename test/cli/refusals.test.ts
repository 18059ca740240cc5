import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workspace } from '../runner/built';

// What can't be done is said in a sentence that names the place and what to do, and leaves nothing behind.

let at: Workspace;
beforeAll(async () => {
  at = await Workspace.create();
}, 60_000);
afterAll(() => at?.remove());

const start = '- uses: vm.start\n  with: { vm: "${{ inputs.vm }}" }';
const input = 'inputs:\n  vm: { type: vm, default: web1 }\n';

describe('refusals', () => {
  it('a place for runs that is none', async () => {
    const file = at.write('a-file', '');
    const runbook = at.runbook('start', start, input);
    for (const args of [['runs'], ['run', runbook, '--yes']]) {
      const { code, stderr } = await at.run(args, { env: { VIRTBOOK_STATE: file } });
      expect(stderr).toBe(
        `virtbook: Runs can't be kept in ${join(file, 'runs')}: a part of that path is a file. Put that right, or set VIRTBOOK_STATE to another folder.\n`,
      );
      expect(code).toBe(2);
    }
  });

  it('an inventory that is not there', async () => {
    const file = at.write(
      'lost.runbook.yaml',
      `version: 1\nname: lost\ninventory: ./lost.inventory.yaml\nsteps:\n  - wait: 1s\n`,
    );
    const problem = `${file}:3:12: error inventory-not-found There is no inventory \`./lost.inventory.yaml\`. Correct the path, or add the file.`;
    expect(await at.run(['check', file])).toMatchObject({ stdout: expect.stringContaining(problem), code: 1 });
    expect(await at.run(['plan', file])).toMatchObject({ stdout: expect.stringContaining(problem), code: 2 });
  });

  it('a run whose journal is gone', async () => {
    const runId = await at.start(at.runbook('start', start, input));
    await at.run(['show', runId, '--follow']);
    rmSync(at.journal(runId));
    const { code, stderr } = await at.run(['rollback', runId]);
    expect(stderr).toContain(`${runId} has no journal: ${at.journal(runId)} is missing.`);
    expect(code).toBe(2);
    expect((await at.run(['runs'])).stdout).toContain(`${at.journal(runId)} is missing.`);
    rmSync(join(at.state, 'runs', runId), { recursive: true });
  });

  it.each([
    ['vm=wbe1', '--input vm: the inventory has no VM wbe1. Did you mean web1?'],
    ['vm=zzzzzz', '--input vm: the inventory has no VM zzzzzz. Correct the name.'],
  ])('a misspelt name on the command line, before anything is begun: %s', async (given, message) => {
    const { code, stderr } = await at.run(['run', at.runbook('start', start, input), '--yes', '--input', given]);
    expect(stderr).toBe(`virtbook: ${message}\n`);
    expect(code).toBe(2);
    expect(readdirSync(join(at.state, 'runs'))).toEqual([]);
  });

  it('a run without an inventory', async () => {
    const file = at.write(
      'alone.runbook.yaml',
      'version: 1\nname: Alone\nsteps:\n  - uses: vm.start\n    with: { vm: web1 }\n',
    );
    expect((await at.run(['plan', file])).code).toBe(0);
    const { code, stderr } = await at.run(['run', file, '--yes']);
    expect(stderr).toContain('names no inventory');
    expect(code).toBe(2);
  });

  it('a copy that is not there, is none, or has nowhere to go', async () => {
    const file = at.runbook('start', start, input);
    const given = (...args: string[]) => at.run(args);
    expect(await given('rehearse', file, '--lab', 'nope.lab.yaml')).toMatchObject({
      code: 2,
      stderr: 'virtbook: There is no file nope.lab.yaml.\n',
    });
    const wrong = await given(
      'rehearse',
      file,
      '--lab',
      at.write('wrong.lab.yaml', 'version: 1\nhosts: {}\nguests: {}\n'),
    );
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(/wrong\.lab\.yaml:3: guests: nothing of that name is known here\.\n$/);
    const capture = await given('inventory', 'lab.inventory.yaml', '--capture', join('no-folder', 'copy.lab.yaml'));
    expect(capture.code).toBe(2);
    expect(capture.stderr).toContain("The capture can't be written: ENOENT");
  });

  it('a file whose errors are suppressed', async () => {
    const file = at.write(
      'hidden.runbook.yaml',
      'version: 1\nname: Hidden\nsteps:\n  - uses: vm.nope # virtbook-ignore: unknown-action\n',
    );
    expect((await at.run(['check', file])).code).toBe(0);
    const { code, stderr } = await at.run(['run', file, '--yes']);
    expect(stderr).toContain('A `virtbook-ignore` in it hides them');
    expect(code).toBe(2);
  });
});

describe('check', () => {
  it('takes folders: everything in them and below, what others have put there left out', async () => {
    const other = await Workspace.create();
    try {
      for (const name of ['node_modules', 'parts']) mkdirSync(join(other.folder, name));
      other.write('node_modules/x.runbook.yaml', 'not: one\n');
      other.write('parts/one.runbook.yaml', 'version: 1\nname: One\nsteps:\n  - uses: vm.nope\n');
      const { code, stdout } = await other.run(['check', '.']);
      expect(stdout).toContain(`${join('parts', 'one.runbook.yaml')}:4:11: error unknown-action`);
      expect(stdout).not.toContain('x.runbook.yaml');
      expect(code).toBe(1);
    } finally {
      other.remove();
    }
  });

  it('a folder without any is no success', async () => {
    mkdirSync(join(at.folder, 'empty'));
    const { code, stderr } = await at.run(['check', 'empty']);
    expect(stderr).toBe('virtbook: There are no runbooks and no inventories in empty.\n');
    expect(code).toBe(2);
  });
});
