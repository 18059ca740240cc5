/** libvirt's public constants, by the name they have there. Only what this client uses. */

export const DomainState = {
  running: 1,
  blocked: 2,
  paused: 3,
  shutdown: 4,
  shutoff: 5,
  crashed: 6,
  pmsuspended: 7,
} as const;
export const PausedReason = {
  user: 1,
  migration: 2,
  save: 3,
  dump: 4,
  ioError: 5,
  watchdog: 6,
  fromSnapshot: 7,
  shuttingDown: 8,
  snapshot: 9,
  crashed: 10,
  startingUp: 11,
  postcopy: 12,
  postcopyFailed: 13,
} as const;
export const ListDomains = { persistent: 4, transient: 8, hasSnapshot: 1 << 12 } as const;
export const ListPools = { active: 2 } as const;
export const Stats = { state: 1, cpuTotal: 2, balloon: 4, vcpu: 8, interface: 16, block: 32 } as const;
/** Skips what needs a busy VM's job lock instead of waiting for it. */
export const STATS_NOWAIT = 1 << 29;
export const DomainXml = { secure: 1, inactive: 2, updateCpu: 4, migratable: 8 } as const;
export const Start = { paused: 1, autodestroy: 2 } as const;
export const Shutdown = { acpi: 1, agent: 2 } as const;
export const Undefine = {
  managedSave: 1,
  snapshotsMetadata: 2,
  nvram: 4,
  keepNvram: 8,
  checkpointsMetadata: 16,
} as const;
export const SnapshotCreate = { diskOnly: 1 << 4, quiesce: 1 << 6, atomic: 1 << 7 } as const;
export const SnapshotDelete = { children: 1, metadataOnly: 2 } as const;
export const SnapshotRevert = { running: 1, paused: 2, force: 4 } as const;
export const BlockCommit = { shallow: 1, delete: 2, active: 4 } as const;
export const BlockJobAbort = { async: 1, pivot: 2 } as const;
export const Migrate = {
  live: 1,
  persistDest: 8,
  undefineSource: 16,
  nonSharedDisk: 64,
  changeProtection: 256,
  unsafe: 512,
  offline: 1024,
  abortOnError: 4096,
  autoConverge: 8192,
} as const;
export const JobType = { none: 0, bounded: 1, unbounded: 2, completed: 3, failed: 4, cancelled: 5 } as const;
/** Parameter `operation` of job stats. */
export const JobOperation = { migrationIn: 4, migrationOut: 5 } as const;
export const JobStats = { completed: 1 } as const;
/** Values of DOMAIN_AGENT_SET_RESPONSE_TIMEOUT below zero. */
export const AgentTimeout = { block: -2 } as const;
export const Feature = {
  migrationV3: 6,
  migrateChangeProtection: 7,
  keepAlive: 10,
  migrateOffline: 12,
  migrationParams: 13,
} as const;
export const EventId = {
  lifecycle: 0,
  reboot: 1,
  ioErrorReason: 6,
  deviceRemoved: 15,
  blockJob2: 16,
  agentLifecycle: 18,
  deviceAdded: 19,
  jobCompleted: 21,
} as const;
export const Lifecycle = {
  defined: 0,
  undefined: 1,
  started: 2,
  suspended: 3,
  resumed: 4,
  stopped: 5,
  shutdown: 6,
  pmsuspended: 7,
  crashed: 8,
} as const;
export const StoppedDetail = { crashed: 2 } as const;
export const CpuCompare = { incompatible: 0 } as const;
