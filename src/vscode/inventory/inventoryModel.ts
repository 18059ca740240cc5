import type { Capability } from '../../hypervisors/capability';
import type {
  ConnectionState,
  DatastoreInfo,
  HostInfo,
  SnapshotInfo,
  VmInfo,
  VolumeInfo,
} from '../../hypervisors/ports';
import type { VmDefinition } from '../../inventory/model';
import { filterOf, type InventoryFilter, isFiltering, noFilter } from './inventoryFilter';
import {
  type ConnectionView,
  compareNames,
  connectionId,
  type DatastoreView,
  datastoreId,
  type Grouping,
  groupId,
  hostId,
  type InventoryNode,
  moreId,
  type NodeOf,
  noteId,
  parseId,
  partId,
  storageId,
  vmId,
  volumeId,
} from './inventoryTree';
import {
  type Row,
  rowOfConnection,
  rowOfDatastore,
  rowOfDisk,
  rowOfGroup,
  rowOfHost,
  rowOfMore,
  rowOfNic,
  rowOfNote,
  rowOfSnapshot,
  rowOfStorage,
  rowOfVm,
  rowOfVolume,
} from './rows';

/** What the view has to do so that it shows what the model holds. */
export interface Change {
  /** Nodes to draw again, with what is below them; undefined: the whole tree. */
  redraw: string[] | undefined;
  /** Hosts or VMs came or went. */
  names: boolean;
}

export interface Arrangement {
  grouping: Grouping;
  filter: InventoryFilter;
}

export interface InventoryModelOptions {
  connections: readonly string[];
  /** What the inventory file says of VMs, by name or uuid. */
  vms?: Readonly<Record<string, VmDefinition>>;
  /** Children of one node that are shown at first, and with each *Show more*. */
  pageSize?: number;
}

interface Held {
  view: ConnectionView;
  hosts: Map<string, HostInfo>;
  vms: Map<string, VmInfo>;
  /** VMs on each host, and how many of them run. */
  counts: Map<string, { vms: number; running: number }>;
  datastores: Map<string, DatastoreView>;
}

/** What is listed only when somebody looks: snapshots of a VM, volumes of a datastore. */
type Listed<T> = readonly T[] | { error: string };

/** From so many on, a change is drawn as a whole. */
const MANY = 200;

/**
 * The inventory as a tree: what its connections told, arranged and filtered. Lists are made when they are asked for and then kept
 * up, so that one VM that changes costs the same among ten thousand as among ten.
 */
export class InventoryModel {
  private readonly held = new Map<string, Held>();
  private readonly pageSize: number;
  private readonly known: Readonly<Record<string, VmDefinition>>;
  private arranged: Arrangement = { grouping: 'host', filter: noFilter };
  private fits = filterOf(noFilter);
  /** VMs below each host or group, in order; undefined: nobody has asked yet. */
  private lists: Map<string, string[]> | undefined;
  private readonly pages = new Map<string, number>();
  private readonly snapshots = new Map<string, Listed<SnapshotInfo>>();
  private readonly volumes = new Map<string, Listed<VolumeInfo>>();
  /** By image: VMs that use it. Made when a volume is looked at. */
  private users: Map<string, { connection: string; vm: VmInfo }[]> | undefined;
  /** VMs whose disks, NICs and snapshots were looked at. */
  private readonly opened = new Set<string>();
  /** Where a VM is, by name and by uuid; made when it is first asked for. */
  private named: Map<string, { connection: string; uuid: string }> | undefined;
  /** Ids under which a VM stands below volumes. */
  private readonly below = new Map<string, Set<string>>();

  constructor(options: InventoryModelOptions) {
    this.pageSize = options.pageSize ?? 200;
    this.known = options.vms ?? {};
    for (const name of options.connections)
      this.held.set(name, empty({ name, phase: 'idle', capabilities: new Set() }));
  }

  get arrangement(): Arrangement {
    return this.arranged;
  }

  /** Another grouping or filter; the whole tree changes. */
  arrange(arrangement: Arrangement): void {
    this.arranged = arrangement;
    this.fits = filterOf(arrangement.filter);
    this.lists = undefined;
    this.pages.clear();
  }

  connection(name: string): ConnectionView | undefined {
    return this.held.get(name)?.view;
  }

