import type { Consistency, LockRecord } from '../ports';

/** The simulated lab's records. Never changed in place: an operation puts a new record in the place of the old one. */

export interface LabHost {
  cpus: number;
  memoryMiB: number;
  /** CPU model; what a `host-passthrough` VM is tied to. */
  cpu: string;
  /** x86-64 level 1…4 of that model; a VM with `x86-64-v3` runs on hosts of level 3 and up. */
  cpuLevel: number;
  version: string;
  /** Set while the host is gone; `until` (clock, ms) is when it is back, never when left out. */
  lost?: { until?: number };
}

/** A volume that an interrupted operation left behind. */
export interface StrayVolume {
  volume: string;
  sizeGiB: number;
  vm: string;
  /** Of the migration or snapshot that made it. */
  mark: string;
}

export interface LabDatastore {
  capacityGiB: number;
  /** Used by what the lab doesn't show. */
  usedByOthersGiB: number;
  hosts: string[];
  path: string;
  strays: StrayVolume[];
}

export interface LabPackageVersion {
  version: string;
  /** Its post-installation script fails, so apt fails and the package stays half configured. */
  postinst?: 'fails';
  rebootRequired?: boolean;
  /** A service that no longer comes up with this version, although apt is content. */
  breaksService?: string;
}

/** Package name to its versions, oldest first; the last one is what apt would install. */
export type LabRepository = Record<string, LabPackageVersion[]>;

export interface LabListener {
  port: number;
  /** Listens only while this service is active. */
  service?: string;
  http?: Record<string, { status: number; body: string }>;
}

/** What is on the disks of a VM, and so goes back when a snapshot is reverted. */
export interface LabGuest {
  os: string;
  address?: string;
  /** `hung`: its channel is connected and it never answers. */
  agent: 'running' | 'none' | 'hung';
  ssh: boolean;
  bootSeconds: number;
  shutdownSeconds: number;
  /** Never goes down when asked to. */
  ignoresShutdown: boolean;
  /** Name of the repository that apt uses. */
  repository?: string;
  packages: Record<string, { version: string; status: 'installed' | 'half-configured' }>;
  files: Record<string, string>;
  services: Record<string, 'active' | 'inactive' | 'failed'>;
  /** What is said of commands that the model doesn't know; they fail when left out. */
  otherCommands?: 'succeed';
  listens: LabListener[];
}

export interface LabDisk {
  target: string;
  datastore: string;
  /** File name on the datastore. */
  volume: string;
  format: 'qcow2' | 'raw';
  capacityGiB: number;
  allocatedGiB: number;
}

export interface LabNic {
  mac: string;
  network: string;
  model: string;
}

export type LabVmState = 'running' | 'paused' | 'shutoff' | 'crashed';

export interface LabSnapshot {
  name: string;
  description?: string;
  /** Clock, ms. */
  createdAt: number;
  memory: boolean;
  state: LabVmState;
  sizeGiB: number;
  datastore: string;
  guest: LabGuest;
  /** Snapshot that was the current one when this one was taken. */
  parent?: string;
}

export interface LabJob {
  kind: 'backup';
  mark: string;
  port: number;
  targets: string[];
  consistency: Consistency;
}

export interface LabVm {
  name: string;
  uuid: string;
  host: string;
  state: LabVmState;
  stateReason?: string;
  vcpus: number;
  memoryMiB: number;
  /** `x86-64-v1` … `x86-64-v4`, or `host-passthrough`. */
  cpu: string;
  /** Image in the CD-ROM drive, on the host's own disk. */
  cdrom?: string;
  /** Memory it writes per second; a migration slower than that never converges. */
  dirtyMiBps: number;
  disks: LabDisk[];
  nics?: LabNic[];
  guest: LabGuest;
  snapshots: LabSnapshot[];
  currentSnapshot?: string;
  /** File systems are frozen. */
  frozen: boolean;
  /** Its agent has stopped answering, until the guest boots. */
  agentSilent?: boolean;
  /** Clock, ms: until then a running guest is still booting. */
  readyAt: number;
  job?: LabJob;
}

export interface LabProxy {
  capacityGiB: number;
  /** Absolute path to what is there. `image` is what was on the disk when it was read. */
  files: Record<string, LabFile>;
}

export interface LabFile {
  sizeBytes: number;
  text?: string;
  image?: { vm: string; target: string; guest: LabGuest };
}

/** Stays when it is given back, so that its tokens only ever grow. */
export interface LabLock {
  token: number;
  held?: LockRecord;
}

export const GiB = 1024 ** 3;
