import { describe, expect, test } from 'vitest';
import { parseDomain, writableDisks } from '../../src/hypervisors/libvirt/domain-xml';
import { overlayPath } from '../../src/hypervisors/libvirt/snapshots';
import { attribute, escapeXml, parseXml } from '../../src/hypervisors/libvirt/xml';

const running = `<domain type='kvm' id='3'>
  <name>web &amp; db</name><uuid>0B8A4C9E-7d1f-4b6a-9a53-2f6f5f0d1c11</uuid>
  <memory unit='KiB'>4194304</memory><currentMemory unit='GiB'>2</currentMemory><vcpu placement='static' current='2'>4</vcpu>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><loader readonly='yes' type='pflash'>/usr/share/OVMF.fd</loader></os>
  <cpu mode='host-passthrough'/>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/><source file='/img/a.s1.vda.qcow2' index='2'/>
      <backingStore type='file' index='1'><format type='qcow2'/><source file='/img/a.qcow2'/><backingStore type='file'><source file='/img/golden.qcow2'/><backingStore/></backingStore></backingStore>
      <mirror type='file' job='active-commit' ready='yes'><source file='/img/a.qcow2'/></mirror><target dev='vda' bus='virtio'/></disk>
    <disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='rbd' name='pool/img'><host name='mon1' port='6789'/></source><target dev='vdb'/></disk>
    <disk type='file' device='cdrom'><driver name='qemu'/><target dev='sda'/><readonly/></disk>
    <disk type='file' device='cdrom'><source file='/iso/x.iso'/><target dev='sdb'/><readonly/></disk>
    <hostdev mode='subsystem' type='pci'/><interface type='hostdev'/><interface type='network'><mac address='52:54:00:0a:0b:0c'/><source network='lan'/><model type='virtio'/></interface>
    <interface type='user'><mac address='52:54:00:0a:0b:0d'/></interface>
    <channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0' state='connected'/></channel>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='disconnected'/></channel>
  </devices></domain>`;

describe('a domain’s XML', () => {
  test('tells what this client needs', () => {
    const domain = parseDomain(running);
    expect(domain).toMatchObject({
      name: 'web & db',
      uuid: '0b8a4c9e-7d1f-4b6a-9a53-2f6f5f0d1c11',
      vcpus: 2,
      memoryMiB: 2048,
      pflash: true,
      cpuMode: 'host-passthrough',
      hostDevices: 2,
      agent: 'disconnected',
    });
    expect(domain.disks).toMatchObject([
      {
        target: 'vda',
        source: '/img/a.s1.vda.qcow2',
        backing: ['/img/a.qcow2', '/img/golden.qcow2'],
        mirror: { job: 'active-commit', ready: true },
        cache: 'none',
        format: 'qcow2',
      },
      { target: 'vdb', source: 'rbd://mon1:6789/pool/img', format: 'raw', mirror: undefined },
      { target: 'sda', source: undefined, readonly: true },
      { target: 'sdb', source: '/iso/x.iso', readonly: true },
    ]);
    expect(writableDisks(domain).map(disk => disk.target)).toEqual(['vda', 'vdb']);
    expect(domain.nics.slice(1)).toEqual([
      { mac: '52:54:00:0a:0b:0c', network: 'lan', model: 'virtio' },
      { mac: '52:54:00:0a:0b:0d' },
    ]);
  });
  test('may have nothing in it', () => {
    expect(parseDomain('<domain type="test"><name>t</name></domain>')).toMatchObject({
      name: 't',
      disks: [],
      agent: 'none',
      vcpus: 1,
    });
    expect(() => parseDomain('<network/>')).toThrow(/domain/);
  });
  test('takes any text that is put into it', () => {
    const text = `a'b"c<d>&e ]]> é`;
    expect(attribute(parseXml(`<x y='${escapeXml(text)}'/>`, 'x'), 'y')).toBe(text);
  });
});

test('an overlay’s name tells image, snapshot and disk, and stays in the folder', () => {
  expect(overlayPath('/img/web1.qcow2', 'before-patch', 'vda')).toBe('/img/web1.before-patch.vda.qcow2');
  expect(overlayPath('/img/web1.qcow2', '../x y', 'vda')).toBe('/img/web1...%2fx%20y.vda.qcow2');
});
