import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { debianGuest } from './debian-guest';
import { domainXml } from './domain-xml';
import { labKey, labSources } from './guest-cache';
import { Host, type HostName } from './host';
import { ensurePackages } from './packages';
import { address, claimSlot, freeSshPort } from './slots';
import { takeFolder, tearDown, writeRecord } from './teardown';
import { tinyGuest } from './tiny-guest';
import { placeDisk, Vm } from './vm';
import { watchOver } from './watchdog';

export type { Host, HostName, PoolName } from './host';
export type { ExecResult } from './processes';
export type { Vm } from './vm';

export interface LabOptions {
  /** Default: both. */
  hosts?: readonly ('hv1' | 'hv2')[];
  /** Whether to start px1 too. */
  proxy?: boolean;
  /** The lab's own folder, made here and removed with the lab. Default: a new one below the system's temporary folder. */
  dir?: string;
  /** Takes the addresses 127.0.0.x when they are free: for the lab started by hand. */
  firstSlot?: boolean;
  say?: (line: string) => void;
}

export interface VmOptions {
  name: string;
  guest: 'tiny' | 'debian';
  pool: 'shared' | 'images';
  host: 'hv1' | 'hv2';
  /** Default: 112 for tiny, 256 for debian. */
  memoryMiB?: number;
  /** Makes the guest reachable at `vm.address` (ports 22 and 80). Such a VM cannot be migrated: QEMU on the target cannot have the same port. */
  net?: boolean;
  /** Default true. */
  start?: boolean;
  /** What the generated inventory says of it. */
  owner?: string;
  tags?: readonly string[];
}

/** A running lab. `destroy` it; a process that dies without takes its lab with it all the same. */
export interface Lab {
  /** Its folder: ssh_config, known_hosts, id_ed25519, lab.inventory.yaml, shared/, hosts/. */
  readonly dir: string;
  /** OpenSSH client configuration with hv1, hv2, px1 and the VMs made with `net`. */
  readonly sshConfig: string;
  readonly inventory: string;
  readonly sshPort: number;
  readonly hosts: readonly Host[];
  /** Throws when the lab has no such host. */
  host(name: HostName): Host;
  /** Makes a VM, starts it and waits for its agent, unless told not to start it. */
  makeVm(options: VmOptions): Promise<Vm>;
  /** Lets the lab outlive this process; until then it ends with it. */
  keep(): void;
  destroy(): Promise<void>;
}

/** Installs what is missing, builds guests that are not in the cache, and starts hosts. Takes about a second when all is there. */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  const say = options.say ?? (() => undefined);
  await ensurePackages(say);
  const boot = await tinyGuest();
  const dir = options.dir ? resolve(options.dir) : mkdtempSync(join(tmpdir(), 'virtbook-lab-'));
  // 108 bytes is the longest path of a unix socket; libvirt's is the longest below.
  if (`${dir}/hosts/hv1/run/libvirt-sock-ro`.length > 107)
    throw new Error(
      `${dir} is too long a path for a lab: its sockets would not fit. Set VIRTBOOK_LAB to a shorter one.`,
    );
  await takeFolder(dir);
  const slot = claimSlot(dir, options.firstSlot ? 0 : 1);
  writeRecord(dir, { slot });
  const lab = new RunningLab(dir, slot, boot, await freeSshPort(address(slot, 11)));
  try {
    lab.watch();
    await lab.start([...(options.hosts ?? (['hv1', 'hv2'] as const)), ...(options.proxy ? (['px1'] as const) : [])]);
    return lab;
  } catch (error) {
    await lab.destroy();
    throw error;
  }
}

/** Ends a lab and removes all of it. */
export function destroyLab(lab: Lab): Promise<void> {
  return lab.destroy();
}

const lastByte: Record<HostName, number> = { hv1: 11, hv2: 12, px1: 13 };
const firstGuest = 21;

class RunningLab implements Lab {
  readonly sshConfig: string;
  readonly inventory: string;
  hosts: readonly Host[] = [];
  private readonly vms: { vm: Vm; options: VmOptions }[] = [];
  /** Addresses are not given twice. */
  private made = 0;
  private releaseWatchdog: () => void = () => undefined;

  constructor(
    readonly dir: string,
    private readonly slot: number,
    private readonly boot: string,
    readonly sshPort: number,
  ) {
    this.sshConfig = join(dir, 'ssh_config');
    this.inventory = join(dir, 'lab.inventory.yaml');
  }

  watch(): void {
    this.releaseWatchdog = watchOver(this.dir);
  }

  async start(names: readonly HostName[]): Promise<void> {
    mkdirSync(join(this.dir, 'shared'), { recursive: true });
    const key = join(this.dir, 'id_ed25519');
    copyFileSync(await labKey(), key);
    copyFileSync(`${await labKey()}.pub`, `${key}.pub`);
    chmodSync(key, 0o600);
    const peers = names.map(name => ({ name, address: address(this.slot, lastByte[name]) }));
    const setting = { directory: this.dir, slot: this.slot, sshPort: this.sshPort, key, boot: this.boot, peers };
    this.hosts = names.map(name => new Host(name, setting));
    await Promise.all(this.hosts.map(host => host.prepare()));
    this.writeSshFiles();
    for (const host of this.hosts) host.trust(readFileSync(join(this.dir, 'known_hosts'), 'utf8'));
    this.writeInventory();
    await Promise.all(this.hosts.map(host => host.start()));
  }

