import { copyFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DomainSetting } from './domain-xml';
import type { Host } from './host';
import { type ExecResult, until } from './processes';

/** A VM of the lab, wherever it is now: it is looked for, since the product under test moves it. */
export class Vm {
  readonly name: string;

  constructor(
    readonly setting: DomainSetting,
    /** The host it was made on. */
    readonly home: Host,
    private readonly hosts: readonly Host[],
  ) {
    this.name = setting.name;
  }

  /** Address of this machine that leads to the guest, for a VM made with `net`. */
  get address(): string | undefined {
    return this.setting.net?.address;
  }

  /** The port on `address` that leads to the guest's port, e.g. 22 or 80. */
  port(guest: number): number {
    const found = this.setting.net?.ports.find(port => port.guest === guest);
    if (!found) throw new Error(`${this.name} has no forward to its port ${guest}: make it with net`);
    return found.outside;
  }

  /** The host it runs on, or else is defined on; undefined when no host knows it. */
  async host(): Promise<Host | undefined> {
    const up = this.hosts.filter(host => host.pid !== undefined);
    const states = await Promise.all(up.map(async host => ({ host, state: await this.stateOn(host) })));
    return (states.find(one => one.state === 'running') ?? states.find(one => one.state !== undefined))?.host;
  }

  /** virsh's word for its state where it is, e.g. `running`, `shut off`, `paused`; undefined when no host knows it. */
  async state(): Promise<string | undefined> {
    const host = await this.host();
    return host && this.stateOn(host);
  }

  async start(): Promise<void> {
    await (await this.whereabouts()).virsh(['start', this.name]);
  }

  /** Ends QEMU without a word to the guest. */
  async powerOff(): Promise<void> {
    await (await this.whereabouts()).virsh(['destroy', this.name]);
  }

  /** Kills QEMU behind libvirt's back. */
  async killQemu(): Promise<void> {
    const host = await this.whereabouts();
    const killed = await host.exec(['sh', '-c', `kill -9 "$(cat /run/libvirt/qemu/${this.name}.pid)"`]);
    if (killed.code !== 0) throw new Error(`QEMU of ${this.name}: ${killed.stderr.trim()}`);
  }

  /** Waits until the agent answers; says the seconds it took. */
  async waitAgent(timeoutMs = 90_000): Promise<number> {
    const begun = Date.now();
    let host = await this.whereabouts();
    await until(`the agent of ${this.name}`, timeoutMs, async () => {
      const pinged = await host.tryVirsh([
        'qemu-agent-command',
        '--timeout',
        '2',
        this.name,
        '{"execute":"guest-ping"}',
      ]);
      if (pinged.code === 0) return true;
      host = await this.whereabouts();
      return undefined;
    });
    return (Date.now() - begun) / 1000;
  }

  /** Runs a shell line in the guest through its agent: what tests believe, independent of the product. */
  async guestExec(shell: string, timeoutMs = 60_000): Promise<ExecResult> {
    const host = await this.whereabouts();
    const started = await this.agent(host, 'guest-exec', {
      path: '/bin/sh',
      arg: ['-c', shell],
      'capture-output': true,
    });
    const pid = Number(started.pid);
    return until(`the end of \`${shell}\` in ${this.name}`, timeoutMs, async () => {
      const status = await this.agent(host, 'guest-exec-status', { pid });
      if (status.exited !== true) return undefined;
      const text = (value: unknown) => Buffer.from(typeof value === 'string' ? value : '', 'base64').toString('utf8');
      const code = typeof status.exitcode === 'number' ? status.exitcode : 128 + Number(status.signal ?? 0);
      return { code, stdout: text(status['out-data']), stderr: text(status['err-data']) };
    });
  }

  /** Stops the agent as a hung one is: the channel is open, nothing answers. It goes on after `seconds`, if given. */
  async hangAgent(seconds?: number): Promise<void> {
    const release = seconds === undefined ? '' : `; sleep ${seconds}; killall -CONT qemu-ga`;
    await this.guestExec(`(sleep 0.3; killall -STOP qemu-ga${release}) >/dev/null 2>&1 &`);
    await sleep(800);
  }

  /** Starts `writer`, which appends a counter to /data/seq every 20 ms. */
  async startWriter(): Promise<void> {
    await this.guestExec('setsid writer >/dev/null 2>&1 &');
  }

  /** The counters of /data/seq, in the order written. */
  async writtenCounters(): Promise<number[]> {
    const seq = await this.guestExec("cut -d' ' -f1 /data/seq");
    if (seq.code !== 0) throw new Error(`/data/seq of ${this.name}: ${seq.stderr.trim()}`);
    return seq.stdout.trim().split('\n').map(Number);
  }

  /** Ends and undefines it on every host, with snapshots, checkpoints, saved memory and its files in the pools. */
  async removeEverything(): Promise<void> {
    const up = this.hosts.filter(host => host.pid !== undefined);
    for (const host of up) {
      if ((await this.stateOn(host)) === undefined) continue;
      await host.tryVirsh(['destroy', this.name]);
      await host.virsh([
        'undefine',
        this.name,
        '--managed-save',
        '--snapshots-metadata',
        '--checkpoints-metadata',
        '--nvram',
      ]);
    }
    for (const host of this.hosts) {
      for (const pool of ['images', 'shared'] as const) {
        const folder = host.poolDirectory(pool);
        const own = readdirSync(folder).filter(
          file => file.startsWith(`${this.name}.`) || file.startsWith(`${this.name}-`),
        );
        for (const file of own) rmSync(join(folder, file), { force: true });
      }
    }
    for (const host of up) for (const pool of ['images', 'shared']) await host.tryVirsh(['pool-refresh', pool]);
  }

  /** State on one host; undefined when that host does not know it. */
  async stateOn(host: Host): Promise<string | undefined> {
    const asked = await host.tryVirsh(['domstate', this.name]);
    return asked.code === 0 ? asked.stdout.trim() : undefined;
  }

  private async whereabouts(): Promise<Host> {
    const host = await this.host();
    if (!host) throw new Error(`No host of the lab knows the VM ${this.name}`);
    return host;
  }

  private async agent(host: Host, execute: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
    const command = JSON.stringify({ execute, arguments: args });
    const answer: unknown = JSON.parse(await host.virsh(['qemu-agent-command', '--timeout', '10', this.name, command]));
    const value = isRecord(answer) ? answer.return : undefined;
    if (!isRecord(value))
      throw new Error(`The agent of ${this.name} answered ${execute} with ${JSON.stringify(answer)}`);
    return value;
  }
}

/** Puts a fresh copy of a guest's disk where the VM expects it. */
export function placeDisk(image: string, host: Host, pool: 'images' | 'shared', file: string): void {
  copyFileSync(image, join(host.poolDirectory(pool), file));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
