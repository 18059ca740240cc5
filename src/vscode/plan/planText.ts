import { unlockedPlanText } from '../../engine/lock-text';
import type { Plan, PlannedStep } from '../../engine/plan';
import { changedTargets, changesText, estimatedSeconds, listed, shortHash } from '../../engine/plan-summary';
import { reachableActions } from '../../engine/planned-steps';
import { roughly } from '../duration';

/** A dialog must not grow beyond the screen. */
const UNKNOWNS = 3;

/** What stands in the confirmation: targets, way back, unknowns, hash. */
export function confirmationDetail(plan: Plan, planHash: string): string {
  const actions = reachableActions(plan.steps);
  const irreversible = actions.filter(step => step.undoClass === 'irreversible');
  const unlocked = unlockedPlanText(plan);
  const lines = [
    `${changesText(plan)}.`,
    ...(unlocked === undefined ? [] : [unlocked]),
    `${actions.length} ${actions.length === 1 ? 'step' : 'steps'}, about ${roughly(estimatedSeconds(plan.steps))}.`,
    irreversible.length === 0
      ? 'Every step can be undone.'
      : `Can't be undone: ${listed([...new Set(irreversible.map(step => step.title))])}.`,
    ...plan.unknowns.slice(0, UNKNOWNS),
    ...(plan.unknowns.length > UNKNOWNS
      ? [`And ${plan.unknowns.length - UNKNOWNS} more that are not known yet; "Show Plan" lists them.`]
      : []),
    `Plan ${shortHash(planHash)}`,
  ];
  return lines.join('\n');
}

/** The whole plan as Markdown. */
export function planMarkdown(plan: Plan, planHash: string): string {
  const targets = changedTargets(plan);
  const lines = [
    `# Plan: ${plan.name}`,
    '',
    `Plan \`${shortHash(planHash)}\` · ${reachableActions(plan.steps).length} steps · about ${roughly(estimatedSeconds(plan.steps))}`,
    '',
  ];
  const inputs = Object.entries(plan.inputs);
  if (inputs.length > 0) {
    lines.push('## Inputs', '', ...inputs.map(([name, value]) => `- \`${name}\`: ${inline(value)}`), '');
  }
  lines.push('## Changes', '');
  if (targets.length === 0) lines.push('Nothing.', '');
  else lines.push(...targets.map(target => `- ${target.kind} \`${target.name}\``), '');
  const unlocked = unlockedPlanText(plan);
  if (unlocked !== undefined) lines.push(`**${unlocked}**`, '');
  if (plan.unknowns.length > 0) lines.push('## Not known yet', '', ...plan.unknowns.map(text => `- ${text}`), '');
  lines.push('## Steps', '', ...stepLines(plan.steps, 0), '');
  return lines.join('\n');
}

function stepLines(steps: readonly PlannedStep[], depth: number): string[] {
  const pad = '   '.repeat(depth);
  return steps.flatMap((step, index) => {
    const head = `${pad}${index + 1}. `;
    const body = `${pad}   `;
    const when = step.when === 'unknown' ? ' _(if its condition holds then)_' : '';
    const skipped = step.when === false ? ' _(skipped: its condition is false)_' : '';
    if (step.kind === 'control') return [`${head}**${step.title}**${when}${skipped}`];
    if (step.kind === 'group' || step.kind === 'parallel' || step.kind === 'call') {
      const side = step.kind === 'parallel' ? ', side by side' : '';
      return [`${head}**${step.key}**${side}${when}${skipped}`, ...stepLines(step.steps, depth + 1)];
    }
    if (step.kind === 'items') {
      const how = step.batch === 1 ? 'one after another' : `${step.batch} at once`;
      if (step.items === 'unknown') {
        return [
          `${head}For each \`${step.variable}\` of a list not known yet, ${how}`,
          ...stepLines(step.body, depth + 1),
        ];
      }
      return [
        `${head}For each \`${step.variable}\` of ${step.items.length}, ${how}; ${failures(step.maxFailures)}`,
        ...step.items.flatMap((item, i) => [
          `${body}${i + 1}. \`${step.variable}\` = ${inline(item.value)}`,
          ...stepLines(item.steps, depth + 2),
        ]),
      ];
    }
    return [
      `${head}**${step.title}** · \`${step.uses}\`${when}${skipped}`,
      `${body}- undo: ${step.undoClass === 'none' ? 'nothing to undo' : `${step.undo} (${step.undoClass})`}`,
    ];
  });
}

function failures(allowed: number): string {
  if (allowed === 0) return 'the first that fails ends it';
  return allowed === 1 ? 'one may fail' : `${allowed} may fail`;
}

function inline(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}
