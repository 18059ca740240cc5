import type { Capability } from './capability';

/** What a hypervisor tells about itself, and the small interfaces that actions act through. Implemented once per hypervisor. */

export type VmState = 'running' | 'paused' | 'shutoff' | 'crashed' | 'suspended' | 'unknown';

export interface DiskInfo {
  /** Device in the guest, e.g. `vda`. */
  target: string;
  /** Path or URL of the top image. */
  source: string;
  format: string;
  /** Datastore that holds it, where known. */
  datastore?: string;
  capacityBytes?: number;
  allocationBytes?: number;
  /** False for CD-ROMs and read-only media. */
  writable: boolean;
}

export interface NicInfo {
  mac: string;
  /** The network, bridge or device of the host that it is plugged into; undefined where that is not told. */
  network?: string;
  /** e.g. `virtio`. */
  model?: string;
}

export interface VmInfo {
  /** The identity, which follows the VM from host to host. Lower case, with dashes. */
  uuid: string;
  name: string;
  host: string;
  state: VmState;
  /** e.g. `I/O error`; shown beside the state. */
  stateReason?: string;
  vcpus: number;
  memoryMiB: number;
  persistent: boolean;
  disks: DiskInfo[];
  /** Undefined: not told. */
  nics?: NicInfo[];
  snapshotCount: number;
  /** Whether the agent's channel is connected; `unknown` until asked. */
  agent: 'connected' | 'disconnected' | 'none' | 'unknown';
}

export interface HostInfo {
  name: string;
  /** e.g. `QEMU 7.2.0, libvirt 9.0.0`. */
  version: string;
  cpus: number;
  memoryMiB: number;
  freeMemoryMiB?: number;
}

export interface DatastoreInfo {
  name: string;
  host: string;
  capacityBytes: number;
  freeBytes: number;
  /** The same storage is seen by several hosts (same path, shared). */
  shared?: boolean;
  path?: string;
}

/** A file or block device on a datastore. */
export interface VolumeInfo {
  name: string;
  /** As `DiskInfo.source` names it. */
  path: string;
  format?: string;
  capacityBytes: number;
  allocationBytes: number;
  /** Path of the image below: who uses this one uses that one too. */
  backing?: string;
}

export interface ConnectionState {
  hosts: HostInfo[];
  vms: VmInfo[];
  datastores: DatastoreInfo[];
}

export interface SnapshotInfo {
  name: string;
  createdAt: string;
  description?: string;
  /** With memory, reverting resumes the guest where it was; without, the guest boots from the disk state. */
  memory: boolean;
  current: boolean;
}

export interface Volumes {
  /** What lies on a datastore, by name. Rejects with `not-found` when there is no such datastore here. */
  list(datastore: string): Promise<VolumeInfo[]>;
}

export type Quiesce = 'require' | 'prefer' | 'no';
/** `application`: file systems were frozen by the agent. `memory`: RAM was saved too. `crash`: as after a power cut. `offline`: VM was off. */
export type Consistency = 'application' | 'memory' | 'crash' | 'offline';

/** Progress of a long job; `fraction` is 0…1 where it can be told. */
export type OnProgress = (progress: { fraction?: number; message?: string }) => void;

export interface CallOptions {
  /** Aborting must stop the work on the hypervisor too, and rejects with `cancelled` once that is confirmed. */
  signal?: AbortSignal;
  onProgress?: OnProgress;
}

export interface Power {
  start(uuid: string, options?: CallOptions): Promise<void>;
  /** Asks the guest; resolves when it is off; rejects with `timeout` if it is not off in time. */
  shutdown(uuid: string, options: CallOptions & { mode: 'auto' | 'agent' | 'acpi'; timeoutMs: number }): Promise<void>;
  /** Cuts the power. */
  destroy(uuid: string, options?: CallOptions): Promise<void>;
}

export interface Snapshots {
  list(uuid: string): Promise<SnapshotInfo[]>;
  /** Whatever happens, a guest that was frozen for it is thawed before this settles. */
  create(
    uuid: string,
    options: CallOptions & { name: string; description?: string; memory: boolean; quiesce: Quiesce },
  ): Promise<{ consistency: Consistency }>;
  /** Merges or drops it; the VM's state stays as it is now. */
  delete(uuid: string, name: string, options?: CallOptions): Promise<void>;
  /** Puts disks (and memory) back. `running` says whether the VM must run afterwards; default: as it was when the snapshot was taken. */
  revert(uuid: string, name: string, options?: CallOptions & { running?: boolean }): Promise<void>;
  /** Undoes a half-made snapshot of that name (stray overlay, frozen guest). Idempotent. */
  cleanUp(uuid: string, name: string): Promise<void>;
}

