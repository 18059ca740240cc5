import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startLab } from '../test/lab/lab';
import { fillTestDriver } from '../test/lab/test-driver';
import { onEnd } from './cleanup';
import { loadOurs } from './ours';
import { run } from './processes';
import { debianCommand } from './rivals';
import { inTurn } from './rounds';
import { compared, type Row } from './row';

type Ours = typeof import('./ours/domains');

const count = 1000;

/** State and figures of 1,000 domains of a libvirtd behind SSH, against `virsh domstats`. */
export async function domains(): Promise<Row[]> {
  const virsh = await debianCommand('virsh', 'libvirt-clients');
  const lab = await startLab({ hosts: ['hv1'] });
  onEnd(() => lab.destroy());
  const host = lab.host('hv1');
  const filled = await fillTestDriver(host, count);
  onEnd(() => filled.close());

  // virsh calls ssh by itself; a wrapper gives it the lab's configuration, so that both sides use the same keys and host keys.
  const folder = mkdtempSync(path.join(tmpdir(), 'virtbook-bench-'));
  onEnd(() => rmSync(folder, { recursive: true, force: true }));
  const ssh = path.join(folder, 'ssh');
  writeFileSync(ssh, `#!/bin/sh\nexec ssh -F '${lab.sshConfig}' "$@"\n`);
  chmodSync(ssh, 0o755);
  const uri = 'test+ssh://hv1/default';
  const domstats = async () => {
    const done = await run(virsh, ['-q', '-c', `${uri}?command=${ssh}`, 'domstats']);
    const seen = done.stdout.match(/^Domain: /gm)?.length ?? 0;
    if (done.code !== 0 || seen !== count)
      throw new Error(`virsh domstats: ${seen} domains\n${done.output.slice(-500)}`);
  };

  const ours = await loadOurs<Ours>('domains');
  const open = () => ours.open(uri, lab.sshConfig);
  const expectAll = async (connection: Awaited<ReturnType<typeof open>>) => {
    const { vms } = await connection.state();
    if (vms.length !== count) throw new Error(`our state has ${vms.length} domains, not ${count}`);
    const idle = vms.filter(vm => vm.state !== 'running').length;
    if (idle > 0) throw new Error(`${idle} of our ${count} domains are not running`);
  };

  const warm = await open();
  onEnd(() => warm.close());
  const rival = 'virsh domstats over ssh';
  const rows = [
    compared(
      'domains',
      'ms',
      await inTurn(9, { ours: () => expectAll(warm), rival: domstats }, { times: { ours: 5 } }),
      rival,
      20,
      `${count} domains; ours is state() on an open connection: VMs, their figures, host and datastores`,
    ),
  ];
  rows.push(
    compared(
      'domains-cold',
      'ms',
      await inTurn(9, {
        ours: async () => {
          const connection = await open();
          await expectAll(connection);
          await connection.close();
        },
        rival: domstats,
      }),
      rival,
      1,
      'ours connects by SSH, opens libvirt, reads everything and closes, as virsh does; in a running process',
    ),
  );
  return rows;
}
