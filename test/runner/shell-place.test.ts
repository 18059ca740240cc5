import { describe, expect, it } from 'vitest';
import type { Inventory } from '../../src/inventory/model';
import { shellOfGuest, shellOfHost } from '../../src/runner/shell-place';

const inventory: Inventory = {
  version: 1,
  connections: {
    hv1: { type: 'libvirt', uri: 'qemu+ssh://root@hv1.example.net:2222/system', sshConfig: './ssh_config' },
    here: { type: 'libvirt', uri: 'qemu:///system' },
    lab: { type: 'simulated', lab: './lab.yaml' },
  },
  groups: {},
  proxies: {},
  vms: {
    web1: { ssh: 'root@10.0.0.5' },
    '0b8a4c9e-7d1f-4b6a-9a53-2f6f5f0d1c11': { ssh: 'web2', sshConfig: 'guests' },
    db1: { owner: 'shop' },
  },
};
const vm = (name: string, uuid = 'u') => shellOfGuest(inventory, '/inv', 'hv1', { name, uuid });

describe('where a shell is opened', () => {
  it('of a host: as its connection is made', () => {
    expect(shellOfHost(inventory, '/inv', 'hv1')).toEqual({
      ssh: 'root@hv1.example.net:2222',
      configFile: '/inv/ssh_config',
    });
    expect(shellOfHost(inventory, '/inv', 'here')).toEqual({ local: true });
  });

  it('of a guest: as the inventory says, by name or identity', () => {
    expect(vm('web1')).toEqual({ ssh: 'root@10.0.0.5' });
    expect(vm('web2', '0b8a4c9e-7d1f-4b6a-9a53-2f6f5f0d1c11')).toEqual({ ssh: 'web2', configFile: '/inv/guests' });
  });

  it('says what to write where the inventory does not say it', () => {
    expect(() => vm('db1')).toThrow('Add `vms: { db1: { ssh: user@address } }`');
    expect(() => vm('toString')).toThrow('does not say how toString is reached');
    expect(() => shellOfHost(inventory, '/inv', 'constructor')).toThrow('no connection constructor');
  });

  it('is nowhere in a simulation, which has consoles', () => {
    expect(() => shellOfHost(inventory, '/inv', 'lab')).toThrow(/simulated.*consoles/);
    expect(() => shellOfGuest(inventory, '/inv', 'lab', { name: 'web1', uuid: 'u' })).toThrow(/Open its console/);
  });
});
