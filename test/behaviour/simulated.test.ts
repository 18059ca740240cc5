import { connectSimulated } from '../../src/hypervisors/simulated/connection';
import { simulatedReach, simulatedSsh } from '../../src/hypervisors/simulated/guest-access';
import { SimulatedLab } from '../../src/hypervisors/simulated/lab';
import { simulatedProxy } from '../../src/hypervisors/simulated/proxy';
import { behaviour, type World } from './suite';

const poolSize = 12;

/** The lab has a pool of VMs to hand out: making VMs is no port, so the simulation has no need to. */
function labFile(): string {
  const vm = (datastore: string) => ({
    host: 'hv-a',
    vcpus: 1,
    memoryMiB: 256,
    disks: [{ datastore, capacityGiB: 2, allocatedGiB: 1 }],
    guest: { agent: 'running', bootSeconds: 4, shutdownSeconds: 1, files: { '/data/about': 'a disk\n' } },
  });
  const page = { '/index.html': { status: 200, body: 'ok\n' } };
  const listens = [{ port: 22 }, { port: 80, http: page }];
  const reachable = { ...vm('shared').guest, address: '192.0.2.10', ssh: true, listens };
  const pool = Array.from({ length: poolSize }, (_, at) => [
    [`shared-${at}`, vm('shared')],
    [`local-${at}`, vm('local-a')],
  ]).flat();
  return JSON.stringify({
    version: 1,
    hosts: { 'hv-a': { cpus: 4, memoryMiB: 8192 }, 'hv-b': { cpus: 4, memoryMiB: 8192 } },
    datastores: {
      shared: { capacityGiB: 100, hosts: ['hv-a', 'hv-b'] },
      'local-a': { capacityGiB: 100, hosts: ['hv-a'], path: '/var/lib/images' },
      'local-b': { capacityGiB: 100, hosts: ['hv-b'], path: '/var/lib/images' },
    },
    vms: { ...Object.fromEntries(pool), net1: { ...vm('shared'), guest: reachable } },
  });
}

async function makeWorld(): Promise<World> {
  const lab = SimulatedLab.parse(labFile());
  const a = connectSimulated(lab, 'a', { hosts: ['hv-a'] });
  const b = connectSimulated(lab, 'b', { hosts: ['hv-b'] });
  const made = { shared: 0, local: 0 };
  return {
    hypervisors: { a, b },
    async makeVm({ storage, start = true }) {
      const vm = await a.vm(`${storage}-${made[storage]++}`);
      if (!vm) throw new Error(`the pool of ${storage} VMs is empty; make it larger`);
      if (start) {
        await a.power?.start(vm.uuid);
        await lab.clock.pass(10_000);
      }
      return vm.uuid;
    },
    async hangAgent(uuid) {
      const vm = lab.find(uuid);
      if (vm) lab.putVm({ ...vm, guest: { ...vm.guest, agent: 'hung' } });
    },
    async loseVm(uuid) {
      const vm = lab.find(uuid);
      if (vm) lab.lose(vm, 'VM lost');
    },
    async makeReachable() {
      const { uuid } = lab.find('net1')!;
      await a.power?.start(uuid);
      await lab.clock.pass(10_000);
      return { uuid, address: '192.0.2.10', webPort: 80, ssh: simulatedSsh(lab, uuid), reach: simulatedReach(lab) };
    },
    sleep: ms => lab.clock.pass(ms),
    proxy: simulatedProxy(lab, 'backup1', '/srv/backup', 'unix'),
    async cleanUp() {
      await Promise.all([a.close(), b.close()]);
    },
  };
}

behaviour('simulated', makeWorld);
