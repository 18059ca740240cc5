import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { labKey, labSources } from './guest-cache';
import { canConnect, sshdConfig } from './host';
import { ensurePackages } from './packages';
import { must, startMember, until } from './processes';
import { freeSshPort } from './slots';
import { takeFolder, tearDown } from './teardown';
import { watchOver } from './watchdog';

/** Many sshd on loopback, for measuring what reaches many machines at once. One fan at a time. */
export interface Fan {
  readonly dir: string;
  /** Names h1…hN with their addresses. */
  readonly members: readonly { name: string; address: string; port: number }[];
  /** Path of the private key that every member takes. */
  readonly key: string;
  readonly knownHosts: string;
  /** OpenSSH client configuration with every member. */
  readonly sshConfig: string;
  /** Inventory for `ansible -i`, with the same key, host keys and user. */
  readonly ansibleInventory: string;
  destroy(): Promise<void>;
}

const perBlock = 250;
const most = 1000;

/** Starts `count` sshd (1…1000) on 127.0.1.1 and on. They end with this process, however that ends. */
export async function startFan(options: { count: number; dir?: string }): Promise<Fan> {
  const { count } = options;
  if (!Number.isInteger(count) || count < 1 || count > most)
    throw new Error(`A fan has 1 to ${most} members, not ${count}`);
  await ensurePackages(() => undefined);
  const dir = options.dir ? resolve(options.dir) : mkdtempSync(join(tmpdir(), 'virtbook-fan-'));
  const port = await freeSshPort('127.0.1.1');
  const members = Array.from({ length: count }, (_, index) => ({
    name: `h${index + 1}`,
    address: `127.0.${1 + Math.floor(index / perBlock)}.${1 + (index % perBlock)}`,
    port,
  }));
  await takeFolder(dir);
  const release = watchOver(dir);
  const destroy = async () => {
    await tearDown(dir);
    release();
  };
  try {
    const files = await writeFiles(dir, members);
    const console = openSync(join(dir, 'console.log'), 'a');
    const command = ['bash', join(labSources, 'fan-init.sh')];
    startMember({ directory: dir, name: 'fan', command, env: { FAN_DIR: dir }, output: console });
    closeSync(console);
    for (const member of members)
      await until(`sshd of ${member.name}`, 60_000, () => canConnect({ host: member.address, port })).catch(
        (error: Error) => {
          throw new Error(`${error.message}\n${readFileSync(join(dir, 'console.log'), 'utf8').slice(-2000)}`);
        },
      );
    return { dir, members, ...files, destroy };
  } catch (error) {
    await destroy();
    throw error;
  }
}

async function writeFiles(dir: string, members: Fan['members']) {
  for (const folder of ['etc-ssh', 'root/.ssh']) mkdirSync(join(dir, folder), { recursive: true, mode: 0o700 });
  const hostKey = join(dir, 'etc-ssh/ssh_host_ed25519_key');
  await must('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'fan', '-f', hostKey]);
  const key = join(dir, 'id_ed25519');
  copyFileSync(await labKey(), key);
  chmodSync(key, 0o600);
  copyFileSync(`${await labKey()}.pub`, join(dir, 'root/.ssh/authorized_keys'));
  const port = members[0]!.port;
  // The address comes from the command line, for it differs.
  writeFileSync(join(dir, 'etc-ssh/sshd_config'), sshdConfig(undefined, port));
  writeFileSync(join(dir, 'addresses'), `${members.map(member => `${member.address}:${port}`).join('\n')}\n`);
  const publicKey = readFileSync(`${hostKey}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
  const knownHosts = join(dir, 'known_hosts');
  const known = (name: string) => (port === 22 ? name : `[${name}]:${port}`);
  writeFileSync(knownHosts, members.map(member => `${known(member.address)} ${publicKey}\n`).join(''));
  const sshConfig = join(dir, 'ssh_config');
  const common = `Host *\n  User root\n  Port ${port}\n  IdentityFile "${key}"\n  IdentitiesOnly yes\n  UserKnownHostsFile "${knownHosts}"\n  StrictHostKeyChecking yes\n`;
  writeFileSync(
    sshConfig,
    [...members.map(member => `Host ${member.name}\n  HostName ${member.address}\n`), common].join('\n'),
  );
  const ansibleInventory = join(dir, 'ansible.ini');
  writeFileSync(
    ansibleInventory,
    `[all]
${members.map(member => `${member.name} ansible_host=${member.address} ansible_port=${port}`).join('\n')}
[all:vars]
ansible_user=root
ansible_ssh_private_key_file=${key}
ansible_python_interpreter=/usr/bin/python3
ansible_ssh_common_args=-o IdentitiesOnly=yes -o UserKnownHostsFile=${knownHosts} -o StrictHostKeyChecking=yes
`,
  );
  return { key, knownHosts, sshConfig, ansibleInventory };
}
