import { HypervisorError } from '../errors';
import type { Power } from '../ports';
import { DomainState, PausedReason, Shutdown } from './flags';
import {
  type Domain,
  domainCreateWithFlags,
  domainDestroyFlags,
  domainResume,
  domainShutdownFlags,
} from './generated/procedures';
import { errorCode, isLibvirt } from './libvirt-error';
import { type LibvirtHost, pause } from './libvirt-host';

export class LibvirtPower implements Power {
  constructor(private readonly host: LibvirtHost) {}

  async start(uuid: string, options: Parameters<Power['start']>[1] = {}): Promise<void> {
    const dom = await this.host.domain(uuid);
    const { state, reason } = await this.host.state(dom);
    if (state === DomainState.paused) {
      if (reason !== PausedReason.user)
        throw this.host.error(
          'refused',
          `${dom.name} is paused, and not by a person: find out why before it goes on.`,
          dom.name,
        );
      await this.host.call(domainResume, { dom }, options);
      return;
    }
    if (state !== DomainState.shutoff && state !== DomainState.crashed)
      throw this.host.error('refused', `${dom.name} is running already.`, dom.name);
    await this.host.call(
      domainCreateWithFlags,
      { dom, flags: 0 },
      { signal: options.signal, long: true, timeoutMs: 180_000 },
    );
  }

  async shutdown(uuid: string, options: Parameters<Power['shutdown']>[1]): Promise<void> {
    const dom = await this.host.domain(uuid);
    if (!(await this.host.isActive(dom))) return;
    // libvirt answers a shutdown during a backup, and the guest then hangs "in shutdown" for good.
    await this.host.refuseWhileBusy(dom, 'The shutdown');
    const flags = { auto: Shutdown.agent, agent: Shutdown.agent, acpi: Shutdown.acpi }[options.mode];
    const until = Date.now() + options.timeoutMs;
    try {
      await this.host.call(
        domainShutdownFlags,
        { dom, flags },
        { signal: options.signal, timeoutMs: Math.min(10_000, options.timeoutMs) },
      );
    } catch (error) {
      // The agent may go down with the guest before it answers: being off is what counts.
      const silent = error instanceof HypervisorError && (error.kind === 'agent' || error.kind === 'timeout');
      if (isLibvirt(error, errorCode.operationInvalid) && !(await this.host.isActive(dom))) return;
      if (
        options.mode === 'auto' &&
        error instanceof HypervisorError &&
        !error.outcomeUnknown &&
        error.kind !== 'cancelled'
      )
        await this.host.call(domainShutdownFlags, { dom, flags: Shutdown.acpi }, { signal: options.signal });
      else if (!silent || options.mode === 'agent') {
        if (await this.isOffSoon(dom)) return;
        throw error;
      }
    }
    while (await this.host.isActive(dom)) {
      if (options.signal?.aborted)
        throw this.host.error(
          'cancelled',
          `no longer waiting for ${dom.name} to be off; the guest was asked to shut down and may still do so.`,
          dom.name,
        );
      if (Date.now() >= until)
        throw this.host.error(
          'timeout',
          `${dom.name} is not off after ${Math.round(options.timeoutMs / 1000)} s. Look at its console, or cut its power.`,
          dom.name,
        );
      await pause(100, options.signal);
    }
  }

  private async isOffSoon(dom: Domain): Promise<boolean> {
    for (let i = 0; i < 10; i++) {
      if (!(await this.host.isActive(dom))) return true;
      await pause(50);
    }
    return false;
  }

  async destroy(uuid: string, options: Parameters<Power['destroy']>[1] = {}): Promise<void> {
    const dom = await this.host.domain(uuid);
    try {
      await this.host.call(domainDestroyFlags, { dom, flags: 0 }, { signal: options.signal, long: true });
    } catch (error) {
      if (isLibvirt(error, errorCode.operationInvalid) && !(await this.host.isActive(dom))) return;
      throw error;
    }
  }
}
