import { holderText } from '../../engine/lock-text';
import { isStale } from '../../hypervisors/lock-age';
import type { RunStatus } from '../../runner/contract';
import { exitCodes } from '../../runner/exit-codes';
import { openRuns } from '../../runner/runs';
import { askLine } from '../ask';
import { paint, printable, type Terminal } from '../terminal';
import { UsageError } from '../usage-error';
import { type FoundLock, findLocks, type InventoryOption, openNamedFleet } from './locks';

const live = new Set<RunStatus>(['submitted', 'running', 'waiting', 'rolling-back']);

/** Takes locks away from whoever holds them, once a person has seen what is left undone by it. */
export async function release(
  name: string,
  options: InventoryOption & { yes?: boolean },
  terminal: Terminal,
): Promise<number> {
  const fleet = await openNamedFleet(options, terminal);
  try {
    const { found, problems } = await findLocks(fleet);
    for (const { problem } of problems) terminal.write(`${paint(terminal, 'red', printable(problem))}\n`);
    const chosen = choose(found, name);
    if (chosen.length === 0) {
      terminal.write(
        `Nothing named ${printable(name)} is locked, and no run of that id holds a lock. See: virtbook locks\n`,
      );
      return exitCodes.problems;
    }
    for (const runId of new Set(chosen.map(({ lock }) => lock.runId))) {
      const locks = chosen.filter(({ lock }) => lock.runId === runId);
      terminal.write(await whatIsLeft(locks, terminal));
    }
    if (!options.yes && !(await mayRelease(chosen, terminal))) {
      terminal.write('Not released.\n');
      return exitCodes.problems;
    }
    let code: number = problems.length > 0 ? exitCodes.problems : exitCodes.done;
    for (const { connection, lock } of chosen) {
      const broken = await (await fleet.hypervisor(connection)).locks?.breakLock(lock.name, lock.token);
      const label = `${printable(lock.label)} on ${connection}`;
      if (broken) terminal.write(`Released: ${label}.\n`);
      else {
        terminal.write(`Not released: ${label}. It has changed hands meanwhile; look again: virtbook locks\n`);
        code = exitCodes.problems;
      }
    }
    return code;
  } finally {
    await fleet.close();
  }
}

/** By the name of what is locked, or by the run that holds it. @throws UsageError when that may be several runs */
function choose(found: readonly FoundLock[], name: string): FoundLock[] {
  const named = found.filter(({ lock }) => [lock.name, lock.label, lock.label.replace(/^\S+ /, '')].includes(name));
  if (named.length > 0) return named;
  const ofRun = found.filter(({ lock: { runId } }) => runId.startsWith(name) || runId.endsWith(`-${name}`));
  const runs = [...new Set(ofRun.map(({ lock }) => lock.runId))];
  if (runs.length > 1)
    throw new UsageError(`${name} is the beginning of ${runs.length} runs: ${runs.join(', ')}. Give more of it.`);
  return ofRun;
}

async function mayRelease(chosen: readonly FoundLock[], terminal: Terminal): Promise<boolean> {
  const many = chosen.length === 1 ? 'this lock' : `these ${chosen.length} locks`;
  if (!terminal.interactive) {
    throw new UsageError(`Nobody can be asked whether to release ${many}. Give --yes to do it without being asked.`);
  }
  const answer = await askLine(terminal, `Release ${many}? [y/N] `);
  return /^y(es)?$/i.test(answer?.trim() ?? '');
}

/** Of locks of one run: who has them, and what would stay as it is without that run. */
async function whatIsLeft(locks: readonly FoundLock[], terminal: Terminal): Promise<string> {
  const { lock } = locks[0]!;
  const lines = locks.map(
    ({ connection, lock: { label } }) => `${paint(terminal, 'bold', printable(label))} on ${connection}`,
  );
  lines.push(`  held by ${printable(holderText(lock))}`);
  const here = lock.runId === '' ? undefined : await leftHere(lock.runId);
  if (here) {
    if (here.status) lines.push(`  ${here.status}`);
    lines.push(...here.left.map(line => `  ${line}`));
  } else if (lock.runId !== '') {
    lines.push(
      `  The run is not on this computer, so what it has done can't be told here. ${printable(lock.owner)} can: \`virtbook show ${printable(lock.runId)}\` there.`,
    );
  }
  if (!isStale(lock) && (!here || here.alive)) {
    lines.push(
      paint(
        terminal,
        'yellow',
        '  Its runner may well be alive. Without its locks it begins no other step, undoes nothing, and ends in need of a person.',
      ),
    );
  }
  return `${lines.join('\n')}\n`;
}

/** What the journal of a run on this computer says; undefined when it is not here. */
async function leftHere(runId: string): Promise<{ alive: boolean; status?: string; left: string[] } | undefined> {
  const runs = openRuns();
  let run: Awaited<ReturnType<typeof runs.read>>;
  try {
    run = await runs.read(runId);
  } catch (error) {
    if (error instanceof Error && error.name === 'RunRefused') return undefined;
    throw error;
  }
  const alive = live.has(run.status);
  const status = alive
    ? `The run goes on here: \`virtbook cancel ${runId}\` stops it properly.`
    : run.status === 'crashed'
      ? `Its runner has died here: \`virtbook resume ${runId}\` goes on with it, \`virtbook rollback ${runId}\` undoes it; both end with its locks given back.`
      : run.status === 'needs-operator'
        ? `The run has ended here and needs a person: \`virtbook show ${runId}\`.`
        : `The run has ended here (${run.status}).`;
  const under = run.steps.filter(step => ['running', 'retrying', 'undoing'].includes(step.state));
  const undo = run.undoList.flatMap(key => run.steps.filter(step => step.key === key && step.undo !== undefined));
  const left = run.remaining.map(({ key, text }) => `- ${printable(key)}: ${printable(text)}`);
  if (left.length === 0) {
    left.push(
      ...under.map(step => `- ${printable(step.key)}: was under way: ${printable(step.title)}`),
      ...undo.filter(step => !under.includes(step)).map(step => `- ${printable(step.key)}: ${printable(step.undo!)}`),
    );
  }
  if (left.length === 0) return { alive, status, left: ['Nothing it did is left to be undone.'] };
  return { alive, status, left: ['What is left of it, and nothing undoes by itself:', ...left] };
}
