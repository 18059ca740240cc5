import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from './host';
import { must } from './processes';

export interface FilledTestDriver {
  /** URI from outside of the host, without ssh. */
  readonly uri: string;
  /** Names of the domains, in the order defined. */
  readonly names: readonly string[];
  /** Lets go of the connection, and with it of the domains. */
  close(): Promise<void>;
}

/**
 * Gives libvirt's test driver (`test:///default`) of a host exactly `count` domains. They live in that libvirtd as long
 * as one connection is open: the one held here. Any other client of the host's `test:///default` sees them.
 */
export async function fillTestDriver(
  host: Host,
  count: number,
  options: { running?: boolean } = {},
): Promise<FilledTestDriver> {
  const uri = `test+unix:///default?socket=${host.socket}`;
  const folder = join(host.directory, 'test-driver');
  mkdirSync(folder, { recursive: true });
  const width = String(count).length;
  const names = Array.from({ length: count }, (_, index) => `vm${String(index + 1).padStart(width, '0')}`);
  // The driver's own domain `test` would be one too many.
  const batch = ['destroy test', 'undefine test'];
  for (const name of names) {
    const file = join(folder, `${name}.xml`);
    writeFileSync(file, definition(name));
    batch.push(`define ${file}`);
    if (options.running !== false) batch.push(`start ${name}`);
  }
  const holder = spawn('virsh', ['-q', '-c', uri], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  holder.stdin.on('error', () => undefined);
  holder.stdout.resume();
  let said = '';
  const done = new Promise<void>((resolve, reject) => {
    holder.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('all-defined')) resolve();
    });
    holder.once('close', () => reject(new Error(`virsh of the test driver ended: ${said.slice(-1000)}`)));
    holder.once('error', reject);
  });
  const close = async () => {
    if (holder.exitCode === null && holder.signalCode === null) {
      holder.stdin.end();
      await once(holder, 'close');
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    holder.stdin.write(`${batch.join('\n')}\necho --err all-defined\n`);
    await done;
    const seen = Number((await must('virsh', ['-q', '-c', uri, 'list', '--all', '--name'])).trim().split('\n').length);
    if (seen !== count) throw new Error(`the test driver has ${seen} domains, not ${count}: ${said.slice(-1000)}`);
    return { uri, names, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function definition(name: string): string {
  return `<domain type='test'>
  <name>${name}</name>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type>hvm</type></os>
  <devices>
    <disk type='file' device='disk'><source file='/images/${name}.qcow2'/><target dev='vda' bus='virtio'/></disk>
  </devices>
</domain>
`;
}