  host(name: HostName): Host {
    const found = this.hosts.find(host => host.name === name);
    if (!found) throw new Error(`This lab was started without ${name}`);
    return found;
  }

  async makeVm(options: VmOptions): Promise<Vm> {
    const host = this.host(options.host);
    const image = options.guest === 'tiny' ? this.boot : await debianGuest();
    placeDisk(join(image, 'disk.qcow2'), host, options.pool, `${options.name}.qcow2`);
    const ports = [
      { outside: this.sshPort, guest: 22 },
      { outside: 80, guest: 80 },
    ];
    const vm = new Vm(
      {
        name: options.name,
        guest: options.guest,
        disk: `/var/lib/libvirt/${options.pool}/${options.name}.qcow2`,
        memoryMiB: options.memoryMiB ?? (options.guest === 'tiny' ? 112 : 256),
        ...(options.net ? { net: { address: address(this.slot, firstGuest + this.made++), ports } } : {}),
      },
      host,
      this.hosts.filter(one => one.kind === 'hypervisor'),
    );
    // One that was removed may come again under its name.
    const former = this.vms.findIndex(one => one.vm.name === options.name);
    if (former >= 0) this.vms.splice(former, 1);
    this.vms.push({ vm, options });
    this.writeSshFiles();
    this.writeInventory();
    await host.virsh(['pool-refresh', options.pool]);
    const definition = join(this.dir, `${options.name}.xml`);
    writeFileSync(definition, domainXml(vm.setting));
    await host.virsh(['define', definition]);
    if (options.start !== false) {
      await vm.start();
      await vm.waitAgent();
    }
    return vm;
  }

  keep(): void {
    this.releaseWatchdog();
  }

  async destroy(): Promise<void> {
    await tearDown(this.dir);
    this.releaseWatchdog();
  }

  private writeSshFiles(): void {
    const guests = this.vms
      .filter(({ vm }) => vm.address !== undefined)
      .map(({ vm }) => ({ name: vm.name, address: vm.address! }));
    const all = [...this.hosts.map(host => ({ name: host.name as string, address: host.address })), ...guests];
    const entries = all.map(one => `Host ${one.name}\n  HostName ${one.address}\n`);
    const common = `Host *
  User root
  Port ${this.sshPort}
  IdentityFile "${this.dir}/id_ed25519"
  IdentitiesOnly yes
  UserKnownHostsFile "${this.dir}/known_hosts"
  StrictHostKeyChecking yes
`;
    writeFileSync(this.sshConfig, [...entries, common].join('\n'));
    const guestKey = readFileSync(join(this.boot, 'host_key.pub'), 'utf8').trim();
    const lines = this.hosts.map(host => host.hostKeyLine);
    for (const guest of guests) {
      const name = (one: string) => (this.sshPort === 22 ? one : `[${one}]:${this.sshPort}`);
      lines.push(`${name(guest.address)},${name(guest.name)} ${guestKey}`);
    }
    writeFileSync(join(this.dir, 'known_hosts'), `${lines.join('\n')}\n`);
  }

  private writeInventory(): void {
    const lines = ['# Written by the lab; goes away with it.', 'version: 1', 'connections:'];
    for (const host of this.hosts.filter(one => one.kind === 'hypervisor'))
      lines.push(`  ${host.name}: { type: libvirt, uri: "qemu+ssh://${host.name}/system", sshConfig: ./ssh_config }`);
    if (this.hosts.some(host => host.kind === 'proxy'))
      lines.push('proxies:', '  px1: { ssh: px1, sshConfig: ./ssh_config, directory: /var/lib/virtbook/backups }');
    if (this.vms.length > 0) lines.push('vms:');
    for (const { vm, options } of this.vms) {
      const facts = [`owner: ${options.owner ?? 'lab'}`, `tags: [${(options.tags ?? ['lab']).join(', ')}]`];
      if (vm.address) facts.push(`ssh: ${vm.name}`, 'sshConfig: ./ssh_config', `address: ${vm.address}`);
      lines.push(`  ${vm.name}: { ${facts.join(', ')} }`);
    }
    writeFileSync(this.inventory, `${lines.join('\n')}\n`);
  }
}

/** The folder of the lab that is started by hand: VIRTBOOK_LAB, or .lab in the repository. */
export function handLabDirectory(): string {
  return resolve(process.env.VIRTBOOK_LAB || join(labSources, '..', '..', '.lab'));
}

/** True when a lab was started in the folder and not taken down. */
export function hasLab(dir: string): boolean {
  return existsSync(join(dir, 'lab.json'));
}
