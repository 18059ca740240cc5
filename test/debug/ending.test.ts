import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Workspace } from '../runner/built';
import { Debugging } from './client';

let at: Workspace;
let debug: Debugging;
let file: string;
beforeAll(async () => {
  at = await Workspace.create();
  file = at.runbook(
    'work',
    `
- id: snapshot
  uses: vm.snapshot
  with: { vm: web1, name: before, quiesce: "no" }
- id: look
  uses: guest.run
  with: { vm: web1, argv: [echo, hello], changes: false }
- id: rest
  wait: 10ms
- id: last
  wait: 1ms
`,
  );
});
afterAll(() => at.remove());
beforeEach(async () => {
  at.resetLab();
  debug = await Debugging.start(at);
});
afterEach(() => debug.close());

const endOf = async (runId: string) => {
  for await (const _ of at.runs.follow(runId));
  return (await at.runs.read(runId)).status;
};
const snapshots = async () => {
  const { stdout } = await at.run(['inventory', 'lab.inventory.yaml', '--format', 'json']);
  const { connections } = JSON.parse(stdout) as {
    connections: { vms: { name: string; snapshotCount: number }[] }[];
  };
  return connections.flatMap(one => one.vms).find(one => one.name === 'web1')?.snapshotCount;
};

describe('ending', () => {
  it('by disconnecting leaves the run going', async () => {
    await debug.launch({ runbook: file }, { breakpoints: { [file]: [8] } });
    await debug.stop();
    const runId = debug.runId();
    await debug.dc.disconnectRequest({});
    expect(await endOf(runId)).toBe('done');
    expect(await snapshots()).toBe(1);
  });

  it('by Stop undoes everything', async () => {
    await debug.launch({ runbook: file }, { breakpoints: { [file]: [8] }, filters: ['failure', 'rollback'] });
    await debug.stop();
    await debug.dc.terminateRequest();
    expect(await debug.end()).toBe(1);
    expect(await at.runs.read(debug.runId())).toMatchObject({ status: 'rolled-back' });
    expect(await snapshots()).toBe(0);
  });

  it('by Stop keeps what was done, or leaves it going, when that is asked for', async () => {
    await debug.launch({ runbook: file, onStop: 'keep' }, { breakpoints: { [file]: [8] } });
    await debug.stop();
    await debug.dc.terminateRequest();
    expect(await debug.end()).toBe(1);
    expect(await at.runs.read(debug.runId())).toMatchObject({ status: 'stopped' });
    expect(await snapshots()).toBe(1);
    await debug.close();

    at.resetLab();
    debug = await Debugging.start(at);
    await debug.launch({ runbook: file, onStop: 'leave' }, { breakpoints: { [file]: [8] } });
    await debug.stop();
    const runId = debug.runId();
    await debug.dc.terminateRequest();
    await debug.event('terminated');
    expect(await endOf(runId)).toBe('done');
  });

  it('by killing the adapter leaves standing what stands', async () => {
    await debug.launch({ runbook: file }, { breakpoints: { [file]: [8] } });
    await debug.stop();
    const runId = debug.runId();
    await debug.close();
    const again = await Debugging.start(at);
    debug = again;
    await again.attach({ run: runId });
    expect(await again.stop()).toMatchObject({ at: 'work.runbook.yaml:8' });
    await again.go('continue');
    expect(await again.end()).toBe(0);
  });
});

describe('attach', () => {
  it('to a run that the command line started', async () => {
    const runId = await at.start(file, '--hold');
    await debug.attach({ run: 'latest' }, { breakpoints: { [file]: [13] } });
    expect(debug.runId()).toBe(runId);
    expect(await debug.stop()).toMatchObject({ reason: 'entry', at: 'work.runbook.yaml:5' });
    await debug.go('continue');
    expect(await debug.stop()).toMatchObject({ reason: 'breakpoint', at: 'work.runbook.yaml:13' });
    await debug.go('continue');
    expect(await debug.end()).toBe(0);
  });

  it('is refused while another debugs it, and when it has ended', async () => {
    await debug.launch({ runbook: file, stopOnEntry: true });
    await debug.stop();
    const runId = debug.runId();
    const other = await Debugging.start(at);
    try {
      await expect(other.dc.attachRequest({ run: runId } as object)).rejects.toThrow(/debug/);
    } finally {
      await other.close();
    }
    await debug.go('continue');
    await debug.end();
    const late = await Debugging.start(at);
    try {
      await expect(late.dc.attachRequest({ run: runId } as object)).rejects.toThrow(/is not running. It is done/);
    } finally {
      await late.close();
    }
  });
});

describe('restart', () => {
  it('undoes what was done and begins anew, with the same breakpoints', async () => {
    await debug.launch({ runbook: file }, { breakpoints: { [file]: [8] } });
    await debug.stop();
    const first = debug.runId();
    await debug.dc.restartRequest({});
    expect(await at.runs.read(first)).toMatchObject({ status: 'rolled-back' });
    expect(await debug.stop()).toMatchObject({ reason: 'breakpoint', at: 'work.runbook.yaml:8' });
    expect(await snapshots()).toBe(1);
    await debug.go('continue');
    expect(await debug.end()).toBe(0);
    expect(await at.runs.list()).toHaveLength(new Set((await at.runs.list()).map(run => run.runId)).size);
  });
});

describe('a simulated copy', () => {
  it('is run on, and nothing of the inventory is touched', async () => {
    await debug.launch({ runbook: file, target: 'simulated' }, { breakpoints: { [file]: [8] } });
    const stop = await debug.stop();
    expect(debug.output()).toMatch(
      /^SIMULATED: work, plan \w+\. It runs on a copy of the inventory; nothing real is touched\./,
    );
    const live = (await debug.scopes(stop.frameId)).Live?.[0];
    const state = await debug.variables(live?.variablesReference ?? 0);
    expect(state.map(({ name, value }) => `${name}=${value}`)).toContain('host="hv1"');
    expect(await snapshots()).toBe(0);
    const copies = join(at.state, 'simulated');
    expect(readdirSync(copies)).toHaveLength(1);
    await debug.go('continue');
    expect(await debug.end()).toBe(0);
    expect(await snapshots()).toBe(0);
    expect(existsSync(copies) ? readdirSync(copies) : []).toEqual([]);
  });
});
