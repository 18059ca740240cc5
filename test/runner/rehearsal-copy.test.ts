import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { actionNamed } from '../../src/actions/catalogue';
import { makePlan } from '../../src/engine/make-plan';
import { rehearse } from '../../src/engine/rehearse';
import type { ConnectionState, VmInfo } from '../../src/hypervisors/ports';
import { GiB } from '../../src/hypervisors/simulated/state';
import { captureLab, captureText } from '../../src/inventory/capture';
import type { Inventory } from '../../src/inventory/model';
import { parseRunbook } from '../../src/runbook/parse';
import { copyFromFile } from '../../src/runner/rehearsal-copy';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'virtbook-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const vm = (name: string, host: string, more: Partial<VmInfo> = {}): VmInfo => ({
  uuid: `00000000-0000-4000-8000-${name.padStart(12, '0').replace(/[^0-9a-f]/g, 'a')}`,
  name,
  host,
  state: 'running',
  vcpus: 2,
  memoryMiB: 2048,
  persistent: true,
  disks: [
    {
      target: 'vda',
      source: `/images/${name}.qcow2`,
      format: 'qcow2',
      datastore: 'default',
      capacityBytes: 20 * GiB,
      allocationBytes: 5 * GiB,
      writable: true,
    },
  ],
  snapshotCount: 0,
  agent: 'connected',
  ...more,
});
const seen = (
  host: string,
  vms: VmInfo[],
): { connection: string; state: ConnectionState; snapshots: Map<string, []> } => ({
  connection: host,
  state: {
    hosts: [{ name: host, version: 'QEMU 7.2.0, libvirt 9.0.0', cpus: 8, memoryMiB: 16_384 }],
    vms,
    datastores: [{ name: 'default', host, capacityBytes: 100 * GiB, freeBytes: 60 * GiB, path: '/images' }],
  },
  snapshots: new Map(),
});
const inventory: Inventory = {
  version: 1,
  connections: {
    hv1: { type: 'libvirt', uri: 'qemu+ssh://root@hv1/system' },
    hv2: { type: 'libvirt', uri: 'qemu+ssh://root@hv2/system' },
  },
  groups: {},
  proxies: {},
  vms: {},
};
const planOf = (steps: string) => {
  const { runbook, diagnostics } = parseRunbook(`version: 1\nname: test\nsteps:\n${steps}`);
  if (!runbook) throw new Error(diagnostics.map(one => one.message).join(' '));
  return makePlan({ runbook, action: actionNamed, inventory }).plan;
};

it('a runbook is rehearsed without a network on a file that was captured from libvirt hosts', async () => {
  const captured = captureLab([seen('hv1', [vm('web1', 'hv1')]), seen('hv2', [vm('db1', 'hv2')])], inventory, 0);
  const file = join(folder, 'copy.lab.yaml');
  writeFileSync(file, captureText(captured));
  const plan = planOf(`
  - uses: guest.patch
    with: { vm: web1, packages: [nginx], snapshot: false }
  - uses: check.guest
    with: { vm: web1, systemd: [nginx], tcp: { port: 8080 }, http: { url: "http://192.0.2.1:8080/health", contains: well } }
  - uses: vm.migrate
    with: { vm: web1, to: hv2 }
`);
  const copy = await copyFromFile(file, inventory, plan);
  expect(copy.assumed).toEqual(captured.assumed);
  expect(copy.inventory.fleet.connections).toEqual(['hv1', 'hv2']);
  const found = await rehearse({ plan, action: actionNamed, inventory: copy.inventory });
  expect(found.clean.status).toBe('done');
  expect(found.stories).toEqual([]);
});

it('what the hosts show is in the copy: space, memory, datastores of one name on each host', () => {
  const { records } = captureLab([seen('hv1', [vm('web1', 'hv1')]), seen('hv2', [])], inventory, 0);
  expect(records.datastores).toMatchObject({
    default: { capacityGiB: 100, usedByOthersGiB: 35, hosts: ['hv1'], path: '/images' },
    'default@hv2': { capacityGiB: 100, usedByOthersGiB: 40, hosts: ['hv2'], path: '/images' },
  });
  expect(records.vms[0]).toMatchObject({ name: 'web1', host: 'hv1', state: 'running', memoryMiB: 2048 });
});

it('says that nothing tells whether datastores of one path are one', () => {
  const { assumed } = captureLab([seen('hv1', []), seen('hv2', [])], inventory, 0);
  expect(assumed.join('\n')).toMatch(/default at \/images: hv1 and hv2 have one each/);
});

it('says what it could not see', () => {
  const odd = vm('odd1', 'hv1', {
    agent: 'unknown',
    memoryMiB: 32_768,
    disks: [{ ...vm('x', 'hv1').disks[0]!, datastore: undefined }],
  });
  const { assumed } = captureLab([seen('hv1', [odd, odd])], inventory, 0);
  expect(assumed.join('\n')).toMatch(/odd1: it has no guest agent/);
  expect(assumed.join('\n')).toMatch(/hv1: it has the 65536 MiB that its VMs use, not 16384/);
  expect(assumed.join('\n')).toMatch(/hv1: disks outside of its datastores/);
  expect(assumed.join('\n')).toMatch(/odd1: there is more than one VM of that name/);
});
