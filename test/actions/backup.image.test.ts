import { describe, expect, test } from 'vitest';
import { backupImage } from '../../src/actions/backup.image';
import { applied, blockersOf, simulatedWorld, warningsOf } from './simulated-world';

const inputs = { vm: 'web1', proxy: 'backup1' };

function filesOf(world: ReturnType<typeof simulatedWorld>) {
  return world.lab.proxies.get('backup1')?.files ?? {};
}

describe('backup.image', () => {
  test('reads every disk into a folder under the identity of the VM, with a manifest', async () => {
    const world = simulatedWorld();
    const { uuid } = world.vm('web1');
    const step = await applied(world, backupImage, { ...inputs, quiesce: 'require' });
    const folder = `/srv/backup/web1-${uuid}/r1-20260103T220000Z`;
    expect(step.outputs).toMatchObject({ folder, manifest: `${folder}/manifest.json`, consistency: 'application' });
    expect(Object.keys(filesOf(world)).sort()).toEqual([`${folder}/manifest.json`, `${folder}/vda.qcow2`]);
    const manifest = JSON.parse(filesOf(world)[`${folder}/manifest.json`]!.text!);
    expect(manifest).toMatchObject({
      kind: 'full',
      vm: { uuid, name: 'web1', host: 'hv1' },
      run: 'r1',
      consistency: 'application',
      disks: [{ target: 'vda', file: 'vda.qcow2', virtualSizeBytes: 10 * 1024 ** 3 }],
    });
    expect(manifest.definition).toContain(`<uuid>${uuid}</uuid>`);
  });
  test('what was on the disk at that moment is in the image; the guest goes on and is left as it was', async () => {
    const world = simulatedWorld();
    const step = await applied(world, backupImage, inputs);
    expect(filesOf(world)[step.outputs!.disks[0]!.path]?.image?.guest.files['/etc/motd']).toBe('hello\n');
    expect(world.changes().filter(line => line.startsWith('vm '))).toEqual([]);
  });
  test('undo removes the folder', async () => {
    const world = simulatedWorld();
    const step = await applied(world, backupImage, inputs);
    await step.undo();
    await step.undo();
    expect(world.changes()).toEqual([]);
  });
  test('on every way out the job is ended and the guest thawed', async () => {
    for (const [at, nth] of [
      ['imageBackup.begin', 1],
      ['proxy.readImage', 1],
      ['imageBackup.end', 1],
      ['proxy.writeFile', 1],
    ] as const) {
      for (const kind of ['fail-before', 'fail-after', 'fail-halfway', 'unknown'] as const) {
        const world = simulatedWorld();
        const step = await applied(world, backupImage, inputs, { at, kind, nth });
        expect(step.error, `${at} ${kind}`).toBeDefined();
        await step.probe();
        expect(world.vm('web1').job, `${at} ${kind}`).toBeUndefined();
        expect(world.vm('web1').frozen).toBe(false);
        await step.undo();
        expect(world.changes(), `${at} ${kind}`).toEqual([]);
      }
    }
  });
  test('probe finds a finished backup with all that its outputs say', async () => {
    const world = simulatedWorld();
    const step = await applied(world, backupImage, inputs);
    expect(await step.probe()).toEqual({ outcome: 'done', outputs: step.outputs });
  });
  test('a folder without a whole manifest is no backup: probe removes it', async () => {
    const world = simulatedWorld();
    const step = await applied(world, backupImage, inputs);
    const proxy = await world.fleet.proxy('backup1');
    await proxy.writeFile(step.outputs!.manifest, '{"version": 1, "vm": {');
    expect(await step.probe()).toEqual({ outcome: 'not-done' });
    expect(world.changes()).toEqual([]);
  });
  test('says how consistent it is', async () => {
    const world = simulatedWorld();
    expect((await applied(world, backupImage, { ...inputs, vm: 'mute1' })).outputs?.consistency).toBe('crash');
    expect(await warningsOf(world, backupImage, { ...inputs, vm: 'mute1' })).toContain('power cut');
  });
  test('is blocked by a VM that is off, a silent agent, a missing disk and too little room', async () => {
    const world = simulatedWorld();
    expect(await blockersOf(world, backupImage, { ...inputs, vm: 'off1' })).toContain('Start it');
    expect(await blockersOf(world, backupImage, { ...inputs, vm: 'mute1', quiesce: 'require' })).toContain(
      "can't be frozen",
    );
    expect(await blockersOf(world, backupImage, { ...inputs, disks: ['vdz'] })).toContain(
      'no writable disk vdz; it has vda',
    );
    world.lab.proxies.set('backup1', { capacityGiB: 2, files: {} });
    expect(await blockersOf(world, backupImage, inputs)).toMatch(/backup1 has 2\.0 GiB left/);
  });
  test('a second backup of the same VM at the same time is refused, and the first goes on', async () => {
    const world = simulatedWorld();
    const { hypervisor, vm } = await world.fleet.locate('web1');
    await hypervisor.imageBackup!.begin(vm.uuid, { quiesce: 'no', mark: 'first', transport: 'tcp' });
    expect((await applied(world, backupImage, inputs)).error).toMatchObject({ kind: 'busy' });
    expect(await hypervisor.imageBackup!.isActive(vm.uuid, 'first')).toBe(true);
  });
});
