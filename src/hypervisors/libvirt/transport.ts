import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SshSession } from '../../ssh/contract';
import { SshError } from '../../ssh/errors';
import { HypervisorError } from '../errors';
import { type LockFiles, localLockFiles, sftpLockFiles } from './lock-files';
import type { LibvirtUri } from './uri';

/** Reaches unix sockets and files of one host, straight or through SSH. */
export interface Transport {
  /** The host's address as other machines know it; undefined for this machine. */
  readonly address?: string;
  open(path: string, signal?: AbortSignal): Promise<Duplex>;
  files(): Promise<LockFiles>;
  close(): void;
}

/** The monolithic daemon first, then the modular one. */
const places = {
  qemu: ['/var/run/libvirt/libvirt-sock', '/var/run/libvirt/virtqemud-sock'],
  test: ['/var/run/libvirt/libvirt-sock', '/var/run/libvirt/virtproxyd-sock'],
};

export function localTransport(): Transport {
  return { open: openLocal, files: async () => localLockFiles, close: () => {} };
}

export async function sshTransport(session: SshSession): Promise<Transport> {
  // sshd sets TCP_NODELAY on a connection only once a session was opened; before that small calls wait up to 50 ms.
  await session.exec(['true'], { timeoutMs: 15_000 }).catch(() => undefined);
  return {
    address: /^(?:[^@]*@)?\[?([^\]]+?)\]?(?::\d+)?$/.exec(session.target)?.[1],
    open: (path, signal) => session.streamLocal(path, { signal }),
    files: async () => sftpLockFiles(await session.sftp()),
    close: () => session.close(),
  };
}

function openLocal(path: string, signal?: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, signal });
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

/** Opens libvirt's socket. @throws HypervisorError `unreachable`, saying which sockets were tried. */
export async function openLibvirtSocket(
  transport: Transport,
  uri: LibvirtUri,
  connection: string,
  signal?: AbortSignal,
): Promise<Duplex> {
  const tried = uri.socket ? [uri.socket] : places[uri.driver];
  let first: unknown;
  for (const path of tried) {
    try {
      return await transport.open(path, signal);
    } catch (error) {
      first ??= error;
      if (error instanceof SshError && error.code !== 'channel') break;
    }
  }
  throw new HypervisorError(
    'unreachable',
    `${connection}: no libvirt socket answers at ${tried.join(' or ')}${uri.ssh ? ` on ${uri.ssh}` : ''}: ${first instanceof Error ? first.message : String(first)} Check that libvirtd runs and that the user may use its socket.`,
    { connection, host: connection, cause: first, outcomeUnknown: false },
  );
}
