import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadRunbook, planOf } from '../../src/cli/load';
import type { Plan } from '../../src/engine/plan';
import type { SimulatedInventory } from '../../src/inventory/simulated-inventory';
import { copyFromFile } from '../../src/runner/rehearsal-copy';
import { openRuns } from '../../src/runner/runs';
import type { Host } from './host';
import { type Lab, startLab, type Vm } from './lab';
import { must, until } from './processes';
import { Virtbook } from './virtbook';

/** One VM as other means than the product see it. */
export interface SeenVm {
  /** Every host that knows it, with its state there. */
  on: string[];
  snapshots: string[];
  /** Images from the top one down. */
  disks: string[];
  job: string;
  /** What the agent says of its file systems; `off` for a VM that does not run. */
  guest: string;
  /** The package that is patched, where there is one. */
  labapp: string;
}

/** All that a run could change or leave behind. */
export interface SeenWorld {
  vms: Record<string, SeenVm>;
  /** Files in the pools of the hosts, and whatever else there has the product's name. */
  files: Record<string, string[]>;
  backups: string[];
  /** Programs that a run starts on the hosts. */
  programs: string[];
}

const backups = '/var/lib/virtbook/backups';
const labappVersion = "dpkg-query -W -f '${Version} ${db:Status-Status}' labapp";

/** Two hosts and a proxy with the VMs that faults strike, and the faults. */
export class FaultWorld {
  readonly vms = new Map<string, Vm>();

  private constructor(
    readonly lab: Lab,
    readonly virtbook: Virtbook,
  ) {}

  static async start(): Promise<FaultWorld> {
    const lab = await startLab({ proxy: true });
    try {
      await prepareProxy(lab.host('px1'));
      return new FaultWorld(lab, new Virtbook(lab));
    } catch (error) {
      await lab.destroy();
      throw error;
    }
  }

  async stop(): Promise<void> {
    try {
      for (const host of this.lab.hosts) await host.restoreNetwork();
      await this.virtbook.close();
    } finally {
      await this.lab.destroy();
    }
  }

  get source(): Host {
    return this.lab.host('hv1');
  }

  get target(): Host {
    return this.lab.host('hv2');
  }

  get proxy(): Host {
    return this.lab.host('px1');
  }

  /** On hv1. `small`: in the pool that can be filled, of so many MiB; the image of Debian would not fit, and is only seen there: what the guest itself writes finds room. */
  async makeVm(options: { name: string; guest: 'tiny' | 'debian'; pool: 'shared' | { small: number } }): Promise<Vm> {
    const { name, guest, pool } = options;
    const { source, lab } = this;
    const vm = await lab.makeVm({
      name,
      guest,
      pool: pool === 'shared' ? pool : 'images',
      host: 'hv1',
      start: pool === 'shared',
    });
    this.vms.set(name, vm);
    // A connection that is cut is to be noticed soon.
    appendFileSync(lab.sshConfig, '  ServerAliveInterval 2\n  ServerAliveCountMax 3\n');
    if (pool === 'shared') return vm;
    for (const host of [this.source, this.target]) {
      const resized = await host.exec(['mount', '-o', `remount,size=${pool.small}m`, '/var/lib/libvirt/small']);
      if (resized.code !== 0) throw new Error(resized.stderr);
    }
    const image = `/var/lib/libvirt/images/${name}.qcow2`;
    const place = `/var/lib/libvirt/small/${name}.qcow2`;
    const placed = await source.exec(
      guest === 'tiny' ? ['mv', image, place] : ['sh', '-c', `touch ${place} && mount --bind ${image} ${place}`],
    );
    if (placed.code !== 0) throw new Error(placed.stderr);
    const xml = (await source.virsh(['dumpxml', name])).replace(image, place);
    const definition = join(lab.dir, `${name}.xml`);
    writeFileSync(definition, xml);
    await source.virsh(['define', definition]);
    for (const one of ['images', 'small']) await source.virsh(['pool-refresh', one]);
    await vm.start();
    await vm.waitAgent();
    return vm;
  }

  /** The plan of a runbook, and the inventory as it is now as a simulated copy, by way of the file that the product writes. */
  async captured(runbook: string): Promise<{ plan: Plan; planHash: string; inventory: SimulatedInventory }> {
    const copy = join(this.lab.dir, 'captured.lab.yaml');
    const capture = await this.virtbook.command('inventory', this.lab.inventory, '--capture', copy);
    if (capture.code !== 0) throw new Error(`inventory --capture: ${capture.stdout}${capture.stderr}`);
    const loaded = await loadRunbook(runbook, () => undefined);
    const { plan, hash } = planOf(loaded, {});
    const { inventory } = await copyFromFile(copy, loaded.inventory!, plan);
    return { plan, planHash: hash, inventory };
  }

