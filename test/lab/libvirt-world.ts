import { setTimeout as sleep } from 'node:timers/promises';
import { connectLibvirt } from '../../src/hypervisors/libvirt/connect';
import type { LibvirtHypervisor } from '../../src/hypervisors/libvirt/libvirt-hypervisor';
import { openProxy } from '../../src/hypervisors/proxy/open-proxy';
import { guestOverSsh } from '../../src/runner/guest-ssh';
import { localReach } from '../../src/runner/reach';
import { SshPool } from '../../src/ssh/pool';
import type { World } from '../behaviour/suite';
import { type Lab, startLab, type Vm } from './lab';

/** Two real hosts reached over SSH. */
export interface LibvirtWorld extends World {
  lab: Lab;
  hypervisors: { a: LibvirtHypervisor; b: LibvirtHypervisor };
  vms: Map<string, Vm>;
  connect(
    host: 'hv1' | 'hv2',
    keepAlive?: { keepAliveMs: number; keepAliveMisses: number },
  ): Promise<LibvirtHypervisor>;
}

export async function libvirtWorld(): Promise<LibvirtWorld> {
  const lab = await startLab({ proxy: true });
  const pools = new Map<string, SshPool>();
  const ssh = (configFile = lab.sshConfig) => {
    const pool = pools.get(configFile) ?? new SshPool({ configFile });
    pools.set(configFile, pool);
    return pool;
  };
  const options = { ssh, baseDir: lab.dir };
  const connect: LibvirtWorld['connect'] = (host, keepAlive) =>
    connectLibvirt(host, { uri: `qemu+ssh://${host}/system`, sshConfig: './ssh_config' }, { ...options, ...keepAlive });
  const [a, b] = await Promise.all([connect('hv1'), connect('hv2')]);
  const vms = new Map<string, Vm>();
  let made = 0;
  return {
    lab,
    hypervisors: { a, b },
    vms,
    connect,
    async makeVm({ storage, start = true }) {
      const name = `bhv${++made}`;
      const vm = await lab.makeVm({
        name,
        guest: 'tiny',
        pool: storage === 'shared' ? 'shared' : 'images',
        host: 'hv1',
        start,
      });
      const uuid = (await a.vm(name))!.uuid;
      vms.set(uuid, vm);
      return uuid;
    },
    hangAgent: async uuid => vms.get(uuid)!.hangAgent(),
    loseVm: uuid => vms.get(uuid)!.killQemu(),
    async makeReachable() {
      const vm = await lab.makeVm({ name: 'net1', guest: 'tiny', pool: 'shared', host: 'hv1', net: true });
      // Of its own: the one for the hosts has read the configuration before there was this VM.
      const pool = new SshPool({ configFile: lab.sshConfig });
      pools.set(vm.name, pool);
      return {
        uuid: (await a.vm(vm.name))!.uuid,
        address: vm.address!,
        webPort: vm.port(80),
        ssh: guestOverSsh(pool, vm.name, vm.name),
        reach: localReach,
      };
    },
    sleep: async ms => {
      await sleep(ms);
    },
    proxy: openProxy('px1', { ssh: 'px1', directory: '/var/lib/virtbook/backups' }, { ssh: ssh() }),
    async cleanUp() {
      await Promise.all([a.close(), b.close()]);
      for (const pool of pools.values()) await pool.close();
      await lab.destroy();
    },
  };
}
