import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import type { LockRecord } from './ports';

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
