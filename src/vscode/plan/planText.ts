import { unlockedPlanText } from '../../engine/lock-text';
import { escaped, grid } from '../../engine/markdown-text';
import type { Plan, PlannedStep } from '../../engine/plan';
import { changedTargets, changesText, listed, pointsOfNoReturn, shortHash } from '../../engine/plan-summary';
import { type PlannedAction, reachableActions } from '../../engine/planned-steps';
import type { Timetable } from '../../engine/timetable';
import { limitsText, peakText, tellsMore, timetableCells, windowText } from '../../engine/timetable-text';
import { roughly } from '../duration';

/** A dialog must not grow beyond the screen. */
const UNKNOWNS = 3;

/** What stands in the confirmation: targets, way back, unknowns, hash. */
export function confirmationDetail(plan: Plan, planHash: string, timetable: Timetable): string {
  const actions = actionsOf(plan);
  const irreversible = actions.filter(step => step.undoClass === 'irreversible');
  const points = pointsOfNoReturn(plan);
  const unlocked = unlockedPlanText(plan);
  const lines = [
    `${changesText(plan)}.`,
    ...(unlocked === undefined ? [] : [unlocked]),
    `${actions.length} ${actions.length === 1 ? 'step' : 'steps'}, about ${roughly(timetable.seconds)}.`,
    ...(plan.limits ? [`Limits: ${limitsText(plan.limits)}.`] : []),
    ...timetable.notes,
    ...(irreversible.length > 0
      ? [`Can't be undone: ${listed([...new Set(irreversible.map(step => step.title))])}.`]
      : points.length === 0
        ? ['Every step can be undone.']
        : []),
    ...points.map(({ title }) => `After "${title}" nothing is undone.`),
    ...plan.unknowns.slice(0, UNKNOWNS),
    ...(plan.unknowns.length > UNKNOWNS
      ? [`And ${plan.unknowns.length - UNKNOWNS} more that are not known yet; "Show Plan" lists them.`]
      : []),
    `Plan ${shortHash(planHash)}`,
  ];
  return lines.join('\n');
}

/** The whole plan as Markdown. */
export function planMarkdown(plan: Plan, planHash: string, timetable: Timetable): string {
  const targets = changedTargets(plan);
  const lines = [
    `# Plan: ${plan.name}`,
    '',
    `Plan \`${shortHash(planHash)}\` · ${actionsOf(plan).length} steps · about ${roughly(timetable.seconds)}`,
    '',
    ...pointsOfNoReturn(plan).flatMap(({ title }) => [`> **After "${escaped(title)}" nothing is undone.**`, '']),
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
  const rules = [
    ...(plan.limits ? [`- Limits: ${limitsText(plan.limits)}`] : []),
    ...(plan.windows ?? []).map(window => `- Window: ${escaped(windowText(window))}`),
  ];
  if (rules.length > 0) lines.push('## When it may act', '', ...rules, '');
  if (plan.unknowns.length > 0) lines.push('## Not known yet', '', ...plan.unknowns.map(text => `- ${text}`), '');
  lines.push('## Steps', '', ...new StepLines().of(plan.steps, 0), '');
  if (plan.finally) {
    const last = new StepLines(true).of(plan.finally, 0);
    lines.push('## At the end, whatever became of it', '', 'These steps are not undone.', '', ...last, '');
  }
  if (tellsMore(plan, timetable)) {
    const [head = [], ...rows] = timetableCells(timetable);
    lines.push('## Timetable', '', 'If every step takes as long as estimated:', '', ...grid(head, rows), '');
    lines.push(escaped(peakText(timetable)), '');
  }
  for (const note of timetable.notes) lines.push(escaped(note), '');
  return lines.join('\n');
}

function actionsOf(plan: Plan): PlannedAction[] {
  return reachableActions([...plan.steps, ...(plan.finally ?? [])]);
}

class StepLines {
  /** `kept`: what is done here is not taken back. */
  constructor(private kept = false) {}

  of(steps: readonly PlannedStep[], depth: number): string[] {
    return steps.flatMap((step, index) => {
      const lines = this.#step(step, `${'   '.repeat(depth)}${index + 1}. `, depth);
      if (depth === 0 && step.kind === 'control' && step.control === 'pointOfNoReturn' && step.when === true) {
        this.kept = true;
      }
      return lines;
    });
  }

  #step(step: PlannedStep, head: string, depth: number): string[] {
    const body = `${'   '.repeat(depth)}   `;
    const when =
      step.when === 'unknown'
        ? ' _(if its condition holds then)_'
        : step.when === false
          ? ' _(skipped: its condition is false)_'
          : '';
    switch (step.kind) {
      case 'action': {
        const undo = step.undoClass === 'none' ? 'nothing to undo' : `${step.undo} (${step.undoClass})`;
        return [`${head}**${step.title}** · \`${step.uses}\`${when}`, ...(this.kept ? [] : [`${body}- undo: ${undo}`])];
      }
      case 'control': {
        const point = step.control === 'pointOfNoReturn' ? [`${body}- **After this nothing is undone.**`] : [];
        return [`${head}**${step.title}**${when}`, ...point];
      }
      case 'group':
      case 'call':
      case 'parallel': {
        const side = step.kind === 'parallel' ? ' (side by side)' : '';
        const uses = step.uses === undefined ? '' : ` · \`${step.uses}\``;
        return [`${head}**${step.title ?? step.key}**${uses}${side}${when}`, ...this.of(step.steps, depth + 1)];
      }
      case 'items':
        return this.#items(step, head, body, depth, when);
    }
  }

  #items(step: PlannedItems, head: string, body: string, depth: number, when: string): string[] {
    const { variable, items, batch, canary, maxFailures } = step;
    const first = canary === undefined ? '' : `, the first ${canary} before all others`;
    const title = step.title === undefined ? '' : `**${step.title}**: `;
    const how = (batch === 1 ? 'one after another' : `${batch} at once`) + first;
    if (items === 'unknown') {
      return [
        `${head}${title}For each \`${variable}\` of a list not known yet, ${how}${when}`,
        ...this.of(step.body, depth + 1),
      ];
    }
    return [
      `${head}${title}For each \`${variable}\` of ${items.length}, ${how}; ${failures(maxFailures)}${when}`,
      ...items.flatMap((item, at) => [
        `${body}${at + 1}. \`${variable}\` = ${inline(item.value)}`,
        ...this.of(item.steps, depth + 2),
      ]),
    ];
  }
}

type PlannedItems = Extract<PlannedStep, { kind: 'items' }>;

function failures(allowed: number): string {
  if (allowed === 0) return 'the first that fails ends it';
  return allowed === 1 ? 'one may fail' : `${allowed} may fail`;
}

function inline(value: unknown): string {
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}