export interface MigrateOptions extends CallOptions {
  /** Where to; may be another connection of the same kind. */
  target: { hypervisor: Hypervisor; host: string };
  /** `shared`: both hosts see the disks. `copy`: disks are copied; needs room on the target. `auto`: look and decide. */
  storage: 'auto' | 'shared' | 'copy';
  live: boolean;
  autoConverge: boolean;
  /** 0: no bound. */
  bandwidthMiBps: number;
  /** For `copy`: volumes made for it carry this mark, so that a clean-up deletes only what this run made. */
  mark: string;
}

export interface MigrationReport {
  storage: 'shared' | 'copy';
  downtimeMs?: number;
  transferredBytes?: number;
  durationMs?: number;
}

export interface Migration {
  /** What stands in the way (snapshots, local media, CPU, space, …), each a sentence; empty: nothing. */
  blockers(uuid: string, options: MigrateOptions): Promise<string[]>;
  migrate(uuid: string, options: MigrateOptions): Promise<MigrationReport>;
  /**
   * After an interrupted migration: asks both hosts, finishes or cleans up what is safe to (a paused copy on a side that lost, volumes
   * with this run's mark), and says where the VM runs now. `undefined`: can't be told.
   */
  settle(uuid: string, options: MigrateOptions): Promise<'source' | 'target' | undefined>;
}

export interface GuestExecResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface GuestExecOptions {
  stdin?: string;
  timeoutMs: number;
  signal?: AbortSignal;
  onOutput?: (stream: 'stdout' | 'stderr', text: string) => void;
}

/** Runs a command in a guest or on a machine: argv, never a shell line. A non-zero code resolves; not being able to run rejects. */
export interface Exec {
  exec(argv: string[], options: GuestExecOptions): Promise<GuestExecResult>;
}

export interface GuestAgent {
  /** Resolves when the agent answers; rejects with `agent`. */
  ping(uuid: string, options: { timeoutMs: number }): Promise<void>;
  exec(uuid: string, argv: string[], options: GuestExecOptions): Promise<GuestExecResult>;
  /** Idempotent; number of file systems thawed. */
  thaw(uuid: string, options: { timeoutMs: number }): Promise<number>;
  isFrozen(uuid: string, options: { timeoutMs: number }): Promise<boolean>;
}

/** An NBD export of one disk, and the ways a proxy can reach it. */
export interface DiskExport {
  target: string;
  virtualSizeBytes: number;
  exportName: string;
  /** NBD server on TCP, as seen from other machines. */
  tcp?: { host: string; port: number };
  /** NBD server on a unix socket of the host; `open` gives a byte stream to it (through SSH where needed). */
  unix?: { path: string; host: string; open(): Promise<ByteStream> };
}

/** The first serial console of a VM: bytes both ways, as a terminal on a cable. It has no size that could be told. */
export interface Consoles {
  /**
   * One person at a time. `force`: takes it from whoever has it. Rejects with `busy` when somebody has it, `refused` when the VM is off or
   * has no serial console.
   */
  open(uuid: string, options: ConsoleOptions): Promise<ConsoleSession>;
}

export interface ConsoleOptions {
  force: boolean;
  onData(bytes: Uint8Array): void;
  /** Called once, unless `close` was called: the VM went off, somebody took the console, or (with an error) the connection was lost. */
  onEnd(error?: Error): void;
}

export interface ConsoleSession {
  write(bytes: Uint8Array): void;
  /** Gives the console back. Idempotent; resolves also when the connection is gone. */
  close(): Promise<void>;
}

/** A duplex byte stream (node's Duplex fits); pure rooms only pass it on. */
export interface ByteStream {
  destroy(error?: Error): void;
}

export interface BackupSession {
  consistency: Consistency;
  disks: DiskExport[];
  /** The domain's definition, kept beside the images so that a restore can define it again. */
  definition: string;
}

export interface ImageBackup {
  /** Starts the export. Thaws before it settles. `mark` (run/step) finds it again after a crash. Only one job per VM: rejects with `busy`. */
  begin(
    uuid: string,
    options: CallOptions & { quiesce: Quiesce; mark: string; disks?: string[]; transport: 'tcp' | 'unix' },
  ): Promise<BackupSession>;
  /** Ends the export and removes its scratch; idempotent; ends only the job with this mark. */
  end(uuid: string, mark: string): Promise<void>;
  /** Whether the job with this mark is still under way. */
  isActive(uuid: string, mark: string): Promise<boolean>;
}

