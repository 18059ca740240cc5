import { dirname } from 'node:path';
import { observedIn } from '../../engine/drift';
import type { Plan } from '../../engine/plan';
import { changesText, shortHash } from '../../engine/plan-summary';
import { plannedActions } from '../../engine/planned-steps';
import { secretRefused } from '../../engine/secrets';
import { seeConnections, whereSeen } from '../../engine/seen';
import { timetableOf } from '../../engine/timetable';
import { exitCodes } from '../../runner/exit-codes';
import { openFleet } from '../../runner/fleet';
import { openRuns } from '../../runner/runs';
import { secretInput } from '../../runner/secret-values';
import { askingSsh, askLine } from '../ask';
import { askInputs } from '../ask-inputs';
import { givenInputs, type LoadedRunbook, loadRunbook, type PlanChoices, planOf } from '../load';
import { planText } from '../plan-text';
import { printable, type Terminal } from '../terminal';
import { UsageError } from '../usage-error';
import { watchRun } from '../watch-run';
import { reportTo } from './plan';

export interface RunOptions extends PlanChoices {
  yes?: boolean;
  detach?: boolean;
  hold?: boolean;
  format: 'text' | 'json';
}

export async function run(file: string, options: RunOptions, terminal: Terminal): Promise<number> {
  const loaded = await loadRunbook(file, reportTo(terminal));
  const asks = terminal.interactive && options.format === 'text';
  const given = givenInputs(loaded, options);
  const inputs = asks ? await askInputs(loaded, given, terminal) : given;
  if (!inputs) return notRun(terminal);
  const { plan, hash } = planOf(loaded, options, inputs);
  requireInventory(file, loaded, plan);
  requireSecrets(plan, terminal.interactive || options.detach === true);
  if (!options.yes && !asks) {
    throw new UsageError(
      `Nobody can be asked whether to run ${plan.name} (plan ${shortHash(hash)}; ${printable(changesText(plan))}). ` +
        'Look at it with `virtbook plan`, and give --yes to run it without being asked.',
    );
  }
  const seen = await seenNow(loaded, terminal);
  const observed = seen && observedIn(plan, seen);
  if (!options.yes) {
    const timetable = timetableOf(plan, { whereIs: whereSeen(seen ?? []), startAt: Date.now() });
    terminal.write(planText(plan, hash, terminal, { timetable }));
    const answer = await askLine(terminal, `\n${printable(changesText(plan))}. Run plan ${shortHash(hash)}? [y/N] `);
    if (!/^y(es)?$/i.test(answer?.trim() ?? '')) return notRun(terminal);
  }
  const runs = openRuns();
  const runId = await runs.submit({
    plan,
    planHash: hash,
    runbookPath: loaded.path,
    ...(loaded.inventoryPath !== undefined && { inventoryPath: loaded.inventoryPath }),
    ...(observed && { observed }),
    ...(options.hold && { hold: true }),
  });
  if (options.detach) {
    terminal.write(
      options.format === 'json'
        ? `${JSON.stringify({ runId, planHash: hash })}\n`
        : `Run ${runId} has begun. Watch it: virtbook show ${runId} --follow\n`,
    );
    return exitCodes.done;
  }
  return watchRun(runs, runId, terminal, { format: options.format, takesPart: true });
}

function notRun(terminal: Terminal): number {
  terminal.write('Not run.\n');
  return exitCodes.problems;
}

/** @throws UsageError when there are steps that act, and nothing that they could act on */
export function requireInventory(file: string, { inventory }: LoadedRunbook, plan: Plan): void {
  if (inventory || plannedActions(plan.steps).length === 0) return;
  throw new UsageError(
    `${file} names no inventory, so there is nothing that it could run on. Add \`inventory: ./NAME.inventory.yaml\`.`,
  );
}

/** Before anything is begun: what the environment has instead of secrets is wrong, or nobody could give them. @throws UsageError */
export function requireSecrets(plan: Plan, canBeAsked: boolean): void {
  for (const name of plan.secrets ?? []) {
    const { variable } = secretInput(plan, name);
    const value = process.env[variable];
    const why = value ? secretRefused(name, value) : undefined;
    if (why !== undefined) throw new UsageError(`${why} It came from the environment variable ${variable}.`);
    if (!value && !canBeAsked) {
      throw new UsageError(
        `The secret input ${name} has no value, and nobody can be asked for it. Set the environment variable ${variable}.`,
      );
    }
  }
}

/** How things stand before the plan is shown, so that the run notices what changes until it gets there. */
async function seenNow({ inventory, inventoryPath }: LoadedRunbook, terminal: Terminal) {
  if (!inventory || inventoryPath === undefined) return undefined;
  const fleet = openFleet({ inventory, baseDir: dirname(inventoryPath), prompts: askingSsh(terminal) });
  try {
    return await seeConnections(fleet);
  } finally {
    await fleet.close();
  }
}
