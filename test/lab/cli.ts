import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { handLabDirectory, startLab, type VmOptions } from './lab';
import { run, runningMembers } from './processes';
import { readRecord, tearDown } from './teardown';

const usage = `npm run lab -- up [--guest tiny|debian] | down | status
  up      starts two libvirt hosts, a backup proxy and VMs, and writes an inventory to use with them
          --guest debian adds app1, a Debian guest with a package repository of its own (its first build takes a minute)
  down    ends the lab and removes everything of it (built guests stay in the cache)
  status  says what runs
  --dir DIR  the lab's folder; default: VIRTBOOK_LAB, or .lab in the repository
`;

async function main(): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${usage}`);
    return 2;
  }
  const { command, guest, dir, help } = parsed;
  if (help) {
    process.stdout.write(usage);
    return 0;
  }
  switch (command) {
    case 'up':
      return up(dir, guest === 'debian');
    case 'down':
      return down(dir);
    case 'status':
      return status(dir);
    default:
      process.stderr.write(usage);
      return 2;
  }
}

function parse() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      guest: { type: 'string', default: 'tiny' },
      dir: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.guest !== 'tiny' && values.guest !== 'debian')
    throw new Error(`--guest is tiny or debian, not ${values.guest}`);
  if (positionals.length > 1) throw new Error(`What is ${positionals.slice(1).join(' ')}?`);
  return {
    command: positionals[0],
    guest: values.guest,
    dir: values.dir ? resolve(values.dir) : handLabDirectory(),
    help: values.help,
  };
}

async function up(dir: string, debian: boolean): Promise<number> {
  if (runningMembers(dir).size > 0) {
    print(`The lab in ${dir} is up already; \`npm run lab -- down\` ends it.`);
    return status(dir);
  }
  const begun = Date.now();
  const say = (line: string) => print(`${((Date.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  const lab = await startLab({ dir, proxy: true, firstSlot: true, say });
  try {
    say(`hosts are up: ${lab.hosts.map(host => `${host.name} ${host.address}`).join(', ')}`);
    const web1 = {
      name: 'web1',
      guest: 'tiny',
      pool: 'shared',
      host: 'hv1',
      owner: 'web-team',
      tags: ['web'],
    } as const;
    const db1 = { name: 'db1', guest: 'tiny', pool: 'images', host: 'hv1', owner: 'db-team', tags: ['db'] } as const;
    const app1 = {
      name: 'app1',
      guest: 'debian',
      pool: 'shared',
      host: 'hv1',
      net: true,
      owner: 'app-team',
      tags: ['app'],
    } as const;
    const make = (vm: VmOptions) =>
      lab.makeVm(vm).then(() => say(`${vm.name} (${vm.guest}, pool ${vm.pool}) runs on ${vm.host}`));
    await Promise.all([web1, db1, ...(debian ? [app1] : [])].map(make));
  } catch (error) {
    await lab.destroy();
    throw error;
  }
  lab.keep();
  say('the lab is up');
  print(`\nInventory:  ${lab.inventory}\nSSH:        ssh -F ${lab.sshConfig} hv1\nEnd it:     npm run lab -- down`);
  return 0;
}

async function down(dir: string): Promise<number> {
  const wasUp = runningMembers(dir).size > 0 || readRecord(dir) !== undefined;
  await tearDown(dir);
  print(wasUp ? `The lab in ${dir} is gone.` : `No lab is up in ${dir}.`);
  return 0;
}

async function status(dir: string): Promise<number> {
  const members = runningMembers(dir);
  if (members.size === 0) {
    const rest = readRecord(dir);
    print(
      rest ? `The lab in ${dir} is not running; \`npm run lab -- down\` removes its files.` : `No lab is up in ${dir}.`,
    );
    return 0;
  }
  print(`The lab in ${dir}:`);
  for (const [name, pid] of [...members].sort()) {
    if (name === 'px1') {
      print(`${name}  up (pid ${pid}), backup proxy`);
      continue;
    }
    const socket = `${dir}/hosts/${name}/run/libvirt-sock`;
    const listed = await run('virsh', ['-q', '-c', `qemu+unix:///system?socket=${socket}`, 'list', '--all'], {
      timeoutMs: 10_000,
    });
    print(`${name}  up (pid ${pid})`);
    for (const line of (listed.code === 0 ? listed.stdout : listed.stderr).split('\n'))
      if (line.trim()) print(`     ${line.trim()}`);
  }
  return 0;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().then(
  code => {
    process.exitCode = code;
  },
  (error: Error) => {
    process.stderr.write(`lab: ${error.message}\n`);
    process.exitCode = 1;
  },
);
