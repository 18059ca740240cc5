import { conditionSource } from '../runbook/expression';
import type { Step } from '../runbook/model';
import { shortened } from './field-difference';
import type { StepRef } from './model';

/** What people call a step: its name, its id, or what it does. */
export function stepTitle(step: Step): string {
  return shortened(step.name || step.id || whatItIs(step));
}

export function stepRef(step: Step): StepRef {
  return { pointer: step.pointer, title: stepTitle(step), ...('uses' in step && { uses: step.uses }) };
}

/** The step as a sentence about it begins: `Step patch (guest.patch)`, `Approval gate`. */
export function stepLabel(step: Step): string {
  const title = step.name || step.id;
  if ('uses' in step) {
    if (title) return `Step ${shortened(title)} (${shortened(step.uses)})`;
    return typeof step.with.vm === 'string' && step.with.vm !== ''
      ? `Step ${shortened(step.uses)} of ${shortened(step.with.vm)}`
      : `Step ${shortened(step.uses)}`;
  }
  return title ? `${capitalised(kindName(step))} ${shortened(title)}` : capitalised(shortened(whatItIs(step)));
}

/** What kind of step it is, for people. */
export function kindName(step: Step): string {
  switch (step.kind) {
    case 'action':
      return 'step';
    case 'call':
      return 'call';
    case 'forEach':
      return 'loop';
    case 'steps':
      return 'group';
    case 'parallel':
      return 'parallel steps';
    case 'approve':
      return 'approval';
    case 'wait':
      return 'wait';
    case 'assert':
      return 'assertion';
    case 'pointOfNoReturn':
      return 'point of no return';
  }
}

function whatItIs(step: Step): string {
  switch (step.kind) {
    case 'action':
    case 'call':
      return step.uses;
    case 'forEach':
      return `loop over ${typeof step.in === 'string' ? step.in : step.variable}`;
    case 'wait':
      return `wait ${step.duration}`;
    case 'assert':
      return `assertion ${typeof step.condition === 'string' ? conditionSource(step.condition).source.trim() : step.condition}`;
    default:
      return kindName(step);
  }
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