  get connections(): ConnectionView[] {
    return [...this.held.values()].map(held => held.view);
  }

  /** What a connection showed last; undefined: it has not been looked at, or has failed. */
  state(name: string): ConnectionState | undefined {
    const held = this.held.get(name);
    if (!held || (held.hosts.size === 0 && held.vms.size === 0)) return undefined;
    const datastores = [...held.datastores.values()].flatMap(({ hosts, ...store }) =>
      hosts.map((host): DatastoreInfo => ({ ...store, host })),
    );
    return { hosts: [...held.hosts.values()], vms: [...held.vms.values()], datastores };
  }

  *allVms(): Generator<NodeOf<'vm'>> {
    for (const [connection, { vms }] of this.held)
      for (const vm of vms.values()) yield { kind: 'vm', id: vmId(connection, vm.uuid), connection, vm };
  }

  /** By name or uuid. Asked once for each name that completion offers, so no walk through all VMs. */
  vmNamed(name: string): NodeOf<'vm'> | undefined {
    if (!this.named) {
      this.named = new Map();
      for (const { connection, vm } of this.allVms())
        for (const key of [vm.uuid, vm.name])
          if (!this.named.has(key)) this.named.set(key, { connection, uuid: vm.uuid });
    }
    const found = this.named.get(name);
    const vm = found && this.held.get(found.connection)?.vms.get(found.uuid);
    return vm && { kind: 'vm', id: vmId(found.connection, vm.uuid), connection: found.connection, vm };
  }

  *allHosts(): Generator<NodeOf<'host'>> {
    for (const [connection, { hosts }] of this.held)
      for (const host of hosts.values()) yield { kind: 'host', id: hostId(connection, host.name), connection, host };
  }

  /** How many VMs there are, and how many of them are shown. */
  get size(): { all: number; shown: number } {
    let [all, shown] = [0, 0];
    for (const { vms } of this.held.values()) {
      all += vms.size;
      for (const vm of vms.values()) if (this.fits(vm, this.knownOf(vm))) shown++;
    }
    return { all, shown };
  }

  knownOf(vm: VmInfo): VmDefinition | undefined {
    return this.known[vm.name] ?? this.known[vm.uuid];
  }

  countsOf(connection: string, host: string): { vms: number; running: number } {
    return this.held.get(connection)?.counts.get(host) ?? { vms: 0, running: 0 };
  }

  /** A connection as it stands now. `state`: all it shows; undefined leaves what was seen last, `null` forgets it. */
  setConnection(view: ConnectionView, state?: ConnectionState | null): Change {
    const before = this.held.get(view.name);
    if (!before) return { redraw: [], names: false };
    if (state === undefined || (state !== null && before.view.phase === 'connected' && view.phase === 'connected')) {
      const rowChanged = !sameRow(this.connectionRow(before), this.connectionRow({ ...before, view }));
      const standing = before.view.phase !== view.phase;
      before.view = view;
      const change = state ? this.compare(before, state) : { redraw: [], names: false };
      if (!change.redraw || !(standing || rowChanged)) return change;
      // Actions of its VMs depend on whether it is connected.
      if (this.arranged.grouping !== 'host') return { redraw: undefined, names: change.names };
      return { redraw: this.outermost([...change.redraw, connectionId(view.name)]), names: change.names };
    }
    this.held.set(view.name, state ? filled(view, state) : empty(view));
    this.forgetLists(view.name);
    const storage = before.datastores.size > 0 || (state?.datastores.length ?? 0) > 0;
    const redraw = this.arranged.grouping !== 'host' || storage ? undefined : [connectionId(view.name)];
    return { redraw, names: before.hosts.size > 0 || state !== null };
  }

