import { type Capability, capabilities, type Proof } from './capability';

/** What each hypervisor can do and how that was proven. A capability that is left out, it lacks. Goes into `docs/capabilities.md`. */
export const proofs: Record<'libvirt' | 'simulated', Partial<Record<Capability, Proof>>> = {
  // test/lab runs test/behaviour over real libvirtd and QEMU.
  libvirt: all('real'),
  // It is the fake; test/behaviour holds it to what real libvirt does.
  simulated: all('own fake only'),
};

export const capabilityTexts: Record<Capability, string> = {
  power: 'start, shut down, cut the power',
  snapshot: 'snapshots of the disks: take, revert, delete',
  'snapshot.memory': 'snapshots with the memory',
  'snapshot.quiesce': 'freeze the guest’s file systems for a snapshot or backup',
  'migrate.live': 'move a running VM to another host',
  'migrate.storage': 'move a VM with its disks, where they are not shared',
  'backup.image': 'export the disks of a running VM for a full backup',
  'guest.agent': 'run commands in a guest through its agent',
  events: 'tell what happens to VMs while it happens',
  console: 'the serial console of a VM, in a terminal',
};

function all(proof: Proof): Record<Capability, Proof> {
  return Object.fromEntries(capabilities.map(capability => [capability, proof])) as Record<Capability, Proof>;
}
