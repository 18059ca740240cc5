import type { ConsoleOptions, ConsoleSession, Consoles } from '../ports';
import { domainOpenConsole } from './generated/procedures';
import { errorCode, isLibvirt } from './libvirt-error';
import type { LibvirtHost } from './libvirt-host';

/** VIR_DOMAIN_CONSOLE_FORCE */
const FORCE = 1;

export class LibvirtConsoles implements Consoles {
  constructor(private readonly host: LibvirtHost) {}

  async open(uuid: string, { force, onData, onEnd }: ConsoleOptions): Promise<ConsoleSession> {
    const dom = await this.host.domain(uuid);
    if (!(await this.host.isActive(dom)))
      throw this.host.error('refused', `${dom.name} is off, so it has no console. Start it first.`, dom.name);
    let isClosed = false;
    try {
      const stream = await this.host.rpc.openStream(
        domainOpenConsole,
        { dom, devName: null, flags: force ? FORCE : 0 },
        { data: onData, end: error => !isClosed && onEnd(error) },
      );
      return {
        write: bytes => stream.write(bytes),
        close: () => {
          isClosed = true;
          return stream.finish();
        },
      };
    } catch (error) {
      if (isLibvirt(error, errorCode.operationFailed))
        throw this.host.error('busy', `somebody else has the console of ${dom.name} open.`, dom.name, error);
      if (isLibvirt(error, errorCode.internalError))
        throw this.host.error(
          'refused',
          `${dom.name} has no serial console that can be opened (${error.text}). Add <serial type='pty'/> to it.`,
          dom.name,
          error,
        );
      throw error;
    }
  }
}
