import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FolderLocks } from '../../src/hypervisors/libvirt/host-locks';
import { localLockFiles } from '../../src/hypervisors/libvirt/lock-files';
import { connectSimulated } from '../../src/hypervisors/simulated/connection';
import { SimulatedLab } from '../../src/hypervisors/simulated/lab';
import { openLab } from '../../src/runner/simulated-labs';
import { lockBehaviour } from './locks';

const lab = JSON.stringify({ version: 1, hosts: { hv1: { cpus: 4, memoryMiB: 8192 } }, datastores: {}, vms: {} });

lockBehaviour('of a simulated lab in memory', async () => {
  const one = SimulatedLab.parse(lab);
  return { open: async () => connectSimulated(one, 'lab').locks!, cleanUp: async () => {} };
});

lockBehaviour('of a simulated lab in a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'virtbook-locks-'));
  writeFileSync(join(folder, 'lab.json'), lab);
  return {
    open: async () => connectSimulated(await openLab(folder, 'lab.json', {}), 'lab').locks!,
    cleanUp: async () => rmSync(folder, { recursive: true }),
  };
});

lockBehaviour('in a folder of this computer', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'virtbook-locks-'));
  return {
    open: async () => new FolderLocks('hv1', join(folder, 'deep', 'locks'), async () => localLockFiles),
    cleanUp: async () => rmSync(folder, { recursive: true }),
  };
});

test('a lab that cannot be written to gives no lock, and says so to everybody who asked', async () => {
  const broken = SimulatedLab.parse(lab, {
    store: {
      exclusive: body => body(),
      read: async () => undefined,
      write: async () => {
        throw new Error('ENOSPC: no space left on device');
      },
    },
  });
  const { locks } = connectSimulated(broken, 'lab');
  const wanted = { label: 'VM web1', owner: 'a@b', runId: 'run-1', note: '' };
  const all = await Promise.allSettled(['vm a', 'vm b'].map(name => locks!.take({ ...wanted, name })));
  expect(all.map(one => one.status)).toEqual(['rejected', 'rejected']);
  expect(broken.locks).toEqual({});
});

test('a copy of a lab for a rehearsal has no locks, and those of the lab are no difference', async () => {
  const original = SimulatedLab.parse(lab);
  await connectSimulated(original, 'lab').locks!.take({
    name: 'vm a',
    label: 'VM a',
    owner: 'a@b',
    runId: 'run-1',
    note: '',
  });
  expect(SimulatedLab.parse(original.serialize()).locks).toEqual(original.locks);
  expect(original.fork().locks).toEqual({});
  expect(original.fork().serialize()).not.toContain('run-1');
});
