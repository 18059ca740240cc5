import type { BackupProxy, Exec, Hypervisor, Reach, VmInfo } from '../hypervisors/ports';

/** Where a VM was found. */
export interface VmLocation {
  hypervisor: Hypervisor;
  host: string;
  vm: VmInfo;
}

/** The inventory, alive: names to open connections. Connections open on first use and are shared. */
export interface Fleet {
  /** Names of all connections of the inventory. */
  readonly connections: string[];
  hypervisor(connection: string): Promise<Hypervisor>;
  /** The connection that shows this host. */
  host(name: string): Promise<Hypervisor>;
  /**
   * Finds a VM by name or uuid, wherever it is now: asks its last known place first, then every connection at once.
   * Found on two hosts (an interrupted migration, two VMs of one name): prefers the running one; two running of one name is refused.
   */
  locate(vm: string): Promise<VmLocation>;
  proxy(name: string): Promise<BackupProxy>;
  /** A way to run commands in a guest. `auto`: the agent where there is one, else SSH. */
  guest(vm: string, via: 'auto' | 'agent' | 'ssh'): Promise<Exec>;
  /** Where a guest is reached over the network, by name or uuid; undefined when the inventory doesn't say and nothing else knows. */
  address(vm: string): Promise<string | undefined>;
  readonly reach: Reach;
  close(): Promise<void>;
}
