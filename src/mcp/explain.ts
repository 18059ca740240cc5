import { unlockedPlanText } from '../engine/lock-text';
import { findStep } from '../engine/part';
import type { Plan } from '../engine/plan';
import { changedTargets, changesText, pointsOfNoReturn } from '../engine/plan-summary';
import { limitsText, windowText } from '../engine/timetable-text';
import { type ActionSignature, requiredInputs } from '../runbook/check-context';
import { durationText } from '../runbook/duration';
import type { Json } from '../runbook/json';
import { type ActionStep, everyStep, innerSteps, type Runbook, type Step } from '../runbook/model';
import { undoClassOf } from '../runbook/operations/operation';

const undoSentences = {
  none: 'It changes nothing, so there is nothing to undo.',
  reversible: 'Its undo takes back exactly what it did.',
  restorable: 'Its undo restores the state before and loses what came since.',
  irreversible: 'It can not be undone.',
};

export interface Explained {
  /** With the runbooks that it calls. */
  runbook: Runbook;
  actions: readonly ActionSignature[];
  /** Id of the only step to explain. */
  step?: string;
  /** What a run would do; without it, `unplanned` says why there is none. */
  plan?: Plan;
  unplanned?: readonly string[];
}

/** A runbook, or one of its steps, in words, as Markdown. undefined: it has no such step. */
export function explanation({ runbook, actions, step, plan, unplanned = [] }: Explained): string | undefined {
  const writer = new Explainer(actions);
  if (step !== undefined) {
    const found = findStep(everyStep(runbook), step);
    return found && [`# Step ${step} of ${runbook.name}`, '', ...writer.steps([found], '')].join('\n');
  }
  const lines = [`# ${runbook.name}`, ''];
  if (runbook.description) lines.push(runbook.description, '');
  const inputs = Object.entries(runbook.inputs);
  if (inputs.length > 0) {
    lines.push('Inputs:', '');
    for (const [name, { type, description, default: usual }] of inputs) {
      const value = usual === undefined ? (type === 'secret' ? 'asked for at the run' : 'required') : shown(usual);
      lines.push(
        `- ${name} (${type}; ${usual === undefined ? value : `default ${value}`})${description ? `: ${description}` : ''}`,
      );
    }
    lines.push('');
  }
  if (runbook.limits) lines.push(`Limits: ${limitsText(runbook.limits)}.`, '');
  if (runbook.window) lines.push(`Steps begin only in the window ${windowText(runbook.window)}.`, '');
  lines.push('Steps, in this order; when one fails, those before it are undone, last first:', '');
  lines.push(...writer.steps(runbook.steps, ''));
  if (runbook.finally) {
    lines.push('', 'At the end, whatever became of it, and never undone:', '', ...writer.steps(runbook.finally, ''));
  }
  lines.push('', '## What a run would change', '');
  if (plan) lines.push(...consequences(plan));
  else lines.push('It can not be planned yet, so its targets are not known:', '', ...unplanned.map(why => `- ${why}`));
  return lines.join('\n');
}

function consequences(plan: Plan): string[] {
  const lines = [`${changesText(plan)}.`];
  const locked = changedTargets(plan);
  if (locked.length > 0) {
    lines.push(
      `Locked for the whole run, so that no other run changes them meanwhile: ${locked.map(({ kind, name }) => `${kind} ${name}`).join(', ')}.`,
    );
  }
  const unlocked = unlockedPlanText(plan);
  if (unlocked !== undefined) lines.push(unlocked);
  for (const { title } of pointsOfNoReturn(plan)) lines.push(`After "${title}" nothing is undone.`);
  if (plan.unknowns.length > 0)
    lines.push('', 'Not known before the run:', '', ...plan.unknowns.map(text => `- ${text}`));
  return lines;
}

class Explainer {
  constructor(private readonly actions: readonly ActionSignature[]) {}

  steps(steps: readonly Step[], indent: string): string[] {
    return steps.flatMap((step, index) => {
      const inner = `${indent}   `;
      const lines = [`${indent}${index + 1}. ${this.#sentences(step).join(' ')}`];
      if (step.kind === 'call' && step.runbook) lines.push(...this.steps(step.runbook.steps, inner));
      lines.push(...this.steps(innerSteps(step), inner));
      if (step.kind === 'action' && Array.isArray(step.rollback)) {
        lines.push(`${inner}To undo it:`, ...this.steps(step.rollback, inner));
      }
      return lines;
    });
  }

  #sentences(step: Step): string[] {
    const name = step.name ?? step.id;
    const head = name === undefined ? [] : [`**${name}**${step.id && step.id !== name ? ` (id ${step.id})` : ''}:`];
    const when = step.when === undefined ? [] : [`Only when \`${step.when}\`.`];
    return [...head, ...this.#what(step), ...when];
  }

  #what(step: Step): string[] {
    switch (step.kind) {
      case 'action':
        return this.#action(step);
      case 'call':
        return [`calls the runbook \`${step.uses}\`${withText(step.with)}, whose steps are:`];
      case 'forEach':
        return [
          `for each ${step.variable} in ${shown(step.in)}, ${step.batch === 1 ? 'one after another' : `${step.batch} at a time`}.`,
          ...(step.canary ? [`The first ${step.canary} must succeed before any other is begun.`] : []),
          ...(step.maxFailures > 0 ? [`Up to ${step.maxFailures} may fail.`] : []),
        ];
      case 'steps':
        return ['these steps, one after another:'];
      case 'parallel':
        return ['these steps, side by side:'];
      case 'approve':
        return [
          `waits until ${step.by === 1 ? 'a person has' : `${step.by} different people have`} approved the plan: "${step.message}".`,
          ...(step.expiresMs ? [`After ${durationText(step.expiresMs)} without it the step fails.`] : []),
          ...(step.self ? [] : ['Who submitted the run does not count.']),
        ];
      case 'wait':
        return [`waits ${step.duration}.`];
      case 'assert':
        return [`fails unless \`${step.condition}\`${step.message ? `: "${step.message}"` : ''}.`];
      case 'pointOfNoReturn':
        return [`from here on nothing before is undone: "${step.message}".`];
    }
  }

  #action(step: ActionStep): string[] {
    const action = this.actions.find(one => one.name === step.uses);
    if (!action) return [`\`${step.uses}\`, an action that Virtbook does not have.`];
    const missing = requiredInputs(action).filter(name => !Object.hasOwn(step.with, name));
    return [
      `\`${step.uses}\`${withText(step.with)}. ${action.summary}`,
      ...(missing.length > 0 ? [`It lacks ${missing.join(', ')}.`] : []),
      this.#undo(step, action),
      ...(step.retry ? [`Tried up to ${step.retry.attempts} times.`] : []),
      ...(step.timeoutMs ? [`Given up after ${durationText(step.timeoutMs)}.`] : []),
    ];
  }

  #undo(step: ActionStep, action: ActionSignature): string {
    if (step.rollback === 'none') return '`rollback: none`: it is not undone.';
    if (step.rollback) return 'It has a rollback of its own.';
    const undoClass = undoClassOf(action, step.with);
    return undoClass === undefined ? 'How it is undone depends on its inputs.' : undoSentences[undoClass];
  }
}

function withText(given: Readonly<Record<string, Json>>): string {
  const parts = Object.entries(given).map(([name, value]) => `${name} = ${shown(value)}`);
  return parts.length === 0 ? '' : ` with ${parts.join(', ')}`;
}

/** Longer values are cut: what counts is what it is about. */
function shown(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `\`${text.length > 200 ? `${text.slice(0, 199)}…` : text}\``;
}
