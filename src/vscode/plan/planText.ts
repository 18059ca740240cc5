import type { Target } from '../../actions/action';
import type { Plan, PlannedStep } from '../../engine/plan';
import { roughly } from '../duration';

export type PlannedAction = Extract<PlannedStep, { kind: 'action' }>;

/** Every action of a plan that is sure to be met; of items that are not known yet, their body once. */
export function actionsOf(steps: readonly PlannedStep[]): PlannedAction[] {
  return steps.flatMap(step => {
    if (step.kind === 'action') return [step];
    if (step.kind === 'group') return actionsOf(step.steps);
    return step.items === 'unknown' ? actionsOf(step.body) : step.items.flatMap(item => actionsOf(item.steps));
  });
}

/** What a run of this plan would change, each once, VMs first. */
export function changedTargets(plan: Plan): Target[] {
  const seen = new Map<string, Target>();
  for (const step of actionsOf(plan.steps)) {
    for (const target of step.changes) seen.set(`${target.kind} ${target.name}`, target);
  }
  const kinds = ['vm', 'host', 'datastore', 'proxy'];
  return [...seen.values()].sort((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind));
}

export function shortHash(hash: string): string {
  return hash.replace(/^sha256:/, '').slice(0, 12);
}

/** A dialog must not grow beyond the screen. */
const UNKNOWNS = 3;

/** What stands in the confirmation: targets, way back, unknowns, hash. */
export function confirmationDetail(plan: Plan, planHash: string): string {
  const actions = actionsOf(plan.steps);
  const targets = changedTargets(plan);
  const irreversible = actions.filter(step => step.undoClass === 'irreversible');
  const lines = [
    targets.length === 0
      ? 'Changes nothing.'
      : `Changes ${listed(targets.map(target => (target.kind === 'vm' ? target.name : `${target.kind} ${target.name}`)))}.`,
    `${actions.length} ${actions.length === 1 ? 'step' : 'steps'}, about ${roughly(estimate(plan.steps))}.`,
    irreversible.length === 0
      ? 'Every step can be undone.'
      : `Can't be undone: ${listed(irreversible.map(step => step.title))}.`,
    ...plan.unknowns.slice(0, UNKNOWNS),
    ...(plan.unknowns.length > UNKNOWNS
      ? [`And ${plan.unknowns.length - UNKNOWNS} more that are not known yet; "Show Plan" lists them.`]
      : []),
    `Plan ${shortHash(planHash)}`,
  ];
  return lines.join('\n');
}

/** `a, b and 12 more` */
function listed(names: string[]): string {
  const unique = [...new Set(names)];
  if (unique.length <= 8) return unique.join(', ');
  return `${unique.slice(0, 7).join(', ')} and ${unique.length - 7} more`;
}

/** Seconds, with what runs side by side counted once. */
function estimate(steps: readonly PlannedStep[]): number {
  return steps.reduce((sum, step) => {
    if (step.kind === 'action') return sum + (step.when === false ? 0 : step.estimateSeconds);
    if (step.kind === 'group') return sum + estimate(step.steps);
    if (step.items === 'unknown') return sum + estimate(step.body);
    const each = step.items.map(item => estimate(item.steps));
    return sum + each.reduce((a, b) => a + b, 0) / Math.max(1, Math.min(step.batch, each.length));
  }, 0);
}

/** The whole plan as Markdown. */
export function planMarkdown(plan: Plan, planHash: string): string {
  const targets = changedTargets(plan);
  const lines = [
    `# Plan: ${plan.name}`,
    '',
    `Plan \`${shortHash(planHash)}\` · ${actionsOf(plan.steps).length} steps · about ${roughly(estimate(plan.steps))}`,
    '',
  ];
  const inputs = Object.entries(plan.inputs);
  if (inputs.length > 0) {
    lines.push('## Inputs', '', ...inputs.map(([name, value]) => `- \`${name}\`: ${inline(value)}`), '');
  }
  lines.push('## Changes', '');
  if (targets.length === 0) lines.push('Nothing.', '');
  else lines.push(...targets.map(target => `- ${target.kind} \`${target.name}\``), '');
  if (plan.unknowns.length > 0) lines.push('## Not known yet', '', ...plan.unknowns.map(text => `- ${text}`), '');
  lines.push('## Steps', '', ...stepLines(plan.steps, 0), '');
  return lines.join('\n');
}

function stepLines(steps: readonly PlannedStep[], depth: number): string[] {
  const pad = '   '.repeat(depth);
  return steps.flatMap((step, index) => {
    const head = `${pad}${index + 1}. `;
    const body = `${pad}   `;
    const when = 'when' in step && step.when === 'unknown' ? ' _(if its condition holds then)_' : '';
    const skipped = 'when' in step && step.when === false ? ' _(skipped: its condition is false)_' : '';
    if (step.kind === 'group') return [`${head}**${step.key}**${when}${skipped}`, ...stepLines(step.steps, depth + 1)];
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