  /** What holds up the next freeze of the guest, as a slow hook of a database does: commands for its shell. Gives how to wait for that. */
  async holdFreeze(vm: Vm, commands: string): Promise<() => Promise<void>> {
    const token = `freezing-${Math.random().toString(36).slice(2)}`;
    const hook = ['#!/bin/sh', '[ "$1" = freeze ] && [ -e /run/hold ] || exit 0', '. /run/hold'].join('\n');
    const hold = ['rm /run/hold', `echo ${token} > /dev/ttyS0`, commands].join('\n');
    const written = await vm.guestExec(
      `echo '${hook}' > /etc/qemu/fsfreeze-hook && echo '${hold}' > /run/hold && sync && echo ok`,
    );
    if (written.stdout !== 'ok\n') throw new Error(`the hook of ${vm.name}: ${written.stderr}`);
    const log = join((await vm.host())!.directory, 'var-log/libvirt', `${vm.name}-serial.log`);
    return async () => {
      await until(`the freeze of ${vm.name}`, 60_000, () => readFileSync(log, 'latin1').includes(token) || undefined);
    };
  }

  /** Backups are read slowly from now on, or not any more. */
  async slowReader(slow: boolean): Promise<void> {
    await this.proxy.exec(slow ? ['touch', '/run/slow'] : ['rm', '-f', '/run/slow']);
  }

  /** Waits until a part of an image is on the proxy, and more is to come. */
  async reading(): Promise<void> {
    await until('the reading of an image', 60_000, async () => {
      const found = await this.proxy.exec(['find', backups, '-name', '*.partial', '-size', '+1M']);
      return found.stdout === '' ? undefined : true;
    });
  }

  /** Leaves no room below the folder of the backups. */
  async fillProxy(): Promise<void> {
    await this.proxy.exec(['sh', '-c', `cat /dev/zero > ${backups}/.filling`]);
  }

  async emptyProxy(): Promise<void> {
    await this.proxy.exec(['rm', '-f', `${backups}/.filling`]);
  }

  /** Down for a moment, or until `back`. */
  async restartLibvirtd(host: Host, back: () => Promise<unknown> = () => sleep(1500)): Promise<void> {
    await host.killLibvirtd();
    try {
      await back();
    } finally {
      await host.startLibvirtd();
    }
  }

  /** Until the run has noticed. */
  async cutFrom(run: string, host: Host): Promise<void> {
    const pid = this.runnerOf(run);
    if (!(await this.isConnected(pid, host))) throw new Error(`the runner of ${run} is not connected to ${host.name}`);
    await host.cutNetwork();
    try {
      await until(
        `the runner of ${run} gives up its connection to ${host.name}`,
        120_000,
        async () => ((await this.isConnected(pid, host)) ? undefined : true),
        200,
      );
    } finally {
      await host.restoreNetwork();
    }
  }

  private async isConnected(pid: number, host: Host): Promise<boolean> {
    const list = await must('ss', ['-tnpH', 'state', 'established', 'dst', host.address]);
    return list.includes(`pid=${pid},`);
  }

  private runnerOf(run: string): number {
    const started = this.virtbook.journal(run).findLast(record => record.type === 'run.started');
    if (started?.type !== 'run.started') throw new Error(`${run} was not started`);
    return started.pid;
  }

  /** Waits for the run's end and for its runner's. Answers what it asks with `rollback`; says whether it asked. */
  async end(run: string): Promise<{ asked: boolean }> {
    const runs = openRuns({ state: this.virtbook.state, runner: join(this.lab.dir, 'dist', 'runner.js') });
    const answered = new Set<string>();
    await until(`the end of ${run}`, 300_000, async () => {
      if (this.virtbook.end(run) !== undefined) return true;
      const records = this.virtbook.journal(run);
      const asked = records.findLast(record => record.type === 'question.asked');
      if (asked?.type !== 'question.asked' || answered.has(asked.id)) return undefined;
      const attached = await runs.attach(run, { name: 'a test' });
      await attached?.answer(asked.id, 'rollback');
      attached?.detach();
      answered.add(asked.id);
      return undefined;
    });
    await until(`the end of the runners`, 30_000, () => (this.runners().length === 0 ? true : undefined));
    return { asked: answered.size > 0 };
  }

  /** Processes of runs, of any of them. */
  private runners(): string[] {
    return readdirSync('/proc').filter(entry => {
      if (!/^\d+$/.test(entry)) return false;
      try {
        if (!readFileSync(`/proc/${entry}/environ`, 'latin1').includes(`VIRTBOOK_STATE=${this.virtbook.state}\0`))
          return false;
        return readFileSync(`/proc/${entry}/stat`, 'latin1').split(') ')[1]?.[0] !== 'Z';
      } catch {
        return false;
      }
    });
  }

