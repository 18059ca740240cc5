export interface DomainSetting {
  name: string;
  guest: 'tiny' | 'debian';
  /** Path of its qcow2 disk on the host. */
  disk: string;
  memoryMiB: number;
  /** Reached from outside by QEMU's own user network: `address`:port of this machine leads to the guest's port. */
  net?: { address: string; ports: readonly { outside: number; guest: number }[] };
}

/** The libvirt definition of a lab VM, with what emulation without KVM needs. */
export function domainXml(setting: DomainSetting): string {
  const { name, net } = setting;
  const words = [
    'console=ttyS0',
    'quiet',
    'mitigations=off',
    'no_timer_check',
    'lpj=4000000',
    'panic=-1',
    `name=${name}`,
  ];
  if (setting.guest === 'debian') words.push('root=/dev/vda');
  if (net) words.push('ip=10.0.2.15/24', 'gw=10.0.2.2');
  // libvirt 9.0 cannot forward ports of the user network: they go past it, to QEMU itself.
  const forwards = net?.ports.map(port => `hostfwd=tcp:${net.address}:${port.outside}-:${port.guest}`).join(',');
  const commandLine = net
    ? `
  <qemu:commandline>
    <qemu:arg value='-netdev'/>
    <qemu:arg value='user,id=lab0,${forwards}'/>
    <qemu:arg value='-device'/>
    <qemu:arg value='virtio-net-pci,netdev=lab0,bus=pcie.0,addr=0x1c,mac=52:54:00:00:02:15'/>
  </qemu:commandline>`
    : '';
  return `<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>${name}</name>
  <memory unit='MiB'>${setting.memoryMiB}</memory>
  <vcpu current='1'>2</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>/var/lib/libvirt/boot/vmlinuz</kernel>
    <initrd>/var/lib/libvirt/boot/tiny.cpio</initrd>
    <cmdline>${words.join(' ')}</cmdline>
  </os>
  <features><acpi/><tcg><tb-cache unit='MiB'>32</tb-cache></tcg></features>
  <cpu mode='custom' match='exact' check='none'><model fallback='forbid'>qemu64</model></cpu>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none' discard='unmap'/>
      <source file='${setting.disk}'/>
      <target dev='vda' bus='virtio'/>
      <serial>${name}-d0</serial>
    </disk>
    <serial type='pty'><log file='/var/log/libvirt/${name}-serial.log' append='off'/></serial>
    <console type='pty'/>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <memballoon model='virtio'><stats period='2'/></memballoon>
  </devices>${commandLine}
</domain>
`;
}
