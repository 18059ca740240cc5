import type { Capability } from '../capability';
import type { ConnectionState, HostLocks, Hypervisor, VmInfo, Volumes } from '../ports';
import { LibvirtConsoles } from './consoles';
import type { Side } from './disk-move';
import { LibvirtEvents } from './events';
import { LibvirtGuestAgent } from './guest-agent';
import { LibvirtImageBackup } from './image-backup';
import { InventoryState } from './inventory-state';
import type { LibvirtHost } from './libvirt-host';
import { LibvirtMigration } from './migration';
import { LibvirtPower } from './power';
import { LibvirtSnapshots } from './snapshots';
import { Storage } from './storage';

/** Since when libvirt has pull backups that survive its own restarts. */
const BACKUP_SINCE = 7_002_000;

/** One libvirt connection, open. After `closed` was told it stays closed; a new one must be made. */
export class LibvirtHypervisor implements Hypervisor {
  readonly kind = 'libvirt';
  readonly connection: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly power: LibvirtPower;
  readonly snapshots: LibvirtSnapshots;
  readonly volumes: Volumes;
  readonly migration?: LibvirtMigration;
  readonly imageBackup?: LibvirtImageBackup;
  readonly guestAgent?: LibvirtGuestAgent;
  readonly events: LibvirtEvents;
  readonly consoles?: LibvirtConsoles;
  readonly locks?: HostLocks;
  private readonly side: Side;
  private readonly inventory: InventoryState;

  constructor(
    host: LibvirtHost,
    libVersion: number,
    private readonly end: () => Promise<void>,
    locks?: HostLocks,
  ) {
    this.connection = host.name;
    this.locks = locks;
    const storage = new Storage(host);
    this.side = { host, storage };
    this.volumes = { list: datastore => storage.volumes(datastore) };
    this.inventory = new InventoryState(host, storage);
    this.power = new LibvirtPower(host);
    this.events = new LibvirtEvents(host, uuid => this.inventory.forget(uuid));
    const capabilities: Capability[] = ['power', 'snapshot', 'snapshot.memory', 'events'];
    if (host.driver === 'qemu') {
      this.guestAgent = new LibvirtGuestAgent(host);
      this.migration = new LibvirtMigration(this.side, other =>
        other instanceof LibvirtHypervisor ? other.side : undefined,
      );
      this.consoles = new LibvirtConsoles(host);
      capabilities.push('snapshot.quiesce', 'guest.agent', 'migrate.live', 'migrate.storage', 'console');
      if (libVersion >= BACKUP_SINCE) {
        this.imageBackup = new LibvirtImageBackup(host, storage, this.guestAgent);
        capabilities.push('backup.image');
      }
    }
    this.snapshots = new LibvirtSnapshots(host, storage, this.guestAgent);
    this.capabilities = new Set(capabilities);
  }

  state(): Promise<ConnectionState> {
    return this.inventory.read();
  }

  vm(uuidOrName: string): Promise<VmInfo | undefined> {
    return this.inventory.vm(uuidOrName);
  }

  close(): Promise<void> {
    return this.end();
  }
}
