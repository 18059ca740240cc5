import { describe, expect, test } from 'vitest';
import { vmMigrate } from '../../src/actions/vm.migrate';
import { applied, blockersOf, simulatedWorld, warningsOf } from './simulated-world';

describe('vm.migrate', () => {
  test('moves a VM on shared storage to a host of another connection; undo moves it back', async () => {
    const world = simulatedWorld();
    const step = await applied(world, vmMigrate, { vm: 'web1', to: 'hv2' });
    expect(step.outputs).toMatchObject({ from: 'hv1', to: 'hv2', storage: 'shared' });
    expect(world.changes()).toEqual(['vm web1: host is "hv2", was "hv1"']);
    await step.undo();
    await step.undo();
    expect(world.changes()).toEqual([]);
  });
  test('copies disks that the target does not see, and back again', async () => {
    const world = simulatedWorld();
    const step = await applied(world, vmMigrate, { vm: 'local1', to: 'hv2' });
    expect(step.outputs).toMatchObject({ storage: 'copy' });
    expect(world.vm('local1').disks[0]?.datastore).toBe('local2');
    await step.undo();
    expect(world.changes()).toEqual([]);
  });
  test('moves a VM that is off with live: false', async () => {
    const world = simulatedWorld();
    expect(await blockersOf(world, vmMigrate, { vm: 'off1', to: 'hv2' })).toContain('live: false');
    const step = await applied(world, vmMigrate, { vm: 'off1', to: 'hv2', live: false });
    expect(world.vm('off1')).toMatchObject({ host: 'hv2', state: 'shutoff' });
    await step.undo();
    expect(world.changes()).toEqual([]);
  });
  test('has nothing to do where the VM is there already', async () => {
    const world = simulatedWorld();
    expect(await warningsOf(world, vmMigrate, { vm: 'web1', to: 'hv1' })).toContain('already');
    const step = await applied(world, vmMigrate, { vm: 'web1', to: 'hv1' });
    expect(step.outputs).toEqual({ from: 'hv1', to: 'hv1', storage: 'none' });
    await step.undo();
    expect(world.changes()).toEqual([]);
  });

  const blocked: [string, (world: ReturnType<typeof simulatedWorld>) => { vm: string; to: string }, RegExp][] = [
    ['snapshots', () => ({ vm: 'kept1', to: 'hv2' }), /has snapshots \(old\)/],
    ['storage that the target has no place for', () => ({ vm: 'web1', to: 'hv3' }), /no datastore at .*shared/],
    [
      'a full datastore',
      world => {
        world.lab.strand('local2', { volume: 'x', sizeGiB: 48, vm: 'x', mark: 'x' });
        return { vm: 'local1', to: 'hv2' };
      },
      /local2 on hv2 has no room/,
    ],
    [
      'a CPU that the target lacks',
      world => {
        world.change('local1', { cpu: 'x86-64-v3' });
        return { vm: 'local1', to: 'hv3' };
      },
      /needs a CPU of level x86-64-v3/,
    ],
    [
      'host-passthrough',
      world => {
        world.change('web1', { cpu: 'host-passthrough' });
        return { vm: 'web1', to: 'hv2' };
      },
      /CPU of its host itself/,
    ],
    [
      'local media',
      world => {
        world.change('web1', { cdrom: '/iso/x.iso' });
        return { vm: 'web1', to: 'hv2' };
      },
      /eject it first/,
    ],
    [
      'too little memory',
      world => {
        world.change('local1', { memoryMiB: 4096 });
        return { vm: 'local1', to: 'hv3' };
      },
      /hv3 has 3072 MiB of memory left/,
    ],
    [
      'a pause that a person has to look at',
      world => {
        world.change('web1', { state: 'paused', stateReason: 'I/O error' });
        return { vm: 'web1', to: 'hv2' };
      },
      /paused \(I\/O error\)/,
    ],
    ['a VM that is not there', () => ({ vm: 'nobody', to: 'hv2' }), /no VM nobody/],
  ];
  test.each(blocked)('is blocked by %s, before and during', async (_, given, message) => {
    const world = simulatedWorld();
    const inputs = given(world);
    expect(await blockersOf(world, vmMigrate, inputs)).toMatch(message);
    if (inputs.vm === 'nobody') return;
    const host = world.vm(inputs.vm).host;
    expect((await applied(world, vmMigrate, inputs)).error).toMatchObject({ kind: 'refused' });
    expect(world.vm(inputs.vm).host).toBe(host);
  });
  test('is blocked while a backup runs', async () => {
    const world = simulatedWorld();
    const { hypervisor, vm } = await world.fleet.locate('web1');
    await hypervisor.imageBackup!.begin(vm.uuid, { quiesce: 'no', mark: 'm', transport: 'tcp' });
    expect(await blockersOf(world, vmMigrate, { vm: 'web1', to: 'hv2' })).toContain('being backed up');
  });
  test('a guest that writes faster than can be sent converges only when it is slowed down', async () => {
    const world = simulatedWorld();
    world.change('web1', { dirtyMiBps: 200 });
    const inputs = { vm: 'web1', to: 'hv2', bandwidth: 100 };
    const step = await applied(world, vmMigrate, { ...inputs, autoConverge: false });
    expect(step.error?.message).toContain('does not converge');
    expect(world.changes()).toEqual([]);
    expect((await applied(world, vmMigrate, inputs)).outputs?.to).toBe('hv2');
  });

  test('probe asks both hosts when the connection was lost', async () => {
    for (const happened of [true, false]) {
      const world = simulatedWorld();
      const lost = { at: 'migration.migrate', kind: 'unknown', happened } as const;
      const step = await applied(world, vmMigrate, { vm: 'web1', to: 'hv2' }, lost);
      expect((await step.probe()).outcome).toBe(happened ? 'done' : 'not-done');
      await step.undo();
      expect(world.changes()).toEqual([]);
    }
  });
  test('broken off halfway: only the volumes that this step made are removed', async () => {
    for (const after of ['probe', 'undo'] as const) {
      const world = simulatedWorld();
      world.lab.strand('local2', { volume: 'local1.qcow2', sizeGiB: 1, vm: 'local1', mark: 'somebody else' });
      const half = { at: 'migration.migrate', kind: 'fail-halfway' } as const;
      const step = await applied(world, vmMigrate, { vm: 'local1', to: 'hv2' }, half);
      expect(world.lab.datastores.get('local2')?.strays).toHaveLength(2);
      await step[after]();
      expect(world.lab.datastores.get('local2')?.strays.map(stray => stray.mark)).toEqual(['somebody else']);
      expect(world.vm('local1').host).toBe('hv1');
    }
  });
  test('the target dies: the VM stays where it is', async () => {
    const world = simulatedWorld();
    world.lab.loseHost('hv2', 60);
    const step = await applied(world, vmMigrate, { vm: 'web1', to: 'hv2' });
    expect(step.error).toMatchObject({ kind: 'failed' });
    expect(world.vm('web1')).toMatchObject({ host: 'hv1', state: 'running' });
  });
  test('the source dies with it: a person is asked, nothing is guessed', async () => {
    const world = simulatedWorld();
    const gone = { at: 'migration.migrate', kind: 'host-lost' } as const;
    const step = await applied(world, vmMigrate, { vm: 'web1', to: 'hv2' }, gone);
    expect(await step.probe()).toMatchObject({ outcome: 'unknown', why: expect.stringContaining('hv1 or hv2') });
    await expect(step.undo()).resolves.toBeUndefined();
  });
  test('undo does not move a VM that somebody else has moved since', async () => {
    const world = simulatedWorld();
    world.change('local1', { memoryMiB: 512 });
    const step = await applied(world, vmMigrate, { vm: 'local1', to: 'hv2' });
    world.change('local1', {
      host: 'hv3',
      disks: world.vm('local1').disks.map(disk => ({ ...disk, datastore: 'local3' })),
    });
    await expect(step.undo()).rejects.toThrow('somebody else has moved it');
    expect(world.vm('local1').host).toBe('hv3');
  });
});
