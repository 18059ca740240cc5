import { randomUUID } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { makeCgroups, removeCgroups } from './cgroups';
import { labSources } from './guest-cache';
import { type ExecResult, killMember, must, run, runningMembers, startMember, until } from './processes';

export type HostName = 'hv1' | 'hv2' | 'px1';
export type PoolName = 'images' | 'shared' | 'small';

/** What every host of one lab is told about the lab. */
export interface HostSetting {
  directory: string;
  slot: number;
  sshPort: number;
  /** Private key of the lab. */
  key: string;
  /** Folder of vmlinuz, initramfs: the hosts' /var/lib/libvirt/boot. */
  boot: string;
  /** Every host of the lab, for names and host keys. */
  peers: readonly { name: HostName; address: string }[];
}

/**
 * One machine of the lab: namespaces with libvirtd, virtlogd and sshd of their own (the proxy: sshd only).
 * Its disks, definitions and log survive `kill` and are there again after `start`.
 */
export class Host {
  readonly kind: 'hypervisor' | 'proxy';
  readonly address: string;
  /** Where the host's private folders are on this machine. */
  readonly directory: string;
  /** libvirtd's socket, usable from outside of the host. */
  readonly socket: string;
  /** virsh's URI of this host without ssh. */
  readonly uri: string;
  private readonly cgroup: string;

  constructor(
    readonly name: HostName,
    private readonly setting: HostSetting,
  ) {
    this.kind = name === 'px1' ? 'proxy' : 'hypervisor';
    this.address = setting.peers.find(peer => peer.name === name)!.address;
    this.directory = join(setting.directory, 'hosts', name);
    this.socket = join(this.directory, 'run', 'libvirt-sock');
    this.uri = `qemu+unix:///system?socket=${this.socket}`;
    this.cgroup = `virtbook-lab-${setting.slot}-${name}`;
  }

  /** pid 1 of the host as this machine sees it; undefined when the host is down. */
  get pid(): number | undefined {
    return runningMembers(this.setting.directory).get(this.name);
  }