  /** One VM as it is now; undefined: it is gone. */
  setVm(connection: string, uuid: string, vm: VmInfo | undefined): Change {
    const held = this.held.get(connection);
    const before = held?.vms.get(uuid);
    if (!held || (!before && !vm) || (before && vm && sameVm(before, vm))) return { redraw: [], names: false };
    if (vm) held.vms.set(uuid, vm);
    else held.vms.delete(uuid);
    if (before) count(held, before, -1);
    if (vm) count(held, vm, 1);
    const names = before?.name !== vm?.name;
    if (names) this.named = undefined;
    const images = names || imagesOf(before) !== imagesOf(vm);
    if (images) this.users = undefined;
    const drawn = !before || !vm || this.looksDifferent(connection, before, vm);
    const from = before ? this.parents(connection, before) : [];
    const to = vm ? this.parents(connection, vm) : [];
    const redraw: string[] = [];
    let all = false;
    const touched = (parent: string, wasEmpty: boolean): void => {
      const above = wasEmpty && this.isHiddenWhenEmpty ? this.parent(parent) : parent;
      if (above === undefined) all = true;
      else redraw.push(above);
    };
    for (const parent of from) {
      if (to.includes(parent) && !names) continue;
      const list = this.lists?.get(parent);
      if (list) remove(list, this.childId(connection, uuid, parent));
      touched(parent, list?.length === 0);
    }
    for (const parent of to) {
      const child = this.childId(connection, uuid, parent);
      if (from.includes(parent) && !names) {
        if (drawn) redraw.push(child);
        continue;
      }
      const list = this.lists?.get(parent);
      if (list) this.insert(list, child);
      else this.lists?.set(parent, [child]);
      touched(parent, list === undefined || list.length === 1);
    }
    // Hosts say how many VMs they have, whichever of them are shown.
    if (this.arranged.grouping === 'host' && before?.host !== vm?.host) {
      for (const one of [before, vm]) if (one && held.hosts.has(one.host)) redraw.push(hostId(connection, one.host));
    }
    // Volumes that were listed say who uses them.
    if (images) redraw.push(...this.volumes.keys());
    if (drawn) redraw.push(...(this.below.get(vmId(connection, uuid)) ?? []));
    return { redraw: all ? undefined : this.outermost(redraw), names };
  }

  /** A disk that grows shows only where the disks do. */
  private looksDifferent(connection: string, before: VmInfo, after: VmInfo): boolean {
    if (this.opened.has(vmId(connection, after.uuid))) return true;
    const capabilities = this.capabilitiesOf(connection);
    return !sameRow(rowOfVm(before, capabilities), rowOfVm(after, capabilities));
  }

  setSnapshots(connection: string, uuid: string, listed: Listed<SnapshotInfo>): void {
    this.snapshots.set(vmId(connection, uuid), listed);
  }

  setVolumes(connection: string, datastore: string, listed: Listed<VolumeInfo>): void {
    this.volumes.set(datastoreId(connection, datastore), listed);
  }

  /** Shows one page more of a node's children. */
  showMore(of: string): void {
    this.pages.set(of, (this.pages.get(of) ?? 1) + 1);
  }

  /** The id under which a VM or host stands in the tree, with as many pages shown as that takes; undefined: it is filtered out. */
  place(node: NodeOf<'vm'> | NodeOf<'host'>): string | undefined {
    if (node.kind === 'host') {
      if (this.arranged.grouping !== 'host') return undefined;
      this.showUpTo(connectionId(node.connection), hostId(node.connection, node.host.name));
      return hostId(node.connection, node.host.name);
    }
    const [parent] = this.parents(node.connection, node.vm);
    if (parent === undefined) return undefined;
    const child = this.childId(node.connection, node.vm.uuid, parent);
    const above = this.parent(parent);
    if (above !== undefined) this.showUpTo(above, parent);
    this.showUpTo(parent, child);
    return child;
  }

  private showUpTo(parent: string, child: string): void {
    const at = this.allChildren(parent).indexOf(child);
    const needed = Math.ceil((at + 1) / this.pageSize);
    if (needed > (this.pages.get(parent) ?? 1)) this.pages.set(parent, needed);
  }

  get roots(): string[] {
    const storage = [...this.held.values()].some(held => held.datastores.size > 0) ? [storageId] : [];
    const connections = [...this.held.keys()];
    if (this.arranged.grouping === 'host') return [...connections.map(connectionId), ...storage];
    // What is not connected would otherwise be missed, and could not be tried again.
    const apart = connections.filter(name => this.held.get(name)?.view.phase !== 'connected');
    return [...apart.map(connectionId), ...this.groups(), ...storage];
  }

