import type { Events, HypervisorEvent } from '../ports';
import { EventId, Lifecycle, StoppedDetail } from './flags';
import {
  connectDomainEventCallbackRegisterAny,
  type Domain,
  domainEventAgentLifecycle,
  domainEventBlockJob2,
  domainEventDeviceAdded,
  domainEventDeviceRemoved,
  domainEventIoErrorReason,
  domainEventJobCompleted,
  domainEventLifecycle,
  domainEventReboot,
} from './generated/procedures';
import type { LibvirtHost } from './libvirt-host';

type What = Extract<HypervisorEvent, { type: 'vm' }>['what'];

const lifecycle: Record<number, What> = {
  [Lifecycle.defined]: 'defined',
  [Lifecycle.undefined]: 'undefined',
  [Lifecycle.started]: 'started',
  [Lifecycle.suspended]: 'suspended',
  [Lifecycle.resumed]: 'resumed',
  [Lifecycle.stopped]: 'stopped',
  [Lifecycle.shutdown]: 'changed',
  [Lifecycle.pmsuspended]: 'suspended',
  [Lifecycle.crashed]: 'crashed',
};

/** libvirt's events, registered once per connection and given to whoever listens. */
export class LibvirtEvents implements Events {
  private readonly listeners = new Set<(event: HypervisorEvent) => void>();

  constructor(
    private readonly host: LibvirtHost,
    /** Called before the listeners, for every event that may change a VM's definition. */
    private readonly onChange: (uuid: string) => void,
  ) {
    const { rpc } = host;
    rpc.on(domainEventLifecycle, ({ dom, event, detail }) => {
      const crashed = event === Lifecycle.stopped && detail === StoppedDetail.crashed;
      this.emit(dom, crashed ? 'crashed' : (lifecycle[event] ?? 'changed'));
    });
    for (const event of [
      domainEventReboot,
      domainEventIoErrorReason,
      domainEventAgentLifecycle,
      domainEventJobCompleted,
      domainEventDeviceAdded,
      domainEventDeviceRemoved,
    ])
      rpc.on<{ dom: Domain }>(event, ({ dom }) => this.emit(dom, 'changed'));
    rpc.on(domainEventBlockJob2, ({ dom }) => this.emit(dom, 'changed'));
    rpc.onClose(error => this.tell({ type: 'closed', error }));
  }

  /** Asks the host for its events; those that a driver does not have are left out. */
  async register(): Promise<void> {
    await Promise.all(
      Object.values(EventId).map(eventID =>
        this.host.call(connectDomainEventCallbackRegisterAny, { eventID, dom: null }).catch(error => {
          if (this.host.rpc.closed) throw error;
        }),
      ),
    );
  }

  private emit(dom: Domain, what: What): void {
    this.onChange(dom.uuid);
    this.tell({ type: 'vm', uuid: dom.uuid, name: dom.name, what });
  }

  private tell(event: HypervisorEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  async subscribe(listener: (event: HypervisorEvent) => void): Promise<() => void> {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
