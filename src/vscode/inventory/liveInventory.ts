import type { ConnectionState, Hypervisor, HypervisorEvent } from '../../hypervisors/ports';
import type { Change, InventoryModel } from './inventoryModel';
import type { ConnectionView, NodeOf } from './inventoryTree';

export interface OpenedConnection {
  hypervisor: Hypervisor;
  /** Closes it and everything that was opened for it. */
  close(): Promise<void>;
}

export interface LiveInventoryOptions {
  /** Where what is seen is kept; it names the connections. */
  model: InventoryModel;
  open(connection: string): Promise<OpenedConnection>;
  onChange(change: Change): void;
  onError(connection: string, error: unknown): void;
  /** How long events are gathered before they are looked up, in ms. */
  gatherMs?: number;
  /** How often a connection without events is read again while somebody looks, in ms. */
  pollMs?: number;
}

interface Connection {
  opened?: OpenedConnection;
  unsubscribe?: () => void;
  /** VMs to look up again; `all`: read everything. */
  dirty: Set<string> | 'all' | undefined;
  timer?: ReturnType<typeof setTimeout>;
  /** When the timer ends, ms since 1970. */
  due: number;
  reading: boolean;
}

/** Many VMs at once cost less as one read of everything. */
const SINGLE_READS = 4;

/**
 * What the inventory view shows, kept current. Connects when somebody looks for the first time; while nobody looks it
 * only remembers what changed.
 */
export class LiveInventory {
  private readonly connections = new Map<string, Connection>();
  private visible = false;
  private disposed = false;
  private readonly model: InventoryModel;

  constructor(private readonly options: LiveInventoryOptions) {
    this.model = options.model;
    for (const { name } of this.model.connections) {
      this.connections.set(name, { dirty: undefined, due: 0, reading: false });
    }
  }

  private phase(name: string): ConnectionView['phase'] | undefined {
    return this.model.connection(name)?.phase;
  }

  hypervisor(connection: string): Hypervisor | undefined {
    return this.connections.get(connection)?.opened?.hypervisor;
  }

  setVisible(visible: boolean): void {
    this.visible = visible;
    for (const [name, connection] of this.connections) {
      if (!visible) {
        clearTimeout(connection.timer);
        connection.timer = undefined;
      } else if (this.phase(name) === 'idle') void this.connect(name);
      else if (this.phase(name) === 'connected') {
        if (!connection.opened?.hypervisor.events) connection.dirty = 'all';
        this.schedule(name, 0);
      }
    }
  }

  /** Reads everything again; connects what is not connected. */
  refresh(only?: string): void {
    for (const [name, connection] of this.connections) {
      if (only !== undefined && name !== only) continue;
      if (this.phase(name) === 'connected') {
        connection.dirty = 'all';
        this.schedule(name, 0);
      } else if (this.phase(name) !== 'connecting') void this.connect(name);
    }
  }

  /** Something that has no event may have changed it: read everything again, soon. Connects nothing. */
  touch(only?: string): void {
    for (const [name, connection] of this.connections) {
      if ((only !== undefined && name !== only) || this.phase(name) !== 'connected') continue;
      connection.dirty = 'all';
      this.schedule(name);
    }
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    await Promise.all([...this.connections.keys()].map(name => this.release(name)));
  }

  private async connect(name: string): Promise<void> {
    const connection = this.connections.get(name);
    if (!connection || this.disposed) return;
    const { simulated } = this.model.connection(name) ?? {};
    this.show({ name, phase: 'connecting', capabilities: new Set(), simulated });
    try {
      await this.release(name);
      const opened = await this.options.open(name);
      const { hypervisor } = opened;
      connection.opened = opened;
      if (this.disposed) {
        await this.release(name);
        return;
      }
      // Listening first: nothing can happen between the first read and the first event.
      connection.unsubscribe = await hypervisor.events?.subscribe(event => this.onEvent(name, event));
      const state = await hypervisor.state();
      connection.dirty = undefined;
      const simulated = hypervisor.kind === 'simulated';
      this.show({ name, phase: 'connected', capabilities: hypervisor.capabilities, simulated }, state);
      this.schedule(name);
    } catch (error) {
      this.fail(name, error);
    }
  }