  /** What is shown below a node: one page, or as many as were asked for. */
  children(id: string): string[] {
    const all = this.allChildren(id);
    const shown = this.pageSize * (this.pages.get(id) ?? 1);
    // A page of one more line would hold what it stands for.
    return all.length <= shown + 1 ? all : [...all.slice(0, shown), moreId(id)];
  }

  private allChildren(id: string): string[] {
    const node = this.node(id);
    switch (node?.kind) {
      case 'connection': {
        if (this.arranged.grouping !== 'host') return [];
        const hosts = [...(this.held.get(node.connection)?.hosts.keys() ?? [])].sort(compareNames);
        const ids = hosts.map(host => hostId(node.connection, host));
        return this.isHiddenWhenEmpty ? ids.filter(host => this.listOf(host).length > 0) : ids;
      }
      case 'host':
      case 'group':
        return this.listOf(id);
      case 'vm':
        return parseId(id).parts[2]?.startsWith('volume:') ? [] : this.partsOf(node);
      case 'storage':
        return [...this.held].flatMap(([connection, { datastores }]) =>
          [...datastores.keys()].sort(compareNames).map(name => datastoreId(connection, name)),
        );
      case 'datastore': {
        const listed = this.volumes.get(id) ?? [];
        if (!isList(listed)) return [noteId(id)];
        return listed.map(volume => volumeId(node.connection, node.datastore.name, volume.name));
      }
      case 'volume':
        return this.usersOf(node).map(({ connection, vm }) => {
          const below = vmId(connection, vm.uuid, id);
          const key = vmId(connection, vm.uuid);
          const places = this.below.get(key);
          if (places) places.add(below);
          else this.below.set(key, new Set([below]));
          return below;
        });
      default:
        return [];
    }
  }

  private partsOf({ id, vm, connection }: NodeOf<'vm'>): string[] {
    this.opened.add(vmId(connection, vm.uuid));
    const listed = this.snapshots.get(vmId(connection, vm.uuid)) ?? [];
    return [
      ...vm.disks.map(disk => partId('disk', id, disk.target)),
      ...(vm.nics ?? []).map((_, index) => partId('nic', id, String(index))),
      ...(isList(listed) ? listed.map(snapshot => partId('snapshot', id, snapshot.name)) : [noteId(id)]),
    ];
  }

  parent(id: string): string | undefined {
    const { kind, parts } = parseId(id);
    const [first = '', second = '', third] = parts;
    switch (kind) {
      case 'host':
        return connectionId(first);
      case 'vm': {
        if (third !== undefined) return third;
        const vm = this.held.get(first)?.vms.get(second);
        return vm && hostId(first, vm.host);
      }
      case 'disk':
      case 'nic':
      case 'snapshot':
      case 'more':
      case 'note':
        return first;
      case 'datastore':
        return storageId;
      case 'volume':
        return datastoreId(first, second);
      default:
        return undefined;
    }
  }

  node(id: string): InventoryNode | undefined {
    const { kind, parts } = parseId(id);
    const [first = '', second = '', third = ''] = parts;
    switch (kind) {
      case 'connection':
        return this.held.has(first) ? { kind, id, connection: first } : undefined;
      case 'host': {
        const host = this.held.get(first)?.hosts.get(second);
        return host && { kind, id, connection: first, host };
      }
      case 'group':
        return first === 'tag' || first === 'owner' ? { kind, id, by: first, name: second } : undefined;
      case 'vm': {
        const vm = this.held.get(first)?.vms.get(second);
        return vm && { kind, id, connection: first, vm };
      }
      case 'disk':
      case 'nic':
      case 'snapshot':
        return this.part(kind, id, first, second);
      case 'storage':
        return { kind, id };
      case 'datastore': {
        const datastore = this.held.get(first)?.datastores.get(second);
        return datastore && { kind, id, connection: first, datastore };
      }
      case 'volume': {
        const datastore = this.held.get(first)?.datastores.get(second);
        const listed = this.volumes.get(datastoreId(first, second)) ?? [];
        const volume = isList(listed) ? listed.find(one => one.name === third) : undefined;
        return datastore && volume && { kind, id, connection: first, datastore, volume };
      }
      case 'more': {
        const left = this.allChildren(first).length - this.pageSize * (this.pages.get(first) ?? 1);
        return left > 0 ? { kind, id, of: first, left } : undefined;
      }
      case 'note': {
        const listed: Listed<unknown> | undefined = this.snapshots.get(this.plain(first)) ?? this.volumes.get(first);
        return listed && !isList(listed) ? { kind, id, of: first, text: listed.error } : undefined;
      }
      default:
        return undefined;
    }
  }

