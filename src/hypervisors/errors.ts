/**
 * Why a call on a hypervisor failed, in the classes that the engine tells apart.
 * - `refused`: it said no and nothing changed (bad state, incompatible, blocked by snapshots, …)
 * - `not-found`: no such VM, snapshot, volume, …
 * - `busy`: another job or person holds it; waiting may help
 * - `unsupported`: this connection can't do it at all
 * - `no-space`: a datastore is full
 * - `agent`: the guest agent is missing or silent
 * - `timeout`: no answer in time; the outcome is NOT known
 * - `unreachable`: the connection could not be made or was lost; for a call under way the outcome is NOT known
 * - `cancelled`: stopped by our own signal, and confirmed stopped
 * - `failed`: it tried and failed, and said so
 */
export type HypervisorErrorKind =
  | 'refused'
  | 'not-found'
  | 'busy'
  | 'unsupported'
  | 'no-space'
  | 'agent'
  | 'timeout'
  | 'unreachable'
  | 'cancelled'
  | 'failed';

export class HypervisorError extends Error {
  override readonly name = 'HypervisorError';
  constructor(
    readonly kind: HypervisorErrorKind,
    /** A sentence that names the host or VM and what to do next. */
    message: string,
    readonly details: {
      connection?: string;
      host?: string;
      vm?: string;
      cause?: unknown;
      outcomeUnknown?: boolean;
    } = {},
  ) {
    super(message, { cause: details.cause });
  }
  /** True when the effect may or may not have happened: it must be probed, never repeated blindly. */
  get outcomeUnknown(): boolean {
    return this.details.outcomeUnknown ?? (this.kind === 'timeout' || this.kind === 'unreachable');
  }
}
