import { unlockedPlanText } from '../engine/lock-text';
import { findStep } from '../engine/part';
import type { Plan, PlannedStep } from '../engine/plan';
import { changesText, estimatedSeconds, shortHash } from '../engine/plan-summary';
import { duration, paint, printable, type Terminal } from './terminal';

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
  lines.push('', `${printable(changesText(plan))}. About ${duration(estimatedSeconds(plan.steps) * 1000)} in all.`);
  const unlocked = unlockedPlanText(plan);
  if (unlocked !== undefined) lines.push(`${paint(terminal, 'yellow', 'warning:')} ${printable(unlocked)}`);
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
      case 'control':
        lines.push(`${indent}${number} ${printable(step.title)}${whenText(step.when)}`);
        return;
      case 'group':
      case 'call':
      case 'parallel': {
        const side = step.kind === 'parallel' ? ', side by side' : '';
        lines.push(`${indent}${number} ${step.key}${side}${whenText(step.when)}`);
        stepLines(step.steps, `${indent}   `, lines, terminal, found);
        return;
      }
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
