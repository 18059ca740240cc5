import { findStep } from '../engine/part';
import type { Plan, PlannedStep } from '../engine/plan';
import { plannedActions } from '../engine/view';
import { duration, paint, printable, type Terminal } from './terminal';

/** How much of a hash is shown to people. */
export function shortHash(hash: string): string {
  return hash.slice(0, 12);
}

/** A plan as people read it. `found`: what a look at the live inventory found, by key. */
export function planText(
  plan: Plan,
  hash: string,
  terminal: Terminal,
  found: ReadonlyMap<string, PlanFindings> = new Map(),
): string {
  const lines = [`${paint(terminal, 'bold', plan.name)}  plan ${shortHash(hash)}`];
  const named = (pointer: string): string => findStep(plan.program.steps, pointer)?.id ?? pointer;
  if (plan.only !== undefined) lines.push(`only the step ${named(plan.only)}`);
  if (plan.from !== undefined) lines.push(`from the step ${named(plan.from)} on`);
  for (const [name, value] of Object.entries(plan.inputs)) {
    lines.push(paint(terminal, 'dim', `  ${name} = ${printable(JSON.stringify(value))}`));
  }
  lines.push('');
  stepLines(plan.steps, '  ', lines, terminal, found);
  if (plan.unknowns.length > 0) {
    lines.push('', 'Not known yet:');
    for (const unknown of plan.unknowns) lines.push(`  ${printable(unknown)}`);
  }
  const seconds = plannedActions(plan.steps).reduce(
    (sum, step) => sum + (step.when === false ? 0 : step.estimateSeconds),
    0,
  );
  lines.push('', `${targetsText(plan)}. About ${duration(seconds * 1000)} of work.`);
  return `${lines.join('\n')}\n`;
}

export interface PlanFindings {
  blockers: string[];
  warnings: string[];
}

function stepLines(
  steps: readonly PlannedStep[],
  indent: string,
  lines: string[],
  terminal: Terminal,
  found: ReadonlyMap<string, PlanFindings>,
): void {
  steps.forEach((step, at) => {
    const number = `${at + 1}.`;
    switch (step.kind) {
      case 'action': {
        lines.push(
          `${indent}${number} ${printable(step.title)}${whenText(step.when)}  ${paint(terminal, 'dim', step.uses)}`,
        );
        const inner = indent + ' '.repeat(number.length + 1);
        if (step.when !== false && step.undo !== 'nothing to undo') {
          const color = step.undoClass === 'irreversible' ? 'yellow' : 'dim';
          lines.push(paint(terminal, color, `${inner}undo: ${printable(step.undo)}`));
        }
        const findings = found.get(step.key);
        for (const blocker of findings?.blockers ?? [])
          lines.push(`${inner}${paint(terminal, 'red', 'blocked:')} ${printable(blocker)}`);
        for (const warning of findings?.warnings ?? [])
          lines.push(`${inner}${paint(terminal, 'yellow', 'warning:')} ${printable(warning)}`);
        return;
      }
      case 'group':
        lines.push(`${indent}${number} ${step.key}${whenText(step.when)}`);
        stepLines(step.steps, `${indent}   `, lines, terminal, found);
        return;
      case 'items': {
        const side = step.batch === 1 ? 'one after another' : `${step.batch} at once`;
        const failures = step.maxFailures > 0 ? `, up to ${step.maxFailures} may fail` : '';
        const items = step.items;
        const many = items === 'unknown' ? 'each item' : `${items.length} ${items.length === 1 ? 'item' : 'items'}`;
        lines.push(`${indent}${number} for ${many} as ${step.variable}, ${side}${failures}${whenText(step.when)}`);
        if (items === 'unknown') stepLines(step.body, `${indent}   `, lines, terminal, found);
        else {
          for (const item of items) {
            lines.push(
              `${indent}   ${paint(terminal, 'cyan', printable(typeof item.value === 'string' ? item.value : JSON.stringify(item.value)))}`,
            );
            stepLines(item.steps, `${indent}     `, lines, terminal, found);
          }
        }
        return;
      }
    }
  });
}

function whenText(when: boolean | 'unknown'): string {
  return when === true ? '' : when === false ? ' (left out)' : ' (perhaps)';
}

/** What a run may change, for the confirmation. */
export function targetsText(plan: Plan): string {
  const byKind = new Map<string, Set<string>>();
  for (const step of plannedActions(plan.steps)) {
    if (step.when === false) continue;
    for (const { kind, name } of step.changes) byKind.set(kind, (byKind.get(kind) ?? new Set()).add(name));
  }
  if (byKind.size === 0) return plan.unknowns.length > 0 ? 'What it changes is not known yet' : 'Changes nothing';
  const names = { vm: 'VM', host: 'host', datastore: 'datastore', proxy: 'proxy' } as Record<string, string>;
  const parts = [...byKind].map(([kind, set]) => {
    const list = [...set];
    const some = list.length > 8 ? `${list.slice(0, 8).join(', ')} and ${list.length - 8} more` : list.join(', ');
    return `${names[kind] ?? kind}${list.length > 1 ? 's' : ''} ${printable(some)}`.replace('proxys', 'proxies');
  });
  return `Changes ${parts.join('; ')}${simulatedText(plan)}`;
}

/** So that nobody takes what is simulated for real hosts, or the other way round. */
function simulatedText(plan: Plan): string {
  const connections = Object.entries(plan.inventory?.connections ?? {});
  const simulated = connections.flatMap(([name, { type }]) => (type === 'simulated' ? [name] : []));
  if (simulated.length === 0) return '';
  if (simulated.length === connections.length) return ' (simulated)';
  return ` (of the connections, ${printable(simulated.join(', '))} ${simulated.length > 1 ? 'are' : 'is'} simulated, the others are real)`;
}
