import { describe, expect, test } from 'vitest';
import { vmRevert } from '../../src/actions/vm.revert';
import { vmSnapshot } from '../../src/actions/vm.snapshot';
import { vmSnapshotDelete } from '../../src/actions/vm.snapshot.delete';
import { applied, blockersOf, simulatedWorld, undoClassOf, warningsOf } from './simulated-world';

describe('vm.snapshot', () => {
  test('takes a quiesced snapshot under the given name; undo removes it', async () => {
    const world = simulatedWorld();
    const step = await applied(world, vmSnapshot, { vm: 'web1', name: 'before', quiesce: 'require' });
    expect(step.outputs).toEqual({ snapshot: 'before', consistency: 'application' });
    expect(world.vm('web1').snapshots.map(snapshot => snapshot.name)).toEqual(['before']);
    await step.undo();
    await step.undo();
    expect(world.changes()).toEqual([]);
  });
  test('makes a name from run and step that every hypervisor takes', async () => {
    const world = simulatedWorld();
    const step = await applied(world, vmSnapshot, { vm: 'web1' });
    expect(step.outputs?.snapshot).toBe('virtbook-r1-steps-web1-do');
  });
  test('says how consistent it is', async () => {
    const world = simulatedWorld();
    const consistency = async (vm: string, memory = false) =>
      (await applied(world, vmSnapshot, { vm, memory, name: `of-${vm}` })).outputs?.consistency;
    expect(await consistency('web1', true)).toBe('memory');
    expect(await consistency('mute1')).toBe('crash');
    expect(await consistency('off1')).toBe('offline');
  });
  test('is blocked by a name that is taken, and by a silent agent when it must be quiesced', async () => {
    const world = simulatedWorld();
    expect(await blockersOf(world, vmSnapshot, { vm: 'kept1', name: 'old' })).toContain('already has a snapshot old');
    expect(await blockersOf(world, vmSnapshot, { vm: 'mute1', quiesce: 'require' })).toContain("can't be frozen");
    expect(await warningsOf(world, vmSnapshot, { vm: 'mute1' })).toContain('power cut');
    world.change('web1', { guest: { agent: 'hung' } });
    expect(await blockersOf(world, vmSnapshot, { vm: 'web1', quiesce: 'require' })).toContain("can't be frozen");
  });
  test('warns of a datastore that is nearly full, and of what comes back with memory', async () => {
    const world = simulatedWorld();
    const shared = world.lab.datastores.get('shared')!;
    world.lab.strand('shared', { volume: 'x', sizeGiB: shared.capacityGiB - 25, vm: 'x', mark: 'x' });
    expect(await warningsOf(world, vmSnapshot, { vm: 'web1' })).toMatch(/shared is \d+ % full/);
    expect(await warningsOf(world, vmSnapshot, { vm: 'web1', memory: true })).toContain('clock');
  });
  test('broken off halfway: the guest is thawed and the stray overlay is gone, after probe or undo', async () => {
    const half = { at: 'snapshots.create', kind: 'fail-halfway' } as const;
    const probed = simulatedWorld();
    const step = await applied(probed, vmSnapshot, { vm: 'web1' }, half);
    expect(probed.vm('web1').frozen).toBe(true);
    expect((await step.probe()).outcome).toBe('not-done');
    expect(probed.changes()).toEqual([]);
    const undone = simulatedWorld();
    const other = await applied(undone, vmSnapshot, { vm: 'web1' }, half);
    await other.undo();
    expect(undone.changes()).toEqual([]);
  });
  test('probe claims no more consistency than it can know', async () => {
    const world = simulatedWorld();
    const lost = { at: 'snapshots.create', kind: 'unknown' } as const;
    const step = await applied(world, vmSnapshot, { vm: 'web1' }, lost);
    expect(await step.probe()).toMatchObject({ outcome: 'done', outputs: { consistency: 'crash' } });
    const other = simulatedWorld();
    const strict = await applied(other, vmSnapshot, { vm: 'web1', quiesce: 'require' }, lost);
    expect(await strict.probe()).toMatchObject({ outcome: 'unknown' });
    await strict.undo();
    expect(other.changes()).toEqual([]);
  });
  test('the probe waits for one that is still being made, before it believes the list', async () => {
    const world = simulatedWorld();
    const step = await applied(world, vmSnapshot, { vm: 'web1' });
    const calls: string[] = [];
    world.onCall(call => {
      calls.push(call.at);
      return undefined;
    });
    await step.probe();
    expect(calls.filter(at => at.startsWith('snapshots.'))).toEqual(['snapshots.cleanUp', 'snapshots.list']);
  });
});

