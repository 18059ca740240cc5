import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFan } from './fan';
import { labSources } from './guest-cache';
import { type Lab, startLab, type Vm } from './lab';
import { must, run, runningMembers, until } from './processes';
import { fillTestDriver } from './test-driver';

/** What is left of labs on this machine that belongs to the one in `dir`. */
async function leftovers(dir: string, marks: readonly string[]): Promise<string[]> {
  const left: string[] = [];
  if (existsSync(dir)) left.push(dir);
  for (const [name, pid] of runningMembers(dir)) left.push(`${name} runs as ${pid}`);
  const mounts = await must('cat', ['/proc/self/mounts']);
  if (mounts.includes(dir)) left.push('mounts');
  const rules = (await run('iptables', ['-w', '-S', 'INPUT'])).stdout;
  const groups = await must('find', ['/sys/fs/cgroup', '-maxdepth', '2', '-name', 'virtbook-lab-*']);
  for (const mark of marks) {
    if (rules.includes(mark)) left.push(`packet filter rule of ${mark}`);
    if (groups.includes(mark)) left.push(`control group ${mark}`);
  }
  return left;
}

/** The marks of a lab's hosts in control groups and packet filter rules, from the addresses it was given. */
function marksOf(lab: Lab): string[] {
  return lab.hosts.map(host => {
    const block = Number(host.address.split('.')[2]);
    return `virtbook-lab-${block === 0 ? 0 : block - 10}-${host.name}`;
  });
}

