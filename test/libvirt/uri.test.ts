import { describe, expect, test } from 'vitest';
import { HypervisorError } from '../../src/hypervisors/errors';
import { parseLibvirtUri } from '../../src/hypervisors/libvirt/uri';

describe('a libvirt URI', () => {
  test.each([
    ['qemu+ssh://root@hv1:2222/system', { driver: 'qemu', remoteUri: 'qemu:///system', ssh: 'root@hv1:2222' }],
    [
      'qemu+ssh://hv1/system?socket=/run/x%20y',
      { driver: 'qemu', remoteUri: 'qemu:///system', ssh: 'hv1', socket: '/run/x y' },
    ],
    ['qemu+ssh://[::1]:2222/system', { driver: 'qemu', remoteUri: 'qemu:///system', ssh: '[::1]:2222' }],
    ['qemu:///system', { driver: 'qemu', remoteUri: 'qemu:///system' }],
    ['qemu+unix:///system?socket=/tmp/s', { driver: 'qemu', remoteUri: 'qemu:///system', socket: '/tmp/s' }],
    ['test+ssh://hv1/default', { driver: 'test', remoteUri: 'test:///default', ssh: 'hv1' }],
    ['test:///default', { driver: 'test', remoteUri: 'test:///default' }],
  ])('%s is understood', (uri, parsed) => {
    expect(parseLibvirtUri(uri)).toEqual(parsed);
  });
  test.each([
    ['hv1', /does not look like/],
    ['xen+ssh://hv1/system', /driver "xen"/],
    ['qemu+tls://hv1/system', /transport "tls"/],
    ['qemu+ssh:///system', /names no host/],
    ['qemu://hv1/system', /write qemu\+ssh:\/\/hv1\/system/],
    ['qemu+ssh://hv1/session', /path must be \/system/],
    ['qemu+ssh://hv1/system?no_verify=1', /"no_verify" is not supported/],
  ])('%s is refused with a reason', (uri, why) => {
    expect(() => parseLibvirtUri(uri)).toThrow(why);
    expect(() => parseLibvirtUri(uri)).toThrow(HypervisorError);
  });
});