  /** How a node is drawn. */
  row(node: InventoryNode): Row {
    switch (node.kind) {
      case 'connection':
        return this.connectionRow(this.held.get(node.connection)!);
      case 'host':
        return rowOfHost(node.host, this.countsOf(node.connection, node.host.name));
      case 'group':
        return rowOfGroup(node, this.listOf(node.id).length);
      case 'vm':
        return rowOfVm(node.vm, this.capabilitiesOf(node.connection), this.knownOf(node.vm));
      case 'disk':
        return rowOfDisk(node.disk, node.vm);
      case 'nic':
        return rowOfNic(node.nic, node.vm);
      case 'snapshot':
        return rowOfSnapshot(node.snapshot, node.vm);
      case 'storage':
        return rowOfStorage(this.allChildren(node.id).length);
      case 'datastore':
        return rowOfDatastore(node.datastore);
      case 'volume':
        return rowOfVolume(
          node.volume,
          this.usersOf(node).map(({ vm }) => vm.name),
        );
      case 'more':
        return rowOfMore(node.left, this.pageSize);
      case 'note':
        return rowOfNote(node.text);
    }
  }

  private capabilitiesOf(connection: string): ReadonlySet<Capability> {
    const view = this.held.get(connection)?.view;
    return view?.phase === 'connected' ? view.capabilities : new Set();
  }

  private part(kind: 'disk' | 'nic' | 'snapshot', id: string, of: string, key: string): InventoryNode | undefined {
    const owner = this.node(of);
    if (owner?.kind !== 'vm') return undefined;
    const { connection, vm } = owner;
    if (kind === 'disk') {
      const disk = vm.disks.find(one => one.target === key);
      return disk && { kind, id, connection, vm, disk };
    }
    if (kind === 'nic') {
      const nic = vm.nics?.[Number(key)];
      return nic && { kind, id, connection, vm, nic };
    }
    const listed = this.snapshots.get(vmId(connection, vm.uuid)) ?? [];
    const snapshot = isList(listed) ? listed.find(one => one.name === key) : undefined;
    return snapshot && { kind, id, connection, vm, snapshot };
  }

  /** A VM's id without the place it stands at. */
  private plain(id: string): string {
    const { kind, parts } = parseId(id);
    return kind === 'vm' ? vmId(parts[0] ?? '', parts[1] ?? '') : id;
  }

  /** VMs that use a volume, itself or as the image below theirs. */
  usersOf({ connection, datastore, volume }: NodeOf<'volume'>): { connection: string; vm: VmInfo }[] {
    this.users ??= this.indexUsers();
    const found = new Map<string, { connection: string; vm: VmInfo }>();
    const listed = this.volumes.get(datastoreId(connection, datastore.name)) ?? [];
    const paths = new Set([volume.path]);
    // What lies on top of it, and on top of that; a set grows while it is gone through.
    for (const path of paths) {
      for (const one of isList(listed) ? listed : []) if (one.backing === path) paths.add(one.path);
      for (const user of this.users.get(path) ?? []) {
        if (this.sees(user, path, connection, datastore)) found.set(vmId(user.connection, user.vm.uuid), user);
      }
    }
    return [...found.values()].sort((one, other) => compareNames(one.vm.name, other.vm.name));
  }

  /** Whether the image that a VM names by this path is the one on this datastore: equal paths on two hosts are two images, unless shared. */
  private sees(
    user: { connection: string; vm: VmInfo },
    path: string,
    connection: string,
    datastore: DatastoreView,
  ): boolean {
    const disk = user.vm.disks.find(one => one.source === path);
    if (user.connection === connection) return disk?.datastore === undefined || disk.datastore === datastore.name;
    const theirs = this.held.get(user.connection)?.datastores.get(disk?.datastore ?? '');
    return datastore.shared === true && theirs?.shared === true && theirs.path === datastore.path;
  }

