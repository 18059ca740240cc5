import { HypervisorError } from '../errors';

export interface LibvirtUri {
  driver: 'qemu' | 'test';
  /** What CONNECT_OPEN is given: the URI as the host itself knows it. */
  remoteUri: string;
  /** `[user@]host[:port]` for SSH; undefined: this machine. */
  ssh?: string;
  /** A socket instead of libvirt's own places. */
  socket?: string;
}

/**
 * Understands `qemu+ssh://[user@]host[:port]/system[?socket=PATH]`, `qemu:///system`, `qemu+unix:///system?socket=PATH`,
 * and the same with `test` and `/default`.
 * @throws HypervisorError `refused`, saying what is not understood.
 */
export function parseLibvirtUri(uri: string): LibvirtUri {
  const match =
    /^(?<driver>[a-z]+)(?:\+(?<transport>[a-z0-9]+))?:\/\/(?<authority>[^/?#]*)(?<path>\/[^?#]*)(?:\?(?<query>[^#]*))?$/.exec(
      uri,
    );
  const groups = match?.groups;
  if (!groups) throw refuse(uri, 'it does not look like qemu+ssh://HOST/system');
  const { driver, transport, authority = '', path = '' } = groups;
  if (driver !== 'qemu' && driver !== 'test') throw refuse(uri, `the driver "${driver}" is not one of qemu, test`);
  const want = driver === 'qemu' ? '/system' : '/default';
  if (path !== want) throw refuse(uri, `the path must be ${want}`);
  const query = new URLSearchParams(groups.query ?? '');
  for (const key of query.keys())
    if (key !== 'socket')
      throw refuse(
        uri,
        `the parameter "${key}" is not supported (only socket is); set SSH options in the SSH configuration`,
      );
  const socket = query.get('socket') ?? undefined;
  const remoteUri = `${driver}://${path}`;
  if (transport === 'ssh') {
    if (!authority) throw refuse(uri, 'it names no host');
    return { driver, remoteUri, ssh: decodeURIComponent(authority), socket };
  }
  if (transport !== undefined && transport !== 'unix')
    throw refuse(uri, `the transport "${transport}" is not one of ssh, unix`);
  if (authority) throw refuse(uri, `for a host over SSH, write ${driver}+ssh://${authority}${path}`);
  return { driver, remoteUri, socket };
}

function refuse(uri: string, why: string): HypervisorError {
  return new HypervisorError('refused', `The libvirt URI "${uri}" cannot be used: ${why}.`);
}