  /** Writes the host's files. Done once, before the first `start`. */
  async prepare(): Promise<void> {
    const folders =
      'run etc etc-libvirt/storage/autostart etc-ssh root/.ssh var-log/libvirt var-cache/libvirt var-lib/virtbook/backups';
    const pools =
      this.kind === 'hypervisor' ? ['images', 'shared', 'small', 'boot'].map(name => `var-lib/libvirt/${name}`) : [];
    for (const folder of [...folders.split(' '), ...pools])
      mkdirSync(join(this.directory, folder), { recursive: true });
    await must('ssh-keygen', [
      '-q',
      '-t',
      'ed25519',
      '-N',
      '',
      '-C',
      this.name,
      '-f',
      this.file('etc-ssh/ssh_host_ed25519_key'),
    ]);
    this.write('etc-ssh/sshd_config', sshdConfig(this.address, this.setting.sshPort));
    const names = this.setting.peers.map(peer => `${peer.address} ${peer.name}.lab ${peer.name}`);
    this.write('etc/hosts', ['127.0.0.1 localhost', ...names, ''].join('\n'));
    // Without a name service libvirtd waits five seconds for its own host name.
    this.write('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files\n');
    this.write('etc/passwd', withLine('/etc/passwd', 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin'));
    this.write('etc/group', withLine('/etc/group', 'libvirt-qemu:x:64055:'));
    copyFileSync(this.setting.key, this.file('root/.ssh/id_ed25519'));
    copyFileSync(`${this.setting.key}.pub`, this.file('root/.ssh/authorized_keys'));
    this.write(
      'root/.ssh/config',
      `Host *\n  User root\n  Port ${this.setting.sshPort}\n  BindAddress ${this.address}\n`,
    );
    if (this.kind === 'proxy') return;
    cpSync('/etc/libvirt', this.file('etc-libvirt'), {
      recursive: true,
      filter: source => !source.includes('/storage'),
    });
    const index = this.setting.slot * 4 + (this.name === 'hv2' ? 1 : 0);
    this.write('etc-libvirt/libvirtd.conf', libvirtdConfig());
    this.write('etc-libvirt/qemu.conf', qemuConfig(this.address, 49152 + index * 64));
    this.write('etc-libvirt/virtlogd.conf', 'log_outputs = "2:file:/var/log/libvirt/virtlogd.log"\n');
    this.write('etc-libvirt/libvirt.conf', 'uri_default = "qemu:///system"\n');
    for (const pool of ['images', 'shared', 'small'] as const) {
      this.write(`etc-libvirt/storage/${pool}.xml`, poolXml(pool));
      symlinkSync(`/etc/libvirt/storage/${pool}.xml`, this.file(`etc-libvirt/storage/autostart/${pool}.xml`));
    }
  }

  /** Tells the host the keys of all hosts. Every host must be prepared. */
  trust(knownHosts: string): void {
    this.write('root/.ssh/known_hosts', knownHosts);
  }

  /** This host's line for a known_hosts file. */
  get hostKeyLine(): string {
    const [type, key] = readFileSync(this.file('etc-ssh/ssh_host_ed25519_key.pub'), 'utf8').split(' ');
    const names = [this.address, this.name];
    const port = this.setting.sshPort;
    return `${names.map(name => (port === 22 ? name : `[${name}]:${port}`)).join(',')} ${type} ${key}`;
  }

  /** Boots the host and waits until sshd and libvirtd answer. */
  async start(): Promise<void> {
    if (this.pid !== undefined) throw new Error(`${this.name} is already up`);
    rmSync(this.file('run'), { recursive: true, force: true });
    mkdirSync(this.file('run'));
    const console = openSync(this.file('console.log'), 'a');
    try {
      startMember({
        directory: this.setting.directory,
        name: this.name,
        command: ['bash', join(labSources, 'host-init.sh')],
        env: {
          HOST_NAME: this.name,
          HOST_KIND: this.kind,
          HOST_DIR: this.directory,
          SHARED_DIR: join(this.setting.directory, 'shared'),
          BOOT_DIR: this.setting.boot,
        },
        output: console,
        cgroups: makeCgroups(this.cgroup),
      });
    } finally {
      closeSync(console);
    }
    try {
      if (this.kind === 'hypervisor') await this.untilLibvirtdAnswers();
      await until(`sshd of ${this.name}`, 20_000, () => canConnect({ host: this.address, port: this.setting.sshPort }));
    } catch (error) {
      throw new Error(`${this.name} did not come up: ${(error as Error).message}\n${this.consoleTail()}`);
    }
  }

  /** Crashes the host: everything on it ends at once, as when the power is cut. */
  async kill(): Promise<void> {
    const pid = this.pid;
    if (pid !== undefined) await killMember(pid);
    await removeCgroups(this.cgroup);
  }

  /** Runs a command on the host, in all of its namespaces. */
  exec(argv: readonly string[], options: { input?: string; timeoutMs?: number } = {}): Promise<ExecResult> {
    const pid = this.pid;
    if (pid === undefined) return Promise.reject(new Error(`${this.name} is down`));
    return run('nsenter', ['-t', String(pid), '-m', '-u', '-i', '-p', '-C', '--wd=/', '--', ...argv], options);
  }

  /** Runs virsh against this host; the oracle of tests. Throws with what virsh said. */
  virsh(args: readonly string[], options: { input?: string; timeoutMs?: number } = {}): Promise<string> {
    return must('virsh', ['-q', '-c', this.uri, ...args], { timeoutMs: 60_000, ...options });
  }

  /** Like `virsh`, with the exit code instead of an error. */
  tryVirsh(args: readonly string[], timeoutMs = 60_000): Promise<ExecResult> {
    return run('virsh', ['-q', '-c', this.uri, ...args], { timeoutMs });
  }

  /** kill -9 of libvirtd alone; guests go on. */
  async killLibvirtd(): Promise<void> {
    const killed = await this.exec(['sh', '-c', 'kill -9 "$(cat /run/libvirt/libvirtd.pid)"']);
    if (killed.code !== 0) throw new Error(`libvirtd of ${this.name} was not running: ${killed.stderr.trim()}`);
    await until(`the end of libvirtd on ${this.name}`, 10_000, async () =>
      (await canConnect({ path: this.socket })) ? undefined : true,
    );
  }

  async startLibvirtd(): Promise<void> {
    const argv = ['/usr/sbin/libvirtd', '-d', '-f', '/etc/libvirt/libvirtd.conf', '-p', '/run/libvirt/libvirtd.pid'];
    const started = await this.exec(argv);
    if (started.code !== 0) throw new Error(`libvirtd of ${this.name} does not start: ${started.stderr.trim()}`);
    await this.untilLibvirtdAnswers();
  }

  /**
   * Drops every packet to and from the host's address, without a word to either side.
   * What the host itself sends elsewhere from 127.0.0.1 (QEMU's migration stream) goes on: cut the receiving host for that.
   */
  async cutNetwork(): Promise<void> {
    for (const end of ['-d', '-s'])
      await must('iptables', ['-w', '-I', 'INPUT', end, this.address, ...this.ruleTail()]);
  }

  async restoreNetwork(): Promise<void> {
    for (const end of ['-d', '-s'])
      while ((await run('iptables', ['-w', '-D', 'INPUT', end, this.address, ...this.ruleTail()])).code === 0);
  }

  /** Fills the pool `small` (64 MiB, on a file system of its own) until nothing more fits. */
  async fillDatastore(): Promise<void> {
    await this.exec(['sh', '-c', 'cat /dev/zero > /var/lib/libvirt/small/.filling']);
    await this.tryVirsh(['pool-refresh', 'small']);
  }

  async emptyDatastore(): Promise<void> {
    await this.exec(['rm', '-f', '/var/lib/libvirt/small/.filling']);
    await this.tryVirsh(['pool-refresh', 'small']);
  }

  /** Where a pool's files are on this machine, outside of the host. `small` can only be reached through `exec`. */
  poolDirectory(pool: 'images' | 'shared'): string {
    return pool === 'shared' ? join(this.setting.directory, 'shared') : this.file('var-lib/libvirt/images');
  }

  private untilLibvirtdAnswers(): Promise<true> {
    return until(`libvirtd of ${this.name}`, 20_000, () => canConnect({ path: this.socket }));
  }

  private ruleTail(): string[] {
    return ['-m', 'comment', '--comment', this.cgroup, '-j', 'DROP'];
  }

  private consoleTail(): string {
    const file = this.file('console.log');
    return existsSync(file) && statSync(file).size > 0
      ? readFileSync(file, 'utf8').slice(-2000)
      : '(its console is empty)';
  }

  private file(path: string): string {
    return join(this.directory, path);
  }

  private write(path: string, text: string): void {
    writeFileSync(this.file(path), text, { mode: path.startsWith('root/') ? 0o600 : 0o644 });
  }
}

/** True when something listens there; undefined when not. */
export function canConnect(target: { path: string } | { host: string; port: number }): Promise<true | undefined> {
  return new Promise(resolve => {
    const socket = connect(target);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(undefined));
  });
}

function withLine(file: string, line: string): string {
  const text = readFileSync(file, 'utf8');
  const name = line.slice(0, line.indexOf(':') + 1);
  return text.split('\n').some(one => one.startsWith(name)) ? text : `${text}${line}\n`;
}

/** sshd's settings for hosts and for the fan; the fan gives the address on the command line. */
export function sshdConfig(address: string | undefined, port: number): string {
  return `${address ? `ListenAddress ${address}:${port}\n` : ''}HostKey /etc/ssh/ssh_host_ed25519_key
PidFile none
AuthorizedKeysFile .ssh/authorized_keys
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
AllowStreamLocalForwarding yes
AllowTcpForwarding yes
MaxSessions 100
MaxStartups 500
Subsystem sftp internal-sftp
`;
}

function libvirtdConfig(): string {
  return `listen_tls = 0
listen_tcp = 0
unix_sock_group = "root"
unix_sock_rw_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
host_uuid = "${randomUUID()}"
max_clients = 5000
max_anonymous_clients = 100
max_client_requests = 50
max_workers = 40
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
`;
}

function qemuConfig(address: string, port: number): string {
  return `user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
stdio_handler = "logd"
cgroup_controllers = [ "cpu", "cpuacct", "cpuset", "memory", "blkio" ]
migration_address = "${address}"
migration_host = "${address}"
migration_port_min = ${port}
migration_port_max = ${port + 63}
set_process_name = 1
keepalive_interval = 5
keepalive_count = 5
`;
}

function poolXml(name: PoolName): string {
  return `<pool type='dir'>
  <name>${name}</name>
  <uuid>${randomUUID()}</uuid>
  <target><path>/var/lib/libvirt/${name}</path></target>
</pool>
`;
}