  private indexUsers(): Map<string, { connection: string; vm: VmInfo }[]> {
    const users = new Map<string, { connection: string; vm: VmInfo }[]>();
    for (const [connection, { vms }] of this.held) {
      for (const vm of vms.values()) {
        for (const { source } of vm.disks) {
          const list = users.get(source);
          if (list) list.push({ connection, vm });
          else users.set(source, [{ connection, vm }]);
        }
      }
    }
    return users;
  }

  /** Ids of hosts or groups below which a VM stands now. */
  private parents(connection: string, vm: VmInfo): string[] {
    const known = this.knownOf(vm);
    if (!this.fits(vm, known)) return [];
    switch (this.arranged.grouping) {
      case 'host':
        return [hostId(connection, vm.host)];
      case 'owner':
        return [groupId('owner', known?.owner ?? '')];
      case 'tag': {
        const tags = [...new Set(known?.tags ?? [])];
        return (tags.length > 0 ? tags : ['']).map(tag => groupId('tag', tag));
      }
    }
  }

  private childId(connection: string, uuid: string, parent: string): string {
    return this.arranged.grouping === 'host' ? vmId(connection, uuid) : vmId(connection, uuid, parent);
  }

  /** Groups always, hosts while a filter is on: one without VMs would only be in the way. */
  private get isHiddenWhenEmpty(): boolean {
    return this.arranged.grouping !== 'host' || isFiltering(this.arranged.filter);
  }

  private groups(): string[] {
    this.lists ??= this.makeLists();
    const names = [...this.lists].flatMap(([id, list]) =>
      list.length > 0 ? [{ id, name: parseId(id).parts[1] ?? '' }] : [],
    );
    // Those that have no tag or owner come last.
    names.sort(
      (one, other) => Number(one.name === '') - Number(other.name === '') || compareNames(one.name, other.name),
    );
    return names.map(({ id }) => id);
  }

  private listOf(parent: string): string[] {
    this.lists ??= this.makeLists();
    return this.lists.get(parent) ?? [];
  }

  private makeLists(): Map<string, string[]> {
    const sorted: { connection: string; vm: VmInfo }[] = [];
    for (const [connection, { vms }] of this.held) for (const vm of vms.values()) sorted.push({ connection, vm });
    sorted.sort((one, other) => compareVms(one, other));
    const lists = new Map<string, string[]>();
    for (const { connection, vm } of sorted) {
      for (const parent of this.parents(connection, vm)) {
        const child = this.childId(connection, vm.uuid, parent);
        const list = lists.get(parent);
        if (list) list.push(child);
        else lists.set(parent, [child]);
      }
    }
    return lists;
  }

  /** Where it belongs, found by halving. */
  private insert(list: string[], child: string): void {
    const entry = (id: string) => {
      const { parts } = parseId(id);
      const [connection = '', uuid = ''] = parts;
      return { connection, vm: this.held.get(connection)?.vms.get(uuid) };
    };
    const added = entry(child);
    let [from, to] = [0, list.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (compareVms(entry(list[middle]!), added) < 0) from = middle + 1;
      else to = middle;
    }
    list.splice(from, 0, child);
  }

  private forgetLists(connection: string): void {
    this.lists = undefined;
    this.named = undefined;
    this.users = undefined;
    const stale = (id: string) => parseId(id).parts[0] === connection;
    for (const map of [this.snapshots, this.volumes, this.below])
      for (const id of map.keys()) if (stale(id)) map.delete(id);
  }

