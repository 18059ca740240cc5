import { dirname } from 'node:path';
import { actionNamed } from '../../actions/catalogue';
import { lookAhead } from '../../engine/look-ahead';
import type { Plan } from '../../engine/plan';
import { type SeenConnection, seeConnections, whereSeen } from '../../engine/seen';
import { timetableOf } from '../../engine/timetable';
import { realClock } from '../../runner/clock';
import { exitCodes } from '../../runner/exit-codes';
import { openFleet } from '../../runner/fleet';
import { askingSsh } from '../ask';
import { diagnosticText } from '../diagnostic-text';
import { type LoadedRunbook, loadRunbook, type PlanChoices, planOf } from '../load';
import { type PlanFindings, planText } from '../plan-text';
import type { Terminal } from '../terminal';

export interface PlanOptions extends PlanChoices {
  format: 'text' | 'json';
  live?: boolean;
}

export async function plan(file: string, options: PlanOptions, terminal: Terminal): Promise<number> {
  const loaded = await loadRunbook(file, reportTo(terminal));
  const { plan, hash } = planOf(loaded, options);
  const { findings, shown } = options.live ? await lookNow(plan, loaded, terminal) : { shown: loaded.shown };
  const timetable = timetableOf(plan, { whereIs: whereSeen(shown), startAt: Date.now() });
  if (options.format === 'json') {
    const found = findings ? { findings: Object.fromEntries(findings) } : {};
    terminal.write(`${JSON.stringify({ hash, plan, timetable, ...found }, undefined, 2)}\n`);
  } else terminal.write(planText(plan, hash, terminal, { timetable, ...(findings && { findings }) }));
  const blocked = [...(findings?.values() ?? [])].some(one => one.blockers.length > 0);
  return blocked ? exitCodes.problems : exitCodes.done;
}

/** Looks at the live inventory: where everything is, and what every preflight finds that can be asked now. */
async function lookNow(
  plan: Plan,
  loaded: LoadedRunbook,
  terminal: Terminal,
): Promise<{ findings: Map<string, PlanFindings>; shown: readonly SeenConnection[] }> {
  if (!loaded.inventory || loaded.inventoryPath === undefined) return { findings: new Map(), shown: [] };
  const fleet = openFleet({
    inventory: loaded.inventory,
    baseDir: dirname(loaded.inventoryPath),
    prompts: askingSsh(terminal),
  });
  try {
    const findings = await lookAhead(plan, { action: actionNamed, fleet, clock: realClock });
    return { findings, shown: await seeConnections(fleet) };
  } finally {
    await fleet.close();
  }
}

export function reportTo(terminal: Terminal): Parameters<typeof loadRunbook>[1] {
  return file => {
    for (const diagnostic of file.diagnostics) terminal.write(diagnosticText(file, diagnostic, terminal));
  };
}