  async look(): Promise<SeenWorld> {
    const each = async <T>(names: Iterable<[string, T]>, seen: (one: T) => Promise<unknown>) =>
      Object.fromEntries(await Promise.all([...names].map(async ([name, one]) => [name, await seen(one)])));
    const [vms, files] = await Promise.all([
      each(this.vms, vm => this.lookAt(vm)),
      each(
        [this.source, this.target].map(host => [host.name, host]),
        host => filesOf(host),
      ),
    ]);
    // The folder of a VM stays, for it may hold other backups.
    const found = await this.proxy.exec(['find', backups, '-mindepth', '2']);
    const loose = await this.proxy.exec(['find', backups, '-maxdepth', '1', '-type', 'f', '-not', '-name', '.filling']);
    const programs = await this.proxy.exec(['pgrep', '-a', 'qemu-img|dd']);
    return {
      vms,
      files,
      // Named by run and time.
      backups: lines(`${found.stdout}${loose.stdout}`.replace(/^.*\/[^/]+-\d{8}T\d{6}Z/gm, 'BACKUP')),
      programs: lines(programs.stdout),
    };
  }

  private async lookAt(vm: Vm): Promise<SeenVm> {
    const states = await Promise.all(
      [this.source, this.target].map(async host => ({ host, state: await vm.stateOn(host) })),
    );
    const known = states.filter(one => one.state !== undefined);
    const on = known.map(({ host, state }) => `${host.name}: ${state}`);
    const there = known.find(one => one.state === 'running') ?? known[0];
    if (!there) return { on, snapshots: [], disks: [], job: '', guest: '', labapp: '' };
    const { host, state } = there;
    const snapshots = lines(await host.virsh(['snapshot-list', vm.name, '--name']));
    const top = /(\/\S+)/.exec(await host.virsh(['domblklist', vm.name]))?.[1] ?? '';
    const chain = await host.exec(['qemu-img', 'info', '-U', '--backing-chain', '--output=json', top]);
    const disks = (JSON.parse(chain.stdout) as { filename: string }[]).map(one => one.filename);
    if (state !== 'running') return { on, snapshots, disks, job: '', guest: 'off', labapp: '' };
    const job = (await host.virsh(['domjobinfo', vm.name])).split('\n')[0]!.replace(/\s+/g, ' ').trim();
    await vm.waitAgent();
    const frozen = await host.virsh(['qemu-agent-command', vm.name, '{"execute":"guest-fsfreeze-status"}']);
    const guest = (JSON.parse(frozen) as { return: string }).return;
    const labapp = vm.setting.guest === 'debian' ? await vm.guestExec(labappVersion) : undefined;
    return { on, snapshots, disks, job, guest, labapp: labapp?.stdout.trim() ?? '' };
  }
}

function lines(text: string): string[] {
  return text.split('\n').filter(Boolean).sort();
}

/** In the pools, and whatever else has the product's name; a lock that is free is a file with an even number. */
async function filesOf(host: Host): Promise<string[]> {
  const pools = ['images', 'shared', 'small'].map(pool => `/var/lib/libvirt/${pool}`);
  const inPools = await host.exec(['find', ...pools, '-type', 'f', '-not', '-name', '.filling']);
  const ours = await host.exec(['find', '/var/lib/libvirt', '/run', '-name', '*virtbook*']);
  const locks = await host.exec(['find', '/var/lib/virtbook', '-path', '*/locks/*', '-name', '*[13579]']);
  return [...new Set(lines(`${inPools.stdout}${ours.stdout}${locks.stdout}`))];
}

/** A folder for backups that can be filled, and a qemu-img that reads 4 MiB/s as long as /run/slow is there: a middle to strike in. */
async function prepareProxy(proxy: Host): Promise<void> {
  const wrapper = `#!/bin/sh
[ "$1" = convert ] && [ -e /run/slow ] || exec /usr/bin/qemu-img "$@"
shift
exec /usr/bin/qemu-img convert -r 4194304 "$@"
`;
  const placed = await proxy.exec(
    [
      'sh',
      '-c',
      `mount -t tmpfs -o size=128m,mode=755 backups ${backups} && mount -t tmpfs -o mode=755 tools /usr/local/sbin && cat > /usr/local/sbin/qemu-img && chmod 755 /usr/local/sbin/qemu-img`,
    ],
    { input: wrapper },
  );
  if (placed.code !== 0) throw new Error(`px1: ${placed.stderr}`);
}
