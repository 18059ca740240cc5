import { connectLibvirt } from '../../src/hypervisors/libvirt/connect';
import type { Hypervisor } from '../../src/hypervisors/ports';
import { SshPool } from '../../src/ssh/pool';

/** Connects by SSH and opens libvirt; `close` ends both. */
export async function open(uri: string, sshConfig: string): Promise<Pick<Hypervisor, 'state' | 'close'>> {
  const pool = new SshPool({ configFile: sshConfig });
  const hypervisor = await connectLibvirt('hv1', { uri }, { ssh: () => pool, baseDir: '/' });
  return {
    state: () => hypervisor.state(),
    close: async () => {
      await hypervisor.close();
      await pool.close();
    },
  };
}