  /** Lists what is below a node and is not part of a connection's state: a VM's snapshots, a datastore's volumes. */
  async list(node: NodeOf<'vm'> | NodeOf<'datastore'>): Promise<void> {
    const { connection } = node;
    const hypervisor = this.hypervisor(connection);
    const listed = async <T>(list: () => Promise<readonly T[]>) => {
      try {
        return await list();
      } catch (error) {
        return { error: error instanceof Error ? error.message : String(error) };
      }
    };
    if (node.kind === 'vm') {
      const { uuid, snapshotCount } = node.vm;
      const snapshots = snapshotCount > 0 ? hypervisor?.snapshots : undefined;
      this.model.setSnapshots(connection, uuid, await listed(async () => (await snapshots?.list(uuid)) ?? []));
    } else {
      const { name } = node.datastore;
      this.model.setVolumes(connection, name, await listed(async () => (await hypervisor?.volumes?.list(name)) ?? []));
    }
  }

  private onEvent(name: string, event: HypervisorEvent): void {
    const connection = this.connections.get(name);
    if (!connection || this.disposed) return;
    if (event.type === 'closed') {
      this.fail(name, event.error ?? new Error('The connection was closed.'));
      return;
    }
    const structural = event.what === 'defined' || event.what === 'undefined';
    if (structural || connection.dirty === 'all') connection.dirty = 'all';
    else connection.dirty = new Set([...(connection.dirty ?? []), event.uuid]);
    this.schedule(name);
  }

  /** Reads what is dirty, a little later; for a connection without events, everything, much later. */
  private schedule(name: string, delay?: number): void {
    const connection = this.connections.get(name);
    if (!connection || !this.visible || this.disposed || this.phase(name) !== 'connected') return;
    const polls = !connection.opened?.hypervisor.events;
    if (!connection.dirty && !polls) return;
    const wait = delay ?? (connection.dirty ? (this.options.gatherMs ?? 150) : (this.options.pollMs ?? 10_000));
    const due = Date.now() + wait;
    if (connection.timer !== undefined && connection.due <= due) return;
    clearTimeout(connection.timer);
    connection.due = due;
    connection.timer = setTimeout(() => {
      connection.timer = undefined;
      if (!connection.dirty) connection.dirty = 'all';
      void this.read(name);
    }, wait);
  }

  private async read(name: string): Promise<void> {
    const connection = this.connections.get(name);
    const hypervisor = connection?.opened?.hypervisor;
    if (!connection || !hypervisor || !connection.dirty || connection.reading) return;
    const dirty = connection.dirty;
    connection.dirty = undefined;
    connection.reading = true;
    try {
      if (dirty === 'all' || dirty.size > SINGLE_READS) {
        const state = await hypervisor.state();
        const view = this.model.connection(name);
        if (view && connection.opened?.hypervisor === hypervisor) this.show(view, state);
        return;
      }
      const fresh = await Promise.all([...dirty].map(async uuid => ({ uuid, vm: await hypervisor.vm(uuid) })));
      if (connection.opened?.hypervisor !== hypervisor) return;
      for (const { uuid, vm } of fresh) this.tell(this.model.setVm(name, uuid, vm));
    } catch (error) {
      if (connection.opened?.hypervisor === hypervisor) this.fail(name, error);
    } finally {
      connection.reading = false;
      this.schedule(name);
    }
  }

  private fail(name: string, error: unknown): void {
    const connection = this.connections.get(name);
    if (!connection || this.disposed) return;
    this.options.onError(name, error);
    void this.release(name);
    const message = error instanceof Error ? error.message : String(error);
    this.show({ name, phase: 'failed', error: message, capabilities: new Set() }, null);
  }

  private async release(name: string): Promise<void> {
    const connection = this.connections.get(name);
    if (!connection) return;
    const { opened, unsubscribe } = connection;
    clearTimeout(connection.timer);
    connection.timer = undefined;
    connection.opened = undefined;
    connection.unsubscribe = undefined;
    connection.dirty = undefined;
    try {
      unsubscribe?.();
      await opened?.close();
    } catch (error) {
      this.options.onError(name, error);
    }
  }

  private show(view: ConnectionView, state?: ConnectionState | null): void {
    const failed = this.allFailed;
    const change = this.model.setConnection(view, state);
    this.tell(failed === this.allFailed ? change : { ...change, redraw: undefined });
  }

  private tell(change: Change): void {
    if (change.redraw?.length !== 0 || change.names) this.options.onChange(change);
  }

  /** Then a welcome view with a way to try again stands where the tree would. */
  get allFailed(): boolean {
    const { connections } = this.model;
    return connections.length > 0 && connections.every(view => view.phase === 'failed');
  }
}
