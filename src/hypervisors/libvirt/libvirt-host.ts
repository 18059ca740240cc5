import type { Duplex } from 'node:stream';
import { HypervisorError, type HypervisorErrorKind } from '../errors';
import { type DomainDefinition, parseDomain } from './domain-xml';
import { DomainState, DomainXml, JobType } from './flags';
import {
  type Domain,
  domainGetJobInfo,
  domainGetState,
  domainGetXmlDesc,
  domainLookupByName,
  domainLookupByUuid,
} from './generated/procedures';
import { errorCode, isLibvirt, orUndefined } from './libvirt-error';
import type { Procedure } from './procedure';
import type { RpcCallOptions, RpcClient } from './rpc-client';
import type { Transport } from './transport';

const uuidShape = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** One libvirtd and the few calls that every port needs. */
export class LibvirtHost {
  constructor(
    /** Its name in the inventory; libvirt shows one host per connection, so it is the host's name too. */
    readonly name: string,
    readonly driver: 'qemu' | 'test',
    readonly rpc: RpcClient,
    private readonly transport: Transport,
  ) {}

  /** Where other machines reach the host; undefined when it is this machine. */
  get address(): string | undefined {
    return this.transport.address;
  }

  call<A, R>(procedure: Procedure<A, R>, args: A, options?: RpcCallOptions): Promise<R> {
    return this.rpc.call(procedure, args, options);
  }

  /** A stream to a unix socket of the host. */
  openSocket(path: string): Promise<Duplex> {
    return this.transport.open(path);
  }

  /** Removes a file of the host, where this user may; it is only to be tidy. */
  async tidyAway(path: string): Promise<void> {
    await this.transport
      .files()
      .then(files => files.remove(path))
      .catch(() => undefined);
  }

  error(kind: HypervisorErrorKind, message: string, vm?: string, cause?: unknown): HypervisorError {
    return new HypervisorError(kind, `${this.name}: ${message}`, { connection: this.name, host: this.name, vm, cause });
  }

  /** @throws HypervisorError `not-found`. */
  async domain(uuidOrName: string): Promise<Domain> {
    const found = await this.findDomain(uuidOrName);
    if (!found)
      throw this.error(
        'not-found',
        `there is no VM ${uuidOrName} here. It may have moved to another host or been removed.`,
      );
    return found;
  }

  async findDomain(uuidOrName: string): Promise<Domain | undefined> {
    if (uuidShape.test(uuidOrName))
      return (await orUndefined(this.call(domainLookupByUuid, { uuid: uuidOrName })))?.dom;
    return (await orUndefined(this.call(domainLookupByName, { name: uuidOrName })))?.dom;
  }

  async xml(dom: Domain, flags = 0): Promise<string> {
    return (await this.call(domainGetXmlDesc, { dom, flags })).xml;
  }

  /** As it is now: for a running VM what runs, not what the next start will use. */
  async definition(dom: Domain): Promise<DomainDefinition> {
    return parseDomain(await this.xml(dom));
  }

  async inactiveDefinition(dom: Domain): Promise<DomainDefinition> {
    return parseDomain(await this.xml(dom, DomainXml.inactive));
  }

  state(dom: Domain): Promise<{ state: number; reason: number }> {
    return this.call(domainGetState, { dom, flags: 0 });
  }

  /** Has a QEMU process: running, paused, being shut down. */
  async isActive(dom: Domain): Promise<boolean> {
    const { state } = await this.state(dom);
    return state !== DomainState.shutoff && state !== DomainState.crashed;
  }

  /** @throws HypervisorError `busy`, at once: libvirt itself would wait 30 s for the job's lock. */
  async refuseWhileBusy(dom: Domain, forWhat: string): Promise<void> {
    if (await this.hasJob(dom))
      throw this.error(
        'busy',
        `${forWhat} of ${dom.name} has to wait: another job (backup, migration, …) works on it.`,
        dom.name,
      );
  }

  /** Waits for a job that somebody who is gone began: it goes on by itself. @throws HypervisorError `busy` after a minute. */
  async untilIdle(dom: Domain, forWhat: string): Promise<void> {
    for (let waitedMs = 0; waitedMs < 60_000 && (await this.hasJob(dom)); waitedMs += 250) await pause(250);
    await this.refuseWhileBusy(dom, forWhat);
  }

  async hasJob(dom: Domain): Promise<boolean> {
    try {
      const { type } = await this.call(domainGetJobInfo, { dom });
      return type === JobType.bounded || type === JobType.unbounded;
    } catch (error) {
      // A VM that is off has no jobs; the test driver knows none at all.
      if (isLibvirt(error, errorCode.operationInvalid, errorCode.noSupport)) return false;
      throw error;
    }
  }
}

/** Waits; wakes early when the signal fires, without rejecting. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