describe('the lab', () => {
  let lab: Lab;
  let vm: Vm;

  beforeAll(async () => {
    lab = await startLab({ proxy: true });
    vm = await lab.makeVm({ name: 'web1', guest: 'tiny', pool: 'shared', host: 'hv1' });
  });

  afterAll(async () => {
    await lab?.destroy();
  });

  it('has hosts that are reached by ssh, and that reach each other', async () => {
    const ssh = (...argv: string[]) => must('ssh', ['-F', lab.sshConfig, ...argv]);
    expect(await ssh('hv1', 'hostname', '-f')).toBe('hv1.lab\n');
    expect(await ssh('px1', 'ssh', 'hv2', 'hostname')).toBe('hv2\n');
    const pools = await lab.host('hv2').virsh(['pool-list', '--name']);
    expect(pools.trim().split(/\s+/).sort()).toEqual(['images', 'shared', 'small']);
  });

  it('runs a VM whose agent answers', async () => {
    expect(await vm.guestExec('hostname; echo trouble >&2; exit 3')).toEqual({
      code: 3,
      stdout: 'web1\n',
      stderr: 'trouble\n',
    });
    expect((await vm.host())?.name).toBe('hv1');
  });

  it('migrates it live there and back while it writes', async () => {
    await vm.startWriter();
    const live = ['--live', '--unsafe', '--persistent', '--undefinesource', '--desturi'];
    await lab.host('hv1').virsh(['migrate', 'web1', ...live, lab.host('hv2').uri]);
    expect((await vm.host())?.name).toBe('hv2');
    // By the source host itself over ssh, so that the hosts' trust in each other is used too.
    await lab.host('hv2').virsh(['migrate', 'web1', '--p2p', ...live, 'qemu+ssh://hv1/system']);
    expect((await vm.host())?.name).toBe('hv1');
    await vm.guestExec('killall writer');
    const counters = await vm.writtenCounters();
    expect(counters.length).toBeGreaterThan(10);
    expect(counters).toEqual(counters.map((_, index) => index + 1));
  });

  it('goes back to a snapshot', async () => {
    const host = lab.host('hv1');
    await vm.guestExec('echo good > /data/state; sync');
    await host.virsh(['snapshot-create-as', 'web1', 'before']);
    await vm.guestExec('echo bad > /data/state; sync');
    await host.virsh(['snapshot-revert', 'web1', 'before']);
    await vm.waitAgent();
    expect((await vm.guestExec('cat /data/state')).stdout).toBe('good\n');
    await host.virsh(['snapshot-delete', 'web1', 'before']);
  });

  it('hangs an agent and lets it go on', async () => {
    await vm.hangAgent(3);
    const ping = await lab
      .host('hv1')
      .tryVirsh(['qemu-agent-command', '--timeout', '1', 'web1', '{"execute":"guest-ping"}']);
    expect(ping.code).not.toBe(0);
    await vm.waitAgent();
  });

  it('keeps guests running while libvirtd is gone', async () => {
    const host = lab.host('hv1');
    await host.killLibvirtd();
    expect((await host.tryVirsh(['list'])).code).not.toBe(0);
    await host.startLibvirtd();
    expect(await vm.state()).toBe('running');
  });

  it('fills a datastore and cuts a network', async () => {
    const host = lab.host('hv2');
    const free = async () =>
      Number(/Available:\s+(\S+)/.exec(await host.virsh(['pool-info', 'small', '--bytes']))?.[1]);
    await host.fillDatastore();
    expect(await free()).toBe(0);
    await host.emptyDatastore();
    expect(await free()).toBeGreaterThan(0);
    const ask = () => run('ssh', ['-F', lab.sshConfig, '-o', 'ConnectTimeout=1', 'hv2', 'true']);
    await host.cutNetwork();
    expect((await ask()).code).toBe(255);
    await host.restoreNetwork();
    expect((await ask()).code).toBe(0);
  });

  it('reaches a guest made with net by ssh and http', async () => {
    const other = await lab.makeVm({ name: 'net1', guest: 'tiny', pool: 'images', host: 'hv2', net: true });
    expect(await must('ssh', ['-F', lab.sshConfig, 'net1', 'hostname'])).toBe('net1\n');
    expect(await (await fetch(`http://${other.address}:${other.port(80)}/`)).text()).toBe('ok\n');
    await other.removeEverything();
    expect(await other.state()).toBeUndefined();
    expect(readdirSync(lab.host('hv2').poolDirectory('images'))).toEqual([]);
  });

  it("gives libvirt's test driver many domains, seen over ssh", async () => {
    const filled = await fillTestDriver(lab.host('hv2'), 50);
    try {
      const list = ['virsh', '-q', '-c', 'test+unix:///default', 'list', '--name', '--state-running'];
      const held = await must('ssh', ['-F', lab.sshConfig, 'hv2', ...list]);
      expect(held.trim().split('\n').sort()).toEqual(filled.names);
    } finally {
      await filled.close();
    }
  });

  it('loses a host at once, and starts it again with what was on its disks', async () => {
    const host = lab.host('hv1');
    await host.kill();
    expect(host.pid).toBeUndefined();
    await host.start();
    expect(await vm.state()).toBe('shut off');
  });

  it('leaves nothing when destroyed', async () => {
    await lab.host('hv2').cutNetwork();
    const marks = marksOf(lab);
    await lab.destroy();
    expect(await leftovers(lab.dir, marks)).toEqual([]);
  });
});

it('is gone when the process that started it is killed', async () => {
  const program = `require(${JSON.stringify(join(labSources, 'lab.ts'))}).startLab({ hosts: ['hv1'] }).then(lab => console.log(lab.dir));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--require', 'tsx/cjs', '-e', program], {
    cwd: labSources,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the process ended before its lab was up')));
  const [text] = (await Promise.race([once(child.stdout.setEncoding('utf8'), 'data'), ended])) as [string];
  ended.catch(() => undefined);
  const dir = text.trim();
  expect([...runningMembers(dir).keys()]).toEqual(['hv1']);
  child.kill('SIGKILL');
  await until(`the end of the lab in ${dir}`, 20_000, () => (existsSync(dir) ? undefined : true));
  expect(await leftovers(dir, [])).toEqual([]);
});

it('has a fan of sshd', async () => {
  const fan = await startFan({ count: 5 });
  try {
    expect(fan.members.map(member => member.address)).toEqual([1, 2, 3, 4, 5].map(last => `127.0.1.${last}`));
    expect(await must('ssh', ['-F', fan.sshConfig, 'h5', 'echo', 'here'])).toBe('here\n');
  } finally {
    await fan.destroy();
  }
  expect(await leftovers(fan.dir, [])).toEqual([]);
});