export type HypervisorEvent =
  | {
      type: 'vm';
      uuid: string;
      name: string;
      what: 'defined' | 'undefined' | 'started' | 'stopped' | 'suspended' | 'resumed' | 'crashed' | 'changed';
    }
  | { type: 'closed'; error?: Error };

export interface Events {
  /** Returns how to stop listening. */
  subscribe(listener: (event: HypervisorEvent) => void): Promise<() => void>;
}

/** What a run holds so that nobody else acts on the same thing; kept where everybody looks, on the hypervisor's side. */
export interface LockRecord {
  /** What it is on: `vm UUID`, `host NAME` or `datastore NAME`. */
  name: string;
  /** For people, e.g. `VM web1`. */
  label: string;
  /** `user@machine`. */
  owner: string;
  runId: string;
  /** Grows with every taking of this lock, by whomever: an older holder can be told from a newer. */
  token: number;
  /** ms since 1970, by the holder's clock. */
  takenAt: number;
  heartbeatAt: number;
  /** For people: the runbook's name and, after an end in need of an operator, what is left. */
  note: string;
}

/** A lock as it is found. */
export interface HeldLock extends LockRecord {
  /** ms since the last heartbeat, by the clock of where it is kept: clocks of two holders can't be compared. */
  heartbeatAgeMs: number;
}

export interface HostLocks {
  /** Atomic among all who see this host. Ours already (same run): taken anew with a higher token. */
  take(
    lock: Omit<LockRecord, 'token' | 'takenAt' | 'heartbeatAt'>,
  ): Promise<{ taken: LockRecord } | { heldBy: HeldLock }>;
  /** Says that the holder lives, and looks whether it is still the holder. False: it is not; nothing was written. */
  heartbeat(lock: LockRecord): Promise<boolean>;
  /** Gives back what is still ours. Idempotent. */
  release(lock: LockRecord): Promise<void>;
  list(): Promise<HeldLock[]>;
  /** Whoever holds it, if it is still held with this token. False: it is not any more. */
  breakLock(name: string, token: number): Promise<boolean>;
}

/** An open connection. vSphere-like ones show many hosts, libvirt one. Every port that is missing is a capability it lacks. */
export interface Hypervisor {
  /** Its name in the inventory. */
  readonly connection: string;
  readonly kind: 'libvirt' | 'simulated';
  readonly capabilities: ReadonlySet<Capability>;
  /** Everything the tree and the plan show, in as few round trips as there can be. */
  state(): Promise<ConnectionState>;
  /** One VM by identity or name; undefined when it is not here. */
  vm(uuidOrName: string): Promise<VmInfo | undefined>;
  readonly power?: Power;
  readonly snapshots?: Snapshots;
  readonly volumes?: Volumes;
  readonly migration?: Migration;
  readonly imageBackup?: ImageBackup;
  readonly guestAgent?: GuestAgent;
  readonly events?: Events;
  readonly consoles?: Consoles;
  /** Absent: this connection keeps none. */
  readonly locks?: HostLocks;
  close(): Promise<void>;
}

/** A machine that moves backup data: reads exports into images and keeps them in its repository folder. */
export interface BackupProxy {
  readonly name: string;
  /** Folder under which backups live, as an absolute path on the proxy. */
  readonly directory: string;
  /** Which way it reads an export: straight over TCP, or relayed from the host's unix socket. */
  readonly transport: 'tcp' | 'unix';
  /** Reads a whole export into a new qcow2 (written as `.partial`, renamed when complete). Rejects and leaves nothing on abort. */
  readImage(
    source: DiskExport,
    path: string,
    options: CallOptions,
  ): Promise<{ path: string; sizeBytes: number; virtualSizeBytes: number }>;
  writeFile(path: string, text: string): Promise<void>;
  /** A small text file (a manifest); undefined when there is none. */
  readFile(path: string): Promise<string | undefined>;
  /** undefined when there is none. */
  stat(path: string): Promise<{ sizeBytes: number } | undefined>;
  freeBytes(): Promise<number>;
  /** Removes a file or folder this run made (and its `.partial`s). Idempotent. */
  remove(path: string): Promise<void>;
}

/** Network probes as seen from where the runner is. */
export interface Reach {
  tcp(host: string, port: number, options: { timeoutMs: number; signal?: AbortSignal }): Promise<void>;
  http(url: string, options: { timeoutMs: number; signal?: AbortSignal }): Promise<{ status: number; body: string }>;
}
