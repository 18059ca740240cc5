import { HypervisorError, type HypervisorErrorKind } from '../errors';
import type { WireError } from './generated/procedures';

/** libvirt's error numbers (virErrorNumber) that this client tells apart. */
export const errorCode = {
  internalError: 1,
  noSupport: 3,
  invalidArgument: 8,
  operationFailed: 9,
  domainExists: 28,
  operationDenied: 29,
  systemError: 38,
  rpc: 39,
  noDomain: 42,
  authFailed: 45,
  noStoragePool: 49,
  noStorageVolume: 50,
  operationInvalid: 55,
  configUnsupported: 67,
  operationTimeout: 68,
  noDomainSnapshot: 72,
  argumentUnsupported: 74,
  snapshotRevertRisky: 77,
  operationAborted: 78,
  noDomainMetadata: 80,
  migrateUnsafe: 81,
  blockCopyActive: 83,
  operationUnsupported: 84,
  agentUnresponsive: 86,
  resourceBusy: 87,
  accessDenied: 88,
  storageVolumeExists: 90,
  cpuIncompatible: 91,
  migrateFinishOk: 93,
  agentUnsynced: 97,
  deviceMissing: 99,
  noDomainCheckpoint: 103,
  noDomainBackup: 104,
  checkpointInconsistent: 109,
  multipleDomains: 110,
  agentCommandTimeout: 112,
  agentCommandFailed: 113,
} as const;

const kinds = new Map<number, HypervisorErrorKind>([
  [errorCode.noSupport, 'unsupported'],
  [errorCode.configUnsupported, 'unsupported'],
  [errorCode.argumentUnsupported, 'unsupported'],
  [errorCode.operationUnsupported, 'unsupported'],
  [errorCode.noDomain, 'not-found'],
  [errorCode.noStoragePool, 'not-found'],
  [errorCode.noStorageVolume, 'not-found'],
  [errorCode.noDomainSnapshot, 'not-found'],
  [errorCode.noDomainCheckpoint, 'not-found'],
  [errorCode.noDomainBackup, 'not-found'],
  [errorCode.noDomainMetadata, 'not-found'],
  [errorCode.deviceMissing, 'not-found'],
  [errorCode.invalidArgument, 'refused'],
  [errorCode.domainExists, 'refused'],
  [errorCode.operationDenied, 'refused'],
  [errorCode.authFailed, 'refused'],
  [errorCode.operationInvalid, 'refused'],
  [errorCode.snapshotRevertRisky, 'refused'],
  [errorCode.migrateUnsafe, 'refused'],
  [errorCode.accessDenied, 'refused'],
  [errorCode.storageVolumeExists, 'refused'],
  [errorCode.cpuIncompatible, 'refused'],
  [errorCode.checkpointInconsistent, 'refused'],
  [errorCode.blockCopyActive, 'busy'],
  [errorCode.resourceBusy, 'busy'],
  [errorCode.operationTimeout, 'timeout'],
  [errorCode.operationAborted, 'cancelled'],
  [errorCode.agentUnresponsive, 'agent'],
  [errorCode.agentUnsynced, 'agent'],
  [errorCode.agentCommandTimeout, 'agent'],
  [errorCode.agentCommandFailed, 'agent'],
]);

/** What libvirt answered instead of a result. `code` is its virErrorNumber, `text` its own words. */
export class LibvirtError extends HypervisorError {
  constructor(
    kind: HypervisorErrorKind,
    message: string,
    readonly code: number,
    readonly text: string,
    details: HypervisorError['details'],
  ) {
    super(kind, message, details);
  }
}

const next: Partial<Record<HypervisorErrorKind, string>> = {
  busy: 'Wait for the other job, or end it.',
  'no-space': 'Free space on the datastore.',
  agent: 'Check that qemu-guest-agent runs in the guest.',
};

export function fromWire(error: WireError, connection: string, call: string): LibvirtError {
  const text = error.message ?? `error ${error.code}`;
  const kind = kindOf(error.code, text);
  const vm = error.dom?.name;
  const hint = next[kind] ? ` ${next[kind]}` : '';
  return new LibvirtError(
    kind,
    `${connection}: libvirt: ${text}${/[.!?]$/.test(text) ? '' : '.'}${hint}`,
    error.code,
    text,
    { connection, host: connection, vm, cause: call, outcomeUnknown: kind === 'timeout' },
  );
}

function kindOf(code: number, text: string): HypervisorErrorKind {
  if (/no space left on device|disk quota exceeded/i.test(text)) return 'no-space';
  // The wait for the VM's job lock ran out: the call was never begun.
  if (code === errorCode.operationTimeout && /state change lock/i.test(text)) return 'busy';
  // Without the agent's channel or with a silent agent the code depends on the version; the words don't.
  if (/guest agent is not (connected|responding|available|configured)/i.test(text)) return 'agent';
  if (code === errorCode.argumentUnsupported && /guest agent/i.test(text)) return 'agent';
  if (/another job is|already has an? (active )?(block )?job|migration job is|active block job/i.test(text))
    return 'busy';
  return kinds.get(code) ?? 'failed';
}

/** Whether the error is libvirt's own with one of these codes. */
export function isLibvirt(error: unknown, ...codes: number[]): error is LibvirtError {
  return error instanceof LibvirtError && codes.includes(error.code);
}

/** Runs; gives undefined for "there is no such thing". */
export async function orUndefined<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof HypervisorError && error.kind === 'not-found') return undefined;
    throw error;
  }
}
