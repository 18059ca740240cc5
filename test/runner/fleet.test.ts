import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fleet } from '../../src/inventory/fleet';
import type { Inventory } from '../../src/inventory/model';
import { openFleet } from '../../src/runner/fleet';
import { localReach } from '../../src/runner/reach';
import { openLab } from '../../src/runner/simulated-labs';

let folder: string;
const open: Fleet[] = [];
beforeAll(() => {
  process.env.VIRTBOOK_LAB_SPEED = 'instant';
  folder = mkdtempSync(join(tmpdir(), 'virtbook-fleet-'));
  const lab = (vms: string) => `version: 1
clock: 2026-01-03T22:00:00Z
hosts: { hv1: { cpus: 8, memoryMiB: 16384 }, hv2: { cpus: 8, memoryMiB: 16384 } }
datastores: { shared: { capacityGiB: 100, hosts: [hv1, hv2] } }
vms:
${vms}`;
  const vm = (name: string, host: string, state: string, more = '') =>
    `  ${name}: { host: ${host}, state: ${state}, memoryMiB: 1024, disks: [{ datastore: shared, capacityGiB: 1 }]${more} }\n`;
  writeFileSync(
    join(folder, 'a.lab.yaml'),
    lab(
      vm('web', 'hv1', 'running', ', guest: { address: 192.0.2.7, agent: running }') +
        vm('both', 'hv1', 'running') +
        vm('twin', 'hv1', 'running') +
        vm('off', 'hv2', 'shutoff'),
    ),
  );
  writeFileSync(
    join(folder, 'b.lab.yaml'),
    lab(
      vm('both', 'hv1', 'shutoff', ', uuid: 11111111-1111-4111-8111-111111111111') +
        vm('twin', 'hv1', 'running', ', uuid: 22222222-2222-4222-8222-222222222222'),
    ),
  );
});
afterAll(async () => {
  delete process.env.VIRTBOOK_LAB_SPEED;
  await Promise.all(open.map(fleet => fleet.close()));
  rmSync(folder, { recursive: true, force: true });
});

function fleet(connections: Inventory['connections'], more: Partial<Inventory> = {}): Fleet {
  const inventory: Inventory = { version: 1, connections, groups: {}, proxies: {}, vms: {}, ...more };
  const opened = openFleet({ inventory, baseDir: folder });
  open.push(opened);
  return opened;
}
const labs: Inventory['connections'] = {
  a: { type: 'simulated', lab: 'a.lab.yaml' },
  b: { type: 'simulated', lab: 'b.lab.yaml' },
};
const dead: Inventory['connections'] = {
  gone: { type: 'libvirt', uri: 'qemu+unix:///system?socket=/nonexistent/libvirt-sock' },
};

describe('a fleet', () => {
  it('finds a VM by name and by uuid, on whatever connection it is', async () => {
    const all = fleet(labs);
    const found = await all.locate('web');
    expect(found).toMatchObject({ host: 'hv1', hypervisor: { connection: 'a' } });
    expect((await all.locate(found.vm.uuid)).vm.name).toBe('web');
    expect((await all.host('hv2')).connection).toBe('a');
  });

  it('prefers the running one of two, and refuses two that run', async () => {
    const all = fleet(labs);
    expect((await all.locate('both')).hypervisor.connection).toBe('a');
    await expect(all.locate('twin')).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('more than one VM twin'),
    });
  });

  it('finds a VM where a migration has put it', async () => {
    const split = fleet({
      one: { type: 'simulated', lab: 'a.lab.yaml', hosts: ['hv1'] },
      two: { type: 'simulated', lab: 'a.lab.yaml', hosts: ['hv2'] },
    });
    const before = await split.locate('web');
    expect(before.hypervisor.connection).toBe('one');
    await before.hypervisor.migration!.migrate(before.vm.uuid, {
      target: { hypervisor: await split.hypervisor('two'), host: 'hv2' },
      storage: 'auto',
      live: true,
      autoConverge: false,
      bandwidthMiBps: 0,
      mark: 'test',
    });
    expect((await split.locate('web')).hypervisor.connection).toBe('two');
    expect((await split.locate(before.vm.uuid)).host).toBe('hv2');
    // Another process sees it too; the lab file is as its author wrote it, and touching it begins anew.
    const other = await openLab(folder, 'a.lab.yaml');
    expect(other.find('web')?.host).toBe('hv2');
    const later = new Date(Date.now() + 5_000);
    utimesSync(join(folder, 'a.lab.yaml'), later, later);
    expect((await openLab(folder, 'a.lab.yaml')).find('web')?.host).toBe('hv1');
  });

  it('says that a VM is nowhere, or that it could not be looked for everywhere', async () => {
    await expect(fleet(labs).locate('nobody')).rejects.toMatchObject({ kind: 'not-found' });
    const one = fleet({ ...labs, ...dead });
    await expect(one.locate('nobody')).rejects.toMatchObject({ kind: 'unreachable', outcomeUnknown: false });
    expect((await one.locate('web')).hypervisor.connection).toBe('a');
  });

  it('knows addresses from the inventory, and from the lab', async () => {
    const all = fleet(labs, {
      vms: { both: { address: '198.51.100.1' }, twin: { ssh: 'root@[2001:db8::1]:2222' }, web: {} },
    });
    expect(await all.address('both')).toBe('198.51.100.1');
    expect(await all.address('twin')).toBe('2001:db8::1');
    expect(await all.address('web')).toBe('192.0.2.7');
  });

  it('says what to add when a guest can be reached in no way', async () => {
    const only = fleet(labs);
    await expect(only.proxy('none')).rejects.toMatchObject({ kind: 'not-found' });
    await expect(only.hypervisor('c')).rejects.toThrow('It has a, b');
  });
});

describe('probes from here', () => {
  it('tell what answers from what does not', async () => {
    const server = createServer((_request, response) => {
      response.statusCode = 503;
      response.end('busy');
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await localReach.tcp('127.0.0.1', port, { timeoutMs: 5_000 });
    expect(await localReach.http(`http://127.0.0.1:${port}/`, { timeoutMs: 5_000 })).toEqual({
      status: 503,
      body: 'busy',
    });
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
    await expect(localReach.tcp('127.0.0.1', port, { timeoutMs: 5_000 })).rejects.toMatchObject({
      kind: 'unreachable',
      outcomeUnknown: false,
    });
    const aborted = AbortSignal.abort();
    await expect(localReach.tcp('127.0.0.1', port, { timeoutMs: 5_000, signal: aborted })).rejects.toMatchObject({
      kind: 'cancelled',
    });
  });
});
