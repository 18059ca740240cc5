import { expect, test } from 'vitest';
import { connectSimulated } from '../../src/hypervisors/simulated/connection';
import { SimulatedLab } from '../../src/hypervisors/simulated/lab';
import { switchOverMs } from '../../src/hypervisors/simulated/migration';
import { OutageMeter } from '../../src/hypervisors/simulated/outage-meter';
import { startSeconds } from '../../src/hypervisors/simulated/power';
import { revertSeconds, savingSeconds } from '../../src/hypervisors/simulated/snapshots';

const file = `version: 1
hosts:
  hv1: { cpus: 4, memoryMiB: 8192 }
  hv2: { cpus: 4, memoryMiB: 8192 }
datastores:
  shared: { capacityGiB: 40, hosts: [hv1, hv2] }
vms:
  web1:
    host: hv1
    state: running
    memoryMiB: 1024
    disks: [{ datastore: shared, capacityGiB: 10 }]
    guest: { agent: running, bootSeconds: 21, shutdownSeconds: 4 }
  off1: { host: hv1, memoryMiB: 512, disks: [{ datastore: shared, capacityGiB: 2 }], guest: { agent: running } }
`;

function measured() {
  const lab = SimulatedLab.parse(file);
  const meter = new OutageMeter();
  lab.onVm = (vm, before, goneMs) => meter.changed(vm, before, goneMs, lab.clock.now());
  const hypervisor = connectSimulated(lab, 'all');
  const { power, snapshots, migration } = hypervisor;
  const web1 = lab.find('web1')!;
  return {
    lab,
    hypervisor,
    uuid: web1.uuid,
    vm: web1,
    power: power!,
    snapshots: snapshots!,
    migration: migration!,
    outages: () => meter.longest(lab.clock.now()),
    down: () => power!.shutdown(web1.uuid, { mode: 'auto', timeoutMs: 60_000 }),
  };
}

test('from when a guest is asked to go down until it has booted', async () => {
  const { lab, uuid, vm, power, down, outages } = measured();
  await down();
  await lab.clock.pass(30_000);
  await power.start(uuid);
  await lab.clock.pass(60_000);
  const { shutdownSeconds, bootSeconds } = vm.guest;
  const ms = (shutdownSeconds + 30 + startSeconds + bootSeconds) * 1000;
  expect(outages()).toEqual([{ vm: 'web1', ms, staysOff: false }]);
});

test('a boot that outlasts what is looked at counts until its end', async () => {
  const { uuid, vm, power, down, outages } = measured();
  await down();
  await power.start(uuid);
  const ms = (vm.guest.shutdownSeconds + startSeconds + vm.guest.bootSeconds) * 1000;
  expect(outages()).toEqual([{ vm: 'web1', ms, staysOff: false }]);
});

test('the longest of several counts, and they do not add up', async () => {
  const { lab, uuid, vm, power, down, outages } = measured();
  for (const pause of [1_000, 90_000, 5_000]) {
    await down();
    await lab.clock.pass(pause);
    await power.start(uuid);
    await lab.clock.pass(60_000);
  }
  const ms = (vm.guest.shutdownSeconds + 90 + startSeconds + vm.guest.bootSeconds) * 1000;
  expect(outages()).toEqual([{ vm: 'web1', ms, staysOff: false }]);
});

test('one that is still off counts until now, whatever was before it', async () => {
  const { lab, uuid, power, down, vm, outages } = measured();
  await down();
  await lab.clock.pass(90_000);
  await power.start(uuid);
  await lab.clock.pass(60_000);
  await down();
  await lab.clock.pass(7_000);
  expect(outages()).toEqual([{ vm: 'web1', ms: (vm.guest.shutdownSeconds + 7) * 1000, staysOff: true }]);
});

test('a VM that was off is nobody’s to miss', async () => {
  const { lab, power, outages } = measured();
  const { uuid } = lab.find('off1')!;
  await power.start(uuid);
  await lab.clock.pass(60_000);
  await power.shutdown(uuid, { mode: 'auto', timeoutMs: 60_000 });
  await power.start(uuid);
  expect(outages()).toEqual([]);
});

test('a guest stands still while its memory is saved and while a migration changes over, not for a snapshot of its disks', async () => {
  const { lab, hypervisor, uuid, vm, snapshots, migration, outages } = measured();
  await snapshots.create(uuid, { name: 'disks', memory: false, quiesce: 'prefer' });
  await snapshots.delete(uuid, 'disks');
  expect(outages()).toEqual([]);
  const target = { hypervisor, host: 'hv2' };
  const how = { storage: 'auto', autoConverge: true, bandwidthMiBps: 0, mark: 'm' } as const;
  const live = await migration.migrate(uuid, { ...how, target, live: true });
  expect(outages()).toEqual([{ vm: 'web1', ms: switchOverMs, staysOff: false }]);
  expect(live.downtimeMs).toBe(switchOverMs);
  await lab.clock.pass(1_000);
  const still = await migration.migrate(uuid, { ...how, target: { hypervisor, host: 'hv1' }, live: false });
  expect(outages()).toEqual([{ vm: 'web1', ms: still.durationMs, staysOff: false }]);
  await lab.clock.pass(1_000);
  await snapshots.create(uuid, { name: 'memory', memory: true, quiesce: 'prefer' });
  const longest = Math.max(still.durationMs!, savingSeconds(vm) * 1000);
  expect(outages()).toEqual([{ vm: 'web1', ms: longest, staysOff: false }]);
});

test('a revert boots the guest, unless the snapshot has its memory', async () => {
  const { lab, uuid, vm, snapshots, outages } = measured();
  await snapshots.create(uuid, { name: 'memory', memory: true, quiesce: 'prefer' });
  await lab.clock.pass(1_000);
  await snapshots.revert(uuid, 'memory');
  const saved = Math.max(savingSeconds(vm), revertSeconds) * 1000;
  expect(outages()).toEqual([{ vm: 'web1', ms: saved, staysOff: false }]);
  await snapshots.create(uuid, { name: 'disks', memory: false, quiesce: 'prefer' });
  await snapshots.revert(uuid, 'disks');
  const booted = (revertSeconds + vm.guest.bootSeconds) * 1000;
  expect(outages()).toEqual([{ vm: 'web1', ms: booted, staysOff: false }]);
});

test('stretches that touch are one', async () => {
  const { uuid, vm, snapshots, outages } = measured();
  await snapshots.create(uuid, { name: 'disks', memory: false, quiesce: 'prefer' });
  await snapshots.create(uuid, { name: 'memory', memory: true, quiesce: 'prefer' });
  await snapshots.revert(uuid, 'memory', { running: false });
  expect(outages()).toEqual([{ vm: 'web1', ms: (savingSeconds(vm) + revertSeconds) * 1000, staysOff: true }]);
});

test('what is left of a boot that began before, and files written meanwhile, are no outage', async () => {
  const { lab, uuid, down, power } = measured();
  await down();
  await power.start(uuid);
  const meter = new OutageMeter();
  lab.onVm = (vm, before, goneMs) => meter.changed(vm, before, goneMs, lab.clock.now());
  lab.putVm({ ...lab.find('web1')!, cpu: 'x86-64-v2' });
  await lab.clock.pass(60_000);
  lab.putVm({ ...lab.find('web1')!, cpu: 'x86-64-v1' });
  expect(meter.longest(lab.clock.now())).toEqual([]);
});