  /** Everything a connection shows, read again. */
  private compare(held: Held, state: ConnectionState): Change {
    const { name } = held.view;
    const hosts = new Map(state.hosts.map(host => [host.name, host]));
    const structure = hosts.size !== held.hosts.size || [...hosts.keys()].some(host => !held.hosts.has(host));
    const uuids = new Set(state.vms.map(vm => vm.uuid));
    const gone = [...held.vms.keys()].filter(uuid => !uuids.has(uuid));
    const changed = state.vms.filter(vm => {
      const before = held.vms.get(vm.uuid);
      return !before || !sameVm(before, vm);
    });
    const datastores = merged(state.datastores);
    const otherStores =
      datastores.size !== held.datastores.size || [...datastores.keys()].some(store => !held.datastores.has(store));
    if (structure || gone.length + changed.filter(vm => !held.vms.has(vm.uuid)).length > MANY) {
      this.held.set(name, filled(held.view, state));
      this.forgetLists(name);
      return { redraw: undefined, names: true };
    }
    const redraw: string[] = [];
    let [names, all] = [false, false];
    const take = (change: Change): void => {
      if (change.redraw) redraw.push(...change.redraw);
      else all = true;
      names ||= change.names;
    };
    const rows = [...held.hosts.keys()].map(host => this.hostRow(held, host));
    for (const uuid of gone) take(this.setVm(name, uuid, undefined));
    for (const vm of changed) take(this.setVm(name, vm.uuid, vm));
    held.hosts = hosts;
    [...hosts.keys()].forEach((host, at) => {
      const [before, after] = [rows[at], this.hostRow(held, host)];
      if (before && after && !sameRow(before, after)) redraw.push(hostId(name, host));
    });
    if (otherStores) all = true;
    for (const [store, now] of datastores) {
      const before = held.datastores.get(store);
      if (before && !sameRow(rowOfDatastore(before), rowOfDatastore(now))) redraw.push(datastoreId(name, store));
    }
    held.datastores = datastores;
    if (!all && redraw.length > MANY && this.arranged.grouping === 'host') redraw.push(connectionId(name));
    return { redraw: all ? undefined : this.outermost(redraw), names };
  }

  private hostRow(held: Held, host: string): Row | undefined {
    const info = held.hosts.get(host);
    return info && rowOfHost(info, this.countsOf(held.view.name, host));
  }

  private connectionRow(held: Held): Row {
    return rowOfConnection(held.view, held.hosts.size);
  }

  /** Without those that are drawn again with one above them. */
  private outermost(ids: string[]): string[] {
    const wanted = new Set(ids);
    return [...wanted].filter(id => {
      for (let above = this.parent(id); above !== undefined; above = this.parent(above))
        if (wanted.has(above)) return false;
      return true;
    });
  }
}

function compareVms(
  one: { connection: string; vm: VmInfo | undefined },
  other: { connection: string; vm: VmInfo | undefined },
): number {
  return (
    compareNames(one.vm?.name ?? '', other.vm?.name ?? '') ||
    compareNames(one.connection, other.connection) ||
    compareNames(one.vm?.uuid ?? '', other.vm?.uuid ?? '')
  );
}

function remove(list: string[], child: string): void {
  const at = list.indexOf(child);
  if (at >= 0) list.splice(at, 1);
}

function isList<T>(listed: readonly T[] | { error: string }): listed is readonly T[] {
  return Array.isArray(listed);
}

function imagesOf(vm: VmInfo | undefined): string {
  return vm?.disks.map(disk => disk.source).join('\n') ?? '';
}

/** What is told of a VM is plain data, and small. */
function sameVm(one: VmInfo, other: VmInfo): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

/** Tooltips are made when they are asked for, so they don't count. */
function sameRow(one: Row, other: Row): boolean {
  return JSON.stringify({ ...one, facts: undefined }) === JSON.stringify({ ...other, facts: undefined });
}

function empty(view: ConnectionView): Held {
  return { view, hosts: new Map(), vms: new Map(), counts: new Map(), datastores: new Map() };
}

function filled(view: ConnectionView, state: ConnectionState): Held {
  const held: Held = {
    ...empty(view),
    hosts: new Map(state.hosts.map(host => [host.name, host])),
    vms: new Map(state.vms.map(vm => [vm.uuid, vm])),
    datastores: merged(state.datastores),
  };
  for (const vm of held.vms.values()) count(held, vm, 1);
  return held;
}

function count(held: Held, vm: VmInfo, by: 1 | -1): void {
  const { vms, running } = held.counts.get(vm.host) ?? { vms: 0, running: 0 };
  held.counts.set(vm.host, { vms: vms + by, running: running + (vm.state === 'running' ? by : 0) });
}

function merged(datastores: readonly DatastoreInfo[]): Map<string, DatastoreView> {
  const views = new Map<string, DatastoreView>();
  for (const { host, ...store } of datastores) {
    const known = views.get(store.name);
    if (known) known.hosts.push(host);
    else views.set(store.name, { ...store, hosts: [host] });
  }
  return views;
}
