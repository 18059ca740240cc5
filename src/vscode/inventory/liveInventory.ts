import type { Hypervisor, HypervisorEvent } from '../../hypervisors/ports';
import { type ConnectionView, changedNodes, connectionId, connectionTree, type InventoryTree } from './inventoryTree';

export interface OpenedConnection {
  hypervisor: Hypervisor;
  /** Closes it and everything that was opened for it. */
  close(): Promise<void>;
}

export interface LiveInventoryOptions {
  connections: string[];
  open(connection: string): Promise<OpenedConnection>;
  /** Ids of nodes to redraw; undefined: the list of connections itself. */
  onChange(ids: string[] | undefined): void;
  onError(connection: string, error: unknown): void;
  /** How long events are gathered before they are looked up, in ms. */
  gatherMs?: number;
  /** How often a connection without events is read again while somebody looks, in ms. */
  pollMs?: number;
}

interface Connection {
  view: ConnectionView;
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
  private current = new Map<string, ReturnType<typeof connectionTree>>();

  constructor(private readonly options: LiveInventoryOptions) {
    for (const name of options.connections) {
      this.connections.set(name, {
        view: { name, phase: 'idle', capabilities: new Set() },
        dirty: undefined,
        due: 0,
        reading: false,
      });
      this.current.set(name, connectionTree({ name, phase: 'idle', capabilities: new Set() }));
    }
  }

  get views(): ConnectionView[] {
    return [...this.connections.values()].map(connection => connection.view);
  }

  /** Ids of the connections' nodes. */
  get roots(): string[] {
    return this.options.connections.map(connectionId);
  }

  node(id: string) {
    for (const tree of this.current.values()) {
      const node = tree.get(id);
      if (node) return node;
    }
    return undefined;
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
      } else if (connection.view.phase === 'idle') void this.connect(name);
      else if (connection.view.phase === 'connected') {
        if (!connection.opened?.hypervisor.events) connection.dirty = 'all';
        this.schedule(name, 0);
      }
    }
  }

  /** Reads everything again; connects what is not connected. */
  refresh(only?: string): void {
    for (const [name, connection] of this.connections) {
      if (only !== undefined && name !== only) continue;
      if (connection.view.phase === 'connected') {
        connection.dirty = 'all';
        this.schedule(name, 0);
      } else if (connection.view.phase !== 'connecting') void this.connect(name);
    }
  }

  /** Something that has no event may have changed it: read everything again, soon. Connects nothing. */
  touch(only?: string): void {
    for (const [name, connection] of this.connections) {
      if ((only !== undefined && name !== only) || connection.view.phase !== 'connected') continue;
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
    this.show(connection, { ...connection.view, phase: 'connecting', error: undefined });
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
      this.show(connection, { name, phase: 'connected', capabilities: hypervisor.capabilities, simulated, state });
      this.schedule(name);
    } catch (error) {
      this.fail(name, error);
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
    if (!connection || !this.visible || this.disposed || connection.view.phase !== 'connected') return;
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
      const known = connection.view.state;
      let state = known;
      if (dirty === 'all' || dirty.size > SINGLE_READS || !known) state = await hypervisor.state();
      else {
        const fresh = await Promise.all([...dirty].map(async uuid => ({ uuid, vm: await hypervisor.vm(uuid) })));
        const gone = new Set(fresh.filter(({ vm }) => !vm).map(({ uuid }) => uuid));
        const byUuid = new Map(fresh.flatMap(({ uuid, vm }) => (vm ? [[uuid, vm] as const] : [])));
        state = {
          ...known,
          vms: known.vms.filter(vm => !gone.has(vm.uuid)).map(vm => byUuid.get(vm.uuid) ?? vm),
        };
      }
      if (connection.opened?.hypervisor === hypervisor) this.show(connection, { ...connection.view, state });
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
    this.show(connection, { name, phase: 'failed', error: message, capabilities: new Set() });
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

  private show(connection: Connection, view: ConnectionView): void {
    const failed = this.allFailed;
    connection.view = view;
    const before: InventoryTree = this.current.get(view.name) ?? new Map();
    const after = connectionTree(view);
    this.current.set(view.name, after);
    const changed = failed === this.allFailed ? changedNodes(before, after) : undefined;
    if (changed?.length !== 0) this.options.onChange(changed);
  }

  /** Then a welcome view with a way to try again stands where the tree would. */
  get allFailed(): boolean {
    const views = this.views;
    return views.length > 0 && views.every(view => view.phase === 'failed');
  }
}
