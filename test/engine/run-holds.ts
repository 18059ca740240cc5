import { expect } from 'vitest';
import type { JournalRecord, RunEnded } from '../../src/engine/journal';
import type { TestRun } from './harness';

export interface Outcome {
  ended: RunEnded;
  run: TestRun;
}

/** Nothing was done twice, what was taken back is gone, and whatever is not as the journal has it is named as left. */
export function holds({ ended, run }: Outcome): void {
  const { records } = run.journal;
  expect(run.world.violations).toEqual([]);
  const actual = run.world.snapshot();
  if (ended.status === 'rolled-back' || ended.status === 'failed') {
    expect(Object.keys(actual).filter(name => !name.includes('.finally'))).toEqual([]);
  }
  // Whatever is not as the journal has it is named by what is left.
  const named = new Set((ended.remaining ?? []).map(one => targetOf(run, one.key)));
  const told = accordingTo(records);
  for (const name of new Set([...Object.keys(actual), ...told.keys()])) {
    if (!named.has(name)) expect({ name, value: actual[name] ?? 0 }).toEqual({ name, value: told.get(name) ?? 0 });
  }
  if (ended.status === 'needs-operator') expect(ended.remaining!.length).toBeGreaterThan(0);
  const point = records.findIndex(record => record.type === 'noreturn.passed');
  if (point < 0) return;
  const before = new Set(records.slice(0, point).flatMap(one => (one.type === 'step.done' ? [one.key] : [])));
  const undone = records.slice(point).flatMap(one => (one.type === 'undo.intent' ? [one.key] : []));
  expect(undone.filter(key => before.has(key))).toEqual([]);
}

/** What all targets are, from what was done and undone. */
function accordingTo(records: readonly JournalRecord[]): Map<string, number> {
  const values = new Map<string, number>();
  const intents = new Map<string, { target: string; value: number; was: number }>();
  for (const record of records) {
    if (record.type === 'step.intent') {
      const { target, value } = record.inputs as { target: string; value: number };
      const { was } = record.before as { was: number };
      intents.set(`${record.key}#${record.attempt}`, { target, value, was });
    }
    if (record.type !== 'step.done' && record.type !== 'undo.done') continue;
    const intent = intents.get(`${record.key}#${record.attempt}`);
    if (intent) values.set(intent.target, record.type === 'step.done' ? intent.value : intent.was);
  }
  return values;
}

function targetOf(run: TestRun, key: string): string {
  const intent = run.journal.records.find(record => record.type === 'step.intent' && record.key === key);
  return intent?.type === 'step.intent' ? String(intent.inputs.target) : '';
}
