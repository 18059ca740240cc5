import type { Capability } from '../../hypervisors/capability';
import type {
  DatastoreInfo,
  DiskInfo,
  HostInfo,
  NicInfo,
  SnapshotInfo,
  VmInfo,
  VolumeInfo,
} from '../../hypervisors/ports';

/** Where a connection stands. Its last known state stays visible while it connects again. */
export interface ConnectionView {
  name: string;
  phase: 'idle' | 'connecting' | 'connected' | 'failed';
  /** Why it failed, for people. */
  error?: string;
  capabilities: ReadonlySet<Capability>;
  /** No real hypervisor stands behind it; nobody should take it for one. */
  simulated?: boolean;
}

/** One datastore of a connection, whichever of its hosts see it. */
export interface DatastoreView extends Omit<DatastoreInfo, 'host'> {
  hosts: string[];
}

export type Grouping = 'host' | 'tag' | 'owner';

/** A node of the inventory view, as plain data. Ids stay the same while what they stand for does. */
export type InventoryNode = { id: string } & (
  | { kind: 'connection'; connection: string }
  | { kind: 'host'; connection: string; host: HostInfo }
  | { kind: 'group'; by: Exclude<Grouping, 'host'> /** '': those that have none. */; name: string }
  | { kind: 'vm'; connection: string; vm: VmInfo }
  | { kind: 'disk'; connection: string; vm: VmInfo; disk: DiskInfo }
  | { kind: 'nic'; connection: string; vm: VmInfo; nic: NicInfo }
  | { kind: 'snapshot'; connection: string; vm: VmInfo; snapshot: SnapshotInfo }
  | { kind: 'storage' }
  | { kind: 'datastore'; connection: string; datastore: DatastoreView }
  | { kind: 'volume'; connection: string; datastore: DatastoreView; volume: VolumeInfo }
  /** Stands for the children of `of` that are not shown yet. */
  | { kind: 'more'; of: string; left: number }
  /** Why something could not be listed. */
  | { kind: 'note'; of: string; text: string }
);
export type NodeKind = InventoryNode['kind'];
export type NodeOf<K extends NodeKind> = InventoryNode & { kind: K };

const id = (kind: NodeKind, ...parts: string[]) => `${kind}:${parts.map(encodeURIComponent).join('/')}`;

export const connectionId = (connection: string) => id('connection', connection);
export const hostId = (connection: string, host: string) => id('host', connection, host);
export const groupId = (by: 'tag' | 'owner', name: string) => id('group', by, name);
export const storageId = id('storage');
export const datastoreId = (connection: string, name: string) => id('datastore', connection, name);
export const volumeId = (connection: string, datastore: string, name: string) =>
  id('volume', connection, datastore, name);
export const moreId = (of: string) => id('more', of);
export const noteId = (of: string) => id('note', of);

/** `under`: the id of its parent, where that is not its host: a VM can stand at several places. */
export const vmId = (connection: string, uuid: string, under?: string) =>
  under === undefined ? id('vm', connection, uuid) : id('vm', connection, uuid, under);
/** `key`: a disk's target, a NIC's number, a snapshot's name. `of`: the VM's id. */
export const partId = (kind: 'disk' | 'nic' | 'snapshot', of: string, key: string) => id(kind, of, key);

export function parseId(id: string): { kind: string; parts: string[] } {
  const colon = id.indexOf(':');
  const rest = id.slice(colon + 1);
  return { kind: id.slice(0, colon), parts: rest === '' ? [] : rest.split('/').map(decodeURIComponent) };
}

/** web2 before web10, as people count. */
export const compareNames = new Intl.Collator(undefined, { numeric: true }).compare;
