import type { Runs } from '../../runner/contract';
import { exitCodes } from '../../runner/exit-codes';
import { openRuns } from '../../runner/runs';
import { askChoice } from '../ask';
import { printable, type Terminal } from '../terminal';
import { UsageError } from '../usage-error';
import { watchRun } from '../watch-run';

export interface ControlOptions {
  detach?: boolean;
  format: 'text' | 'json';
}

const live = new Set(['submitted', 'running', 'waiting', 'rolling-back']);

/** Goes on with a run; one that is running is attached to, so that its questions can be answered. */
export async function resume(name: string, options: ControlOptions, terminal: Terminal): Promise<number> {
  const runs = openRuns();
  const runId = await runs.find(name);
  if (!live.has((await runs.read(runId)).status)) await runs.resume(runId);
  return watchUnlessDetached(runs, runId, options, terminal);
}

export async function rollback(name: string, options: ControlOptions, terminal: Terminal): Promise<number> {
  const runs = openRuns();
  const runId = await runs.find(name);
  await runs.rollback(runId);
  return watchUnlessDetached(runs, runId, options, terminal);
}

export async function cancel(
  name: string,
  options: ControlOptions & { keep?: boolean; rollback?: boolean },
  terminal: Terminal,
): Promise<number> {
  const runs = openRuns();
  const runId = await runs.find(name);
  if (options.keep && options.rollback) throw new UsageError('Give --keep or --rollback, not both.');
  let mode: 'keep' | 'rollback' | undefined = options.keep ? 'keep' : options.rollback ? 'rollback' : undefined;
  if (!mode) {
    if (!terminal.interactive) {
      throw new UsageError('Say what becomes of what was done: --keep, or --rollback.');
    }
    const answer = await askChoice(terminal, `Stop ${runId}?`, [
      { id: 'keep', key: 'k', label: 'keep what was done (the step under way is undone)' },
      { id: 'rollback', key: 'r', label: 'roll everything back' },
      { id: 'no', key: 'n', label: 'do not stop it' },
    ]);
    if (answer !== 'keep' && answer !== 'rollback') return exitCodes.problems;
    mode = answer;
  }
  const { noReturn } = await runs.read(runId);
  await runs.cancel(runId, mode);
  if (mode === 'rollback' && noReturn !== undefined && options.format === 'text') {
    terminal.write(
      `${runId} has passed its point of no return (${printable(noReturn)}), so it is stopped and what was done is kept, as with --keep.\n`,
    );
  }
  return watchUnlessDetached(runs, runId, options, terminal);
}

/** It goes to its next stop point by itself, which may take as long as the step under way: nobody waits for that here. */
export async function pause(name: string, terminal: Terminal): Promise<number> {
  const runs = openRuns();
  const runId = await runs.find(name);
  await runs.pause(runId);
  terminal.write(`${runId} stands before its next step. Let it go on: virtbook continue ${runId}\n`);
  return exitCodes.done;
}

export async function goOn(name: string, options: ControlOptions, terminal: Terminal): Promise<number> {
  const runs = openRuns();
  const runId = await runs.find(name);
  await runs.goOn(runId);
  return watchUnlessDetached(runs, runId, options, terminal);
}

async function watchUnlessDetached(
  runs: Runs,
  runId: string,
  options: ControlOptions,
  terminal: Terminal,
): Promise<number> {
  if (!options.detach) return watchRun(runs, runId, terminal, { format: options.format, takesPart: true });
  if (options.format === 'text') terminal.write(`Watch it: virtbook show ${runId} --follow\n`);
  return exitCodes.done;
}
