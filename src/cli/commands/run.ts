import { changesText, shortHash } from '../../engine/plan-summary';
import { plannedActions } from '../../engine/planned-steps';
import { openRuns } from '../../runner/runs';
import { askLine } from '../ask';
import { exitCodes } from '../exit-codes';
import { loadRunbook, type PlanChoices, planOf } from '../load';
import { planText } from '../plan-text';
import { printable, type Terminal } from '../terminal';
import { UsageError } from '../usage-error';
import { watchRun } from '../watch-run';
import { reportTo } from './plan';

export interface RunOptions extends PlanChoices {
  yes?: boolean;
  detach?: boolean;
  format: 'text' | 'json';
}

export async function run(file: string, options: RunOptions, terminal: Terminal): Promise<number> {
  const loaded = await loadRunbook(file, reportTo(terminal));
  const { plan, hash } = planOf(loaded, options);
  if (!loaded.inventory && plannedActions(plan.steps).length > 0) {
    throw new UsageError(
      `${file} names no inventory, so there is nothing that it could run on. Add \`inventory: ./NAME.inventory.yaml\`.`,
    );
  }
  if (!options.yes) {
    if (!terminal.interactive || options.format === 'json') {
      throw new UsageError(
        `Nobody can be asked whether to run ${plan.name} (plan ${shortHash(hash)}; ${printable(changesText(plan))}). ` +
          'Look at it with `virtbook plan`, and give --yes to run it without being asked.',
      );
    }
    terminal.write(planText(plan, hash, terminal));
    const answer = await askLine(terminal, `\n${printable(changesText(plan))}. Run plan ${shortHash(hash)}? [y/N] `);
    if (!/^y(es)?$/i.test(answer?.trim() ?? '')) {
      terminal.write('Not run.\n');
      return exitCodes.problems;
    }
  }
  const runs = openRuns();
  const runId = await runs.submit({
    plan,
    planHash: hash,
    runbookPath: loaded.path,
    ...(loaded.inventoryPath !== undefined && { inventoryPath: loaded.inventoryPath }),
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
