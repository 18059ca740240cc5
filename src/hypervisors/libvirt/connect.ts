import path from 'node:path';
import type { SshConnections } from '../../ssh/contract';
import { SshError } from '../../ssh/errors';
import { HypervisorError } from '../errors';
import { Feature } from './flags';
import {
  authList,
  connectClose,
  connectGetLibVersion,
  connectOpen,
  connectSupportsFeature,
} from './generated/procedures';
import { FolderLocks, usualLockFolder } from './host-locks';
import { LibvirtHost } from './libvirt-host';
import { LibvirtHypervisor } from './libvirt-hypervisor';
import { RpcClient } from './rpc-client';
import { localTransport, openLibvirtSocket, sshTransport, type Transport } from './transport';
import { parseLibvirtUri } from './uri';

export interface LibvirtConnectOptions {
  /** SSH connections that use this client configuration (absolute path), or the user's own. Called only for `+ssh` URIs. */
  ssh(configFile: string | undefined): SshConnections;
  /** Folder of the inventory file: what its relative paths stand on. */
  baseDir: string;
  signal?: AbortSignal;
  /** See RpcClientOptions. */
  keepAliveMs?: number;
  keepAliveMisses?: number;
}

/** No authentication on the socket: its file permissions, and SSH before it, decide who may. */
const AUTH_NONE = 0;

/**
 * Opens a connection of the inventory. It stays open until `close`, or until it is lost, which `events` tell as `closed`.
 * @throws HypervisorError `unreachable` or `refused`, saying what to do.
 */
export async function connectLibvirt(
  name: string,
  definition: { uri: string; sshConfig?: string; locks?: string },
  options: LibvirtConnectOptions,
): Promise<LibvirtHypervisor> {
  const uri = parseLibvirtUri(definition.uri);
  const transport = await reach(name, uri.ssh, definition.sshConfig, options);
  let rpc: RpcClient | undefined;
  try {
    const stream = await openLibvirtSocket(transport, uri, name, options.signal);
    rpc = new RpcClient(stream, {
      connection: name,
      keepAliveMs: options.keepAliveMs,
      keepAliveMisses: options.keepAliveMisses,
    });
    const { types } = await rpc.call(authList, {});
    if (!types.includes(AUTH_NONE))
      throw new HypervisorError(
        'refused',
        `${name}: libvirt wants a login of its own on its socket (auth_unix_rw). Set it to none, or let the SSH user be in the libvirt group.`,
        { connection: name, host: name },
      );
    await rpc.call(connectOpen, { name: uri.remoteUri, flags: 0 });
    const host = new LibvirtHost(name, uri.driver, rpc, transport);
    const [{ libVer }] = await Promise.all([
      rpc.call(connectGetLibVersion, {}),
      // Tells the daemon that we answer its pings.
      rpc.call(connectSupportsFeature, { feature: Feature.keepAlive }),
    ]);
    const open = rpc;
    const end = async () => {
      if (!open.closed) await open.call(connectClose, {}, { timeoutMs: 2_000 }).catch(() => undefined);
      open.close();
      transport.close();
    };
    const { locks: folder = usualLockFolder } = definition;
    const locks = folder === 'none' ? undefined : new FolderLocks(name, folder, () => transport.files());
    const hypervisor = new LibvirtHypervisor(host, libVer, end, locks);
    open.onClose(() => transport.close());
    await hypervisor.events.register();
    return hypervisor;
  } catch (error) {
    rpc?.close();
    transport.close();
    throw error;
  }
}

async function reach(
  name: string,
  ssh: string | undefined,
  sshConfig: string | undefined,
  options: LibvirtConnectOptions,
): Promise<Transport> {
  if (ssh === undefined) return localTransport();
  try {
    const connections = options.ssh(sshConfig === undefined ? undefined : path.resolve(options.baseDir, sshConfig));
    return await sshTransport(await connections.lease(ssh, { signal: options.signal }));
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    const kind = error.code === 'aborted' ? 'cancelled' : 'unreachable';
    throw new HypervisorError(kind, `${name}: ${error.message}`, {
      connection: name,
      host: name,
      cause: error,
      outcomeUnknown: false,
    });
  }
}
