import type { HeldLock } from './ports';

/** Without a heartbeat for so long, a holder is gone, or its computer sleeps. */
export const staleLockMs = 5 * 60_000;

export function isStale(lock: HeldLock): boolean {
  return lock.heartbeatAgeMs > staleLockMs;
}

/** How long it has been held, in ms. What its holder's clock says is only compared with itself. */
export function heldMs(lock: HeldLock): number {
  return lock.heartbeatAgeMs + Math.max(0, lock.heartbeatAt - lock.takenAt);
}
