import { resolve } from 'node:path';
import { HypervisorError } from '../hypervisors/errors';
import { parseLibvirtUri } from '../hypervisors/libvirt/uri';
import type { Inventory } from '../inventory/model';

/** Where a shell is opened. `ssh`: an SSH target, with the client configuration to use instead of the user's own. */
export type ShellPlace = { local: true } | { ssh: string; configFile?: string };

/** @throws HypervisorError `refused`, with what to write into the inventory */
export function shellOfHost(inventory: Inventory, baseDir: string, connection: string): ShellPlace {
  const definition = Object.hasOwn(inventory.connections, connection) ? inventory.connections[connection] : undefined;
  if (!definition) throw refused(`The inventory has no connection ${connection}.`);
  if (definition.type === 'simulated')
    throw refused(`The hosts of ${connection} are simulated, so they have no shell. Its VMs have consoles.`);
  const { ssh } = parseLibvirtUri(definition.uri);
  return ssh === undefined ? { local: true } : place(ssh, definition.sshConfig, baseDir);
}

/** `connection`: where the VM is now. @throws HypervisorError `refused`, with what to write into the inventory */
export function shellOfGuest(
  inventory: Inventory,
  baseDir: string,
  connection: string,
  vm: { name: string; uuid: string },
): ShellPlace {
  const { vms, connections } = inventory;
  if (Object.hasOwn(connections, connection) && connections[connection]?.type === 'simulated')
    throw refused(`${vm.name} is simulated, so it has no SSH. Open its console instead.`, vm.name);
  const known = Object.hasOwn(vms, vm.name) ? vms[vm.name] : Object.hasOwn(vms, vm.uuid) ? vms[vm.uuid] : undefined;
  if (known?.ssh === undefined)
    throw refused(
      `The inventory does not say how ${vm.name} is reached over SSH. Add \`vms: { ${vm.name}: { ssh: user@address } }\` to it.`,
      vm.name,
    );
  return place(known.ssh, known.sshConfig, baseDir);
}

function place(ssh: string, sshConfig: string | undefined, baseDir: string): ShellPlace {
  return { ssh, ...(sshConfig !== undefined && { configFile: resolve(baseDir, sshConfig) }) };
}

function refused(message: string, vm?: string): HypervisorError {
  return new HypervisorError('refused', message, { vm });
}