describe('vm.snapshot.delete', () => {
  test('removes the snapshot and leaves the VM as it is; there is no undo', async () => {
    const world = simulatedWorld();
    const step = await applied(world, vmSnapshotDelete, { vm: 'kept1', snapshot: 'old' });
    expect(step.outputs).toEqual({ deleted: true });
    expect(world.vm('kept1')).toMatchObject({ snapshots: [], guest: { files: { '/etc/motd': 'now\n' } } });
    expect(vmSnapshotDelete.undo).toBeUndefined();
    expect(undoClassOf(vmSnapshotDelete, { vm: 'kept1', snapshot: 'old' })).toBe('irreversible');
  });
  test('a snapshot that is not there is a blocker, or nothing to do', async () => {
    const world = simulatedWorld();
    const inputs = { vm: 'web1', snapshot: 'none' };
    expect(await blockersOf(world, vmSnapshotDelete, inputs)).toContain('has no snapshot none');
    expect(await blockersOf(world, vmSnapshotDelete, { ...inputs, missing: 'ignore' })).toBe('');
    expect((await applied(world, vmSnapshotDelete, { ...inputs, missing: 'ignore' })).outputs).toEqual({
      deleted: false,
    });
    expect((await applied(world, vmSnapshotDelete, inputs)).error).toMatchObject({ kind: 'not-found' });
  });
  test('probe tells whether it is gone', async () => {
    for (const happened of [true, false]) {
      const world = simulatedWorld();
      const lost = { at: 'snapshots.delete', kind: 'unknown', happened } as const;
      const step = await applied(world, vmSnapshotDelete, { vm: 'kept1', snapshot: 'old' }, lost);
      expect((await step.probe()).outcome).toBe(happened ? 'done' : 'not-done');
    }
  });
});

describe('vm.revert', () => {
  const inputs = { vm: 'kept1', snapshot: 'old' };
  test('puts the disks back; without a safety snapshot there is no undo', async () => {
    const world = simulatedWorld();
    const step = await applied(world, vmRevert, inputs);
    expect(step.outputs).toEqual({ snapshot: 'old', state: 'running' });
    expect(world.vm('kept1').guest.files['/etc/motd']).toBe('then\n');
    expect(undoClassOf(vmRevert, inputs)).toBe('irreversible');
  });
  test('with a safety snapshot, undo brings the present back', async () => {
    const world = simulatedWorld();
    expect(undoClassOf(vmRevert, { ...inputs, safety: true })).toBe('restorable');
    const step = await applied(world, vmRevert, { ...inputs, safety: true });
    expect(world.vm('kept1').guest.files['/etc/motd']).toBe('then\n');
    await step.undo();
    await step.undo();
    expect(world.changes()).toEqual([]);
  });
  test('the safety snapshot is gone once the run has succeeded', async () => {
    const world = simulatedWorld();
    const step = await applied(world, vmRevert, { ...inputs, safety: true });
    await step.commit();
    await step.commit();
    expect(world.vm('kept1').snapshots.map(snapshot => snapshot.name)).toEqual(['old']);
  });
  test('leaves the VM off or on as asked', async () => {
    const world = simulatedWorld();
    expect((await applied(world, vmRevert, { ...inputs, running: false })).outputs?.state).toBe('shutoff');
    expect((await applied(world, vmRevert, { ...inputs, running: true })).outputs?.state).toBe('running');
  });
  test('is blocked by a snapshot that is not there, and says what will be lost', async () => {
    const world = simulatedWorld();
    expect(await blockersOf(world, vmRevert, { vm: 'web1', snapshot: 'old' })).toContain('has no snapshot old');
    expect(await warningsOf(world, vmRevert, inputs)).toMatch(/since 2025-01-01.* will be lost/);
  });
  test('when it is not known whether it happened, it is done again', async () => {
    const world = simulatedWorld();
    const step = await applied(world, vmRevert, inputs, { at: 'snapshots.revert', kind: 'unknown' });
    expect((await step.probe()).outcome).toBe('not-done');
    expect((await applied(world, vmRevert, inputs)).outputs?.state).toBe('running');
  });
});
