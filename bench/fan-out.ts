import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Fan, startFan } from '../test/lab/fan';
import { startLab } from '../test/lab/lab';
import { fillTestDriver } from '../test/lab/test-driver';
import { onEnd } from './cleanup';
import { buildProduct, bundle, loadOurs } from './ours';
import { run } from './processes';
import { debianCommand } from './rivals';
import { inTurn } from './rounds';
import { compared, type Row } from './row';

type Ours = typeof import('./ours/fan-out');

const count = 100;
const rounds = 3;
const command = ['uname', '-n'];

/** One command on 100 machines over SSH, against `ansible -m raw`. */
export async function fanOut(): Promise<Row[]> {
  const ansible = await debianCommand('ansible', 'ansible-core');
  const ssh = await debianCommand('ssh', 'openssh-client');
  const fan = await startFan({ count });
  onEnd(() => fan.destroy());
  const folder = mkdtempSync(path.join(tmpdir(), 'vb-'));
  onEnd(() => rmSync(folder, { recursive: true, force: true }));
  const inventory = path.join(folder, 'fan.inventory.yaml');
  // The VMs are domains of a libvirtd behind SSH, as in a run; each is reached as one of the fan's machines.
  const lab = await startLab({ hosts: ['hv1'] });
  onEnd(() => lab.destroy());
  const filled = await fillTestDriver(lab.host('hv1'), count);
  onEnd(() => filled.close());
  writeFileSync(inventory, inventoryText(fan, lab.sshConfig, filled.names));

  const program = await bundle('fan-out');
  const cold = async () => {
    const done = await run(process.execPath, [program, inventory, ...command]);
    if (done.code !== 0) throw new Error(`our fan-out failed:\n${done.output}`);
  };
  const { open } = await loadOurs<Ours>('fan-out');
  const fleet = open(inventory);
  onEnd(() => fleet.close());
  const warm = () => fleet.runOnAll(command);
  const rival = ansibleRaw(ansible, fan, folder);
  const rivalName = `ansible -f ${count} -m raw`;

  const whole = await wholeRun(folder, inventory);

  // Ansible as Debian ships it keeps a master connection per host for a minute: a first contact has to make them.
  const masters = path.join(folder, 'cp');
  mkdirSync(masters);
  const stopMasters = async () => {
    const exit = (socket: string) => run(ssh, ['-O', 'exit', '-S', path.join(masters, socket), 'any']);
    await Promise.all(readdirSync(masters).map(exit));
  };
  onEnd(stopMasters);
  const persisting = `-C -o ControlMaster=auto -o ControlPersist=60s -o ControlPath=${masters}/%C`;
  const firstContact = async () => {
    const start = performance.now();
    await rival(persisting);
    const took = performance.now() - start;
    await stopMasters();
    return took;
  };

  // One run of the rival serves three rows: it is long, and it is the same command.
  const measured = await inTurn(
    rounds,
    { cold, warm, whole, rival: firstContact, alone: () => rival('-o ControlMaster=no -o ControlPath=none') },
    { times: { warm: 3 } },
  );
  const rows: Row[] = [
    compared(
      'fan-out',
      's',
      inSeconds(measured.cold, measured.rival),
      rivalName,
      5,
      `${count} sshd; both are whole processes: start, connect to all, run, end`,
    ),
    compared(
      'fan-out-warm',
      's',
      inSeconds(measured.warm, measured.rival),
      rivalName,
      20,
      'ours on connections open already, ansible as above',
    ),
    compared(
      'fan-out-run',
      's',
      inSeconds(measured.whole, measured.rival),
      rivalName,
      null,
      'for information: all of `virtbook run`: check, plan, a look at each guest first, journal on disk, runner process',
    ),
  ];

  rows.push(
    compared(
      'fan-out-no-master',
      's',
      inSeconds(measured.cold, measured.alone),
      `${rivalName}, ControlMaster=no`,
      null,
      'for information: as fan-out, ansible told not to make masters, which is faster at first contact',
    ),
  );
  const kept = await inTurn(rounds, { ours: warm, rival: () => rival(persisting) }, { times: { ours: 3 } });
  rows.push(
    compared(
      'fan-out-both-warm',
      's',
      inSeconds(kept.ours, kept.rival),
      `${rivalName}, masters open`,
      null,
      'for information: both sides on connections open already',
    ),
  );
  return rows;
}

/** The same command on the same machines as a runbook, by the command line that people get. */
async function wholeRun(folder: string, inventory: string): Promise<() => Promise<void>> {
  const product = await buildProduct();
  const runbook = path.join(folder, 'fan.runbook.yaml');
  writeFileSync(
    runbook,
    `version: 1
name: One command everywhere
inventory: ./${path.basename(inventory)}
inputs:
  vms: { type: vms, default: "tag:fan" }
steps:
  - forEach: { vm: "\${{ inputs.vms }}", batch: ${count} }
    steps:
      - uses: guest.run
        with: { vm: "\${{ vm }}", argv: ${JSON.stringify(command)}, via: ssh, changes: false }
`,
  );
  const env = { VIRTBOOK_STATE: path.join(folder, 'state') };
  const virtbook = (...args: string[]) =>
    run(process.execPath, [path.join(product.folder, 'cli.js'), ...args], { env });
  // A runner outlives its command line; one that is under way when the bench is stopped is stopped, too.
  onEnd(() => virtbook('cancel', 'latest', '--keep'));
  return async () => {
    const done = await virtbook('run', runbook, '--yes');
    if (done.code !== 0 || !done.stdout.includes(`${count} steps done`))
      throw new Error(`virtbook run ended with ${done.code}:\n${done.output.slice(-1000)}`);
  };
}

function inventoryText(fan: Fan, sshConfig: string, names: readonly string[]): string {
  const vms = names.map(
    (name, index) => `  ${name}: { tags: [fan], ssh: ${fan.members[index]?.name}, sshConfig: ${fan.sshConfig} }`,
  );
  const connection = `{ type: libvirt, uri: "test+ssh://hv1/default", sshConfig: ${sshConfig} }`;
  return `version: 1\nconnections:\n  hv1: ${connection}\nvms:\n${vms.join('\n')}\n`;
}

function ansibleRaw(ansible: string, fan: Fan, folder: string): (sshArgs: string) => Promise<void> {
  const config = path.join(folder, 'ansible.cfg');
  writeFileSync(config, '[defaults]\n');
  return async sshArgs => {
    const args = ['all', '-i', fan.ansibleInventory, '-f', String(count), '-m', 'raw', '-a', command.join(' ')];
    const env = {
      ANSIBLE_CONFIG: config,
      ANSIBLE_HOME: folder,
      ANSIBLE_LOCAL_TEMP: `${folder}/tmp`,
      ANSIBLE_SSH_ARGS: sshArgs,
    };
    const done = await run(ansible, args, { env });
    const answers = done.stdout.match(/ rc=0 /g)?.length ?? 0;
    if (done.code !== 0 || answers !== count)
      throw new Error(`ansible: ${answers} of ${count} answered\n${done.output.slice(-500)}`);
  };
}

function inSeconds(ours: number[], rival: number[]): { ours: number[]; rival: number[] } {
  const seconds = (values: number[]) => values.map(value => value / 1000);
  return { ours: seconds(ours), rival: seconds(rival) };
}
