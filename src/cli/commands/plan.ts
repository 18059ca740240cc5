import { dirname } from 'node:path';
import { actionNamed } from '../../actions/catalogue';
import { lookAhead } from '../../engine/look-ahead';
import type { Plan } from '../../engine/plan';
import { realClock } from '../../runner/clock';
import { openFleet } from '../../runner/fleet';
import { askingSsh } from '../ask';
import { diagnosticText } from '../diagnostic-text';
import { exitCodes } from '../exit-codes';
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
  const findings = options.live ? await findingsNow(plan, loaded, terminal) : new Map<string, PlanFindings>();
  if (options.format === 'json') {
    const found = options.live ? { findings: Object.fromEntries(findings) } : {};
    terminal.write(`${JSON.stringify({ hash, plan, ...found }, undefined, 2)}\n`);
  } else terminal.write(planText(plan, hash, terminal, findings));
  return [...findings.values()].some(one => one.blockers.length > 0) ? exitCodes.problems : exitCodes.done;
}

/** Looks at the live inventory with every preflight that can be asked now. */
async function findingsNow(plan: Plan, loaded: LoadedRunbook, terminal: Terminal): Promise<Map<string, PlanFindings>> {
  if (!loaded.inventory || loaded.inventoryPath === undefined) return new Map();
  const fleet = openFleet({
    inventory: loaded.inventory,
    baseDir: dirname(loaded.inventoryPath),
    prompts: askingSsh(terminal),
  });
  try {
    return await lookAhead(plan, { action: actionNamed, fleet, clock: realClock });
  } finally {
    await fleet.close();
  }
}

export function reportTo(terminal: Terminal): Parameters<typeof loadRunbook>[1] {
  return file => {
    for (const diagnostic of file.diagnostics) terminal.write(diagnosticText(file, diagnostic, terminal));
  };
}
