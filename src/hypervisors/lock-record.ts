import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import type { HeldLock, LockRecord } from './ports';

/** What is kept of a lock that is held, in a file or in a simulated lab. */
export const LockRecordSchema = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    label: Type.String(),
    owner: Type.String(),
    runId: Type.String(),
    token: Type.Integer({ minimum: 1 }),
    takenAt: Type.Number(),
    heartbeatAt: Type.Number(),
    note: Type.String(),
  },
  { additionalProperties: false },
);

/** Without a heartbeat for so long, a holder is gone, or its computer sleeps. */
export const staleLockMs = 5 * 60_000;

export function isStale(lock: HeldLock): boolean {
  return lock.heartbeatAgeMs > staleLockMs;
}

/** How long it has been held, in ms. What its holder's clock says is only compared with itself. */
export function heldMs(lock: HeldLock): number {
  return lock.heartbeatAgeMs + Math.max(0, lock.heartbeatAt - lock.takenAt);
}

/** undefined: half written, or no such record. */
export function parseLockRecord(text: string): LockRecord | undefined {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return undefined;
  }
  return Value.Check(LockRecordSchema, data) ? (data satisfies Static<typeof LockRecordSchema>) : undefined;
}
