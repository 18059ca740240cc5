import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Hypervisor } from '../../src/hypervisors/ports';
import { connectSimulated } from '../../src/hypervisors/simulated/connection';
import { RunRefused } from '../../src/runner/contract';
import { openLab } from '../../src/runner/simulated-labs';
import { Workspace } from './built';

// The real runner, and somebody else who changes the lab between plan and step.

let at: Workspace;
beforeAll(async () => {
  at = await Workspace.create();
}, 60_000);
afterAll(() => at?.remove());
beforeEach(() => at.resetLab());

const steps = `
- id: before
  uses: vm.snapshot
  with: { vm: web2, name: before }
- id: gate
  approve: {}
- id: move
  uses: vm.migrate
  with: { vm: web1, to: hv2 }
`;

async function lab(): Promise<Hypervisor> {
  return connectSimulated(await openLab(at.folder, 'lab.lab.yaml'), 'lab');
}

async function toGate(file: string): Promise<string> {
  const run = await at.start(file);
  await at.waitFor(run, record => record.type === 'approval.asked');
  return run;
}

async function end(run: string) {
  // A runner that resumes has to get there first.
  for (let tries = 0; ; tries++) {
    try {
      await at.runs.approve(run, 'approve');
      break;
    } catch (error) {
      if (tries > 200 || !(error instanceof RunRefused)) throw error;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }
  for await (const _ of at.runs.follow(run));
  return at.runs.read(run);
}

describe('a VM that changes between plan and step', () => {
  it('by a snapshot, stops the run, which takes back what it did and says what is different', async () => {
    const run = await toGate(at.runbook('snap', steps));
    const hypervisor = await lab();
    const { uuid } = (await hypervisor.vm('web1'))!;
    await hypervisor.snapshots!.create(uuid, { name: 'theirs', memory: false, quiesce: 'no' });
    const view = await end(run);
    expect(view).toMatchObject({ status: 'rolled-back', failedStep: 'move', failure: { class: 'drift' } });
    const { stdout, code } = await at.run(['show', run]);
    expect(code).toBe(1);
    expect(stdout).toContain('web1 had no snapshots when this was planned and has 1 now');
    expect(stdout).toContain('Plan and start it again.');
    const after = await lab();
    expect(await after.vm('web1')).toMatchObject({ host: 'hv1', snapshotCount: 1 });
    expect(await after.vm('web2')).toMatchObject({ snapshotCount: 0 });
  });

  it('by going to another host, stops the run too', async () => {
    const run = await toGate(at.runbook('moved', steps.replace('to: hv2', 'to: hv1')));
    const hypervisor = await lab();
    const { uuid } = (await hypervisor.vm('web1'))!;
    await hypervisor.migration!.migrate(uuid, {
      target: { hypervisor, host: 'hv2' },
      storage: 'auto',
      live: true,
      autoConverge: false,
      bandwidthMiBps: 0,
      mark: 'theirs',
    });
    const { failure, status } = await end(run);
    expect(status).toBe('rolled-back');
    expect(failure?.message).toContain('web1 was on hv1 when this was planned and is on hv2 now');
  });

  it('by what the run did itself, is as it should be; after its runner was killed, too', async () => {
    const run = await toGate(
      at.runbook(
        'own',
        steps.replaceAll('web2', 'web1').replace('vm.migrate', 'vm.snapshot').replace('to: hv2', 'name: after'),
      ),
    );
    await at.kill(run);
    expect(await at.run(['resume', run, '--detach'])).toMatchObject({ code: 0 });
    expect(await end(run)).toMatchObject({ status: 'done' });
    expect(await (await lab()).vm('web1')).toMatchObject({ snapshotCount: 2 });
  });
});
