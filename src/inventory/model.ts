/** An inventory file as plain data. */
export interface Inventory {
  version: 1;
  connections: Record<string, ConnectionDefinition>;
  /** Named lists of hosts and VMs, used as `group:NAME`. */
  groups: Record<string, { hosts?: string[]; vms?: string[] }>;
  proxies: Record<string, ProxyDefinition>;
  /** What is known of VMs beyond what their hypervisor says. Need not list every VM. */
  vms: Record<string, VmDefinition>;
}

export type ConnectionDefinition = LibvirtConnection | SimulatedConnection;

export interface LibvirtConnection {
  type: 'libvirt';
  /** `qemu+ssh://[user@]host[:port]/system[?socket=PATH]`, `qemu:///system` or `qemu+unix:///system?socket=PATH`; `test+ssh://…/default` too. */
  uri: string;
  /** An OpenSSH client configuration to use instead of the user's own, relative to the inventory. */
  sshConfig?: string;
  /** Folder on the host for the locks of runs; `none`: no locks. Default `/var/lib/virtbook/locks`. */
  locks?: string;
  tags?: string[];
}

export interface SimulatedConnection {
  type: 'simulated';
  /** Simulated lab, relative to the inventory: its state lives here and changes as runs change it. */
  lab: string;
  /** Hosts of the lab that this connection shows; all of them when left out. */
  hosts?: string[];
  tags?: string[];
}

export interface ProxyDefinition {
  /** SSH target, e.g. `root@backup1` or a Host of the SSH configuration; `local` for this machine; `simulated`. */
  ssh: string;
  sshConfig?: string;
  directory: string;
  /** How it reaches a host's NBD export: straight over TCP, or relayed through the runner's SSH connections. */
  transport?: 'tcp' | 'relay';
}

export interface VmDefinition {
  owner?: string;
  tags?: string[];
  /** Where the guest is reached by `guest.run` over SSH and by checks, e.g. `root@10.0.0.5`. */
  ssh?: string;
  sshConfig?: string;
  address?: string;
}
