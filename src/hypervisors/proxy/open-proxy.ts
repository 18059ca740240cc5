import type { SshConnections } from '../../ssh/contract';
import { QemuImgProxy } from './backup-proxy';
import { localMachine, sshMachine } from './machine';

/**
 * A proxy of the inventory: over SSH, or this machine for `ssh: local`. Connects on first use. Without a transport it relays,
 * since that needs no open port and sends no image in the clear.
 */
export function openProxy(
  name: string,
  definition: { ssh: string; directory: string; transport?: 'tcp' | 'relay' },
  options: { ssh: SshConnections },
): QemuImgProxy {
  const machine = definition.ssh === 'local' ? localMachine(name) : sshMachine(name, definition.ssh, options.ssh);
  return new QemuImgProxy(machine, definition.directory, definition.transport === 'tcp' ? 'tcp' : 'unix');
}
