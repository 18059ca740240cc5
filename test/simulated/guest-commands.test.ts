import { describe, expect, test } from 'vitest';
import { runInGuest } from '../../src/hypervisors/simulated/guest-commands';
import type { GuestMachine } from '../../src/hypervisors/simulated/guest-machine';
import { parseLabFile } from '../../src/hypervisors/simulated/lab-file';

const lab = parseLabFile(`version: 1
hosts: { hv1: { cpus: 1, memoryMiB: 512 } }
datastores: { d: { capacityGiB: 1, hosts: [hv1] } }
repositories:
  main:
    nginx: ["1.0", "1.1"]
    kernel: ["6.0", { version: "6.1", rebootRequired: true }]
    shaky: ["1.0", { version: "1.2", postinst: fails }]
    sly: ["1", { version: "2", breaksService: web }]
vms:
  v:
    host: hv1
    memoryMiB: 1
    disks: [{ datastore: d, capacityGiB: 1 }]
    guest:
      repository: main
      packages: { nginx: "1.0", kernel: "6.0" }
      services: { web: active }
      files: { /etc/motd: "hello\\n" }
`);
const fresh: GuestMachine = { name: 'v', guest: lab.vms[0]!.guest, repository: lab.repositories.main, stdin: '' };
const withPackage = (name: string, version: string): GuestMachine => ({
  ...fresh,
  guest: { ...fresh.guest, packages: { ...fresh.guest.packages, [name]: { version, status: 'installed' } } },
});
const run = (argv: string[], machine = fresh) => runInGuest(machine, argv);

describe('a simulated guest', () => {
  test('a command that it does not have ends with 127, as in a shell', () => {
    expect(run(['frobnicate']).result).toMatchObject({ code: 127 });
    expect(run(['sh', '-c', 'for x in *; do echo $x; done']).result.code).toBe(127);
  });
  test('only looking leaves the very same guest', () => {
    for (const argv of [
      ['cat', '/etc/motd'],
      ['dpkg-query', '-W'],
      ['apt-get', '-s', 'upgrade'],
      ['systemctl', 'is-active', 'web'],
    ]) {
      expect(run(argv).guest).toBe(fresh.guest);
    }
  });
  test('files: read, write, test, remove', () => {
    expect(run(['cat', '/etc/motd']).result.stdout).toBe('hello\n');
    expect(run(['cat', '/none']).result).toMatchObject({ code: 1, stderr: 'cat: /none: No such file or directory\n' });
    const written = run(['tee', '/a'], { ...fresh, stdin: 'x' }).guest;
    expect(written.files['/a']).toBe('x');
    expect(run(['test', '-e', '/a'], { ...fresh, guest: written }).result.code).toBe(0);
    expect(run(['test', '-e', '/a']).result.code).toBe(1);
    expect(run(['rm', '/a'], { ...fresh, guest: written }).guest.files).toEqual(fresh.guest.files);
    expect(run(['rm', '/a']).result.code).toBe(1);
    expect(run(['rm', '-f', '/a']).result.code).toBe(0);
  });
  test('sh -c runs simple scripts and stops at && after a failure', () => {
    const { result, guest } = run(['sh', '-c', "echo 'a  b' > /s; echo c >> /s && false && echo no > /t"]);
    expect(result.code).toBe(1);
    expect(guest.files['/s']).toBe('a  b\nc\n');
    expect(guest.files['/t']).toBeUndefined();
    expect(run(['sh', '-c', 'exit 7']).result.code).toBe(7);
  });
  test('systemctl tells and changes states', () => {
    expect(run(['systemctl', 'is-active', 'web', 'none']).result).toMatchObject({
      code: 3,
      stdout: 'active\ninactive\n',
    });
    expect(run(['systemctl', 'stop', 'web']).guest.services.web).toBe('inactive');
    expect(run(['systemctl', 'start', 'none']).result.code).toBe(5);
  });
  test('apt-get upgrade installs the newest versions and asks for a reboot where needed', () => {
    const { result, guest } = run(['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-y', 'upgrade']);
    expect(result.code).toBe(0);
    expect(guest.packages).toEqual({
      nginx: { version: '1.1', status: 'installed' },
      kernel: { version: '6.1', status: 'installed' },
    });
    expect(guest.files['/run/reboot-required']).toBeDefined();
    expect(run(['apt-get', '-s', 'upgrade'], { ...fresh, guest }).result.stdout).not.toContain('Inst ');
  });
  test('a failing postinst ends with 100 and leaves the package half configured, until an older version is installed', () => {
    const machine = withPackage('shaky', '1.0');
    const { result, guest } = run(['apt-get', '-y', 'install', '--only-upgrade', 'shaky'], machine);
    expect(result).toMatchObject({ code: 100, stderr: expect.stringContaining('post-installation script') });
    expect(guest.packages.shaky).toEqual({ version: '1.2', status: 'half-configured' });
    const broken = { ...fresh, guest };
    expect(run(['dpkg', '--audit'], broken).result.stdout).toContain('shaky');
    expect(run(['dpkg', '--configure', '-a'], broken).result.code).toBe(1);
    expect(run(['apt-get', '-y', 'upgrade'], broken).result.stderr).toContain('dpkg --configure -a');
    expect(run(['apt-get', '-y', 'install', 'shaky=1.0'], broken).result.code).toBe(100);
    const healed = run(['apt-get', '-y', 'install', '--allow-downgrades', 'shaky=1.0'], broken);
    expect(healed.guest).toEqual(machine.guest);
  });
  test('an upgrade that apt is content with may still break a service', () => {
    const { result, guest } = run(['apt-get', '-y', 'upgrade'], withPackage('sly', '1'));
    expect(result.code).toBe(0);
    expect(guest.services.web).toBe('failed');
  });
  test('what the repository has not, can not be installed; --only-upgrade installs nothing new', () => {
    expect(run(['apt-get', 'install', 'nothing']).result).toMatchObject({
      code: 100,
      stderr: 'E: Unable to locate package nothing\n',
    });
    expect(run(['apt-get', 'install', 'nginx=9']).result.stderr).toContain("Version '9' for 'nginx' was not found");
    expect(run(['apt-get', 'install', '--only-upgrade', 'shaky']).guest).toBe(fresh.guest);
    expect(run(['apt-get', 'update'], { ...fresh, repository: undefined }).result.code).toBe(100);
  });
  test('dpkg-query prints in the given format', () => {
    expect(
      run(['dpkg-query', '-W', '-f', '${binary:Package}\\t${Version}\\t${db:Status-Abbrev}\\n', 'nginx']).result.stdout,
    ).toBe('nginx\t1.0\tii \n');
    expect(run(['dpkg-query', '-W', 'none']).result.code).toBe(1);
  });
});
