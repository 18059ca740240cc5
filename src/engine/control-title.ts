import { durationText } from '../runbook/duration';
import { conditionSource } from '../runbook/expression';
import type { ApproveStep, AssertStep, NoReturnStep, WaitStep } from '../runbook/model';

/** Steps that act on nothing and hold no steps. */
export type ControlStep = ApproveStep | WaitStep | AssertStep | NoReturnStep;

/** One line for plan and run. `text` fills in a template, as far as it can be told there. */
export function controlTitle(step: ControlStep, text: (template: string) => string): string {
  if (step.name !== undefined) return text(step.name);
  switch (step.kind) {
    case 'approve': {
      const people = step.by === 1 ? 'approval' : `approval by ${step.by} people`;
      const others = step.self ? '' : ', not by who starts it';
      const within = step.expiresMs === undefined ? '' : `, within ${durationText(step.expiresMs)}`;
      return `${people}${others}${within}${step.message === '' ? '' : `: ${text(step.message)}`}`;
    }
    case 'wait':
      return `wait ${text(step.duration)}`;
    case 'assert':
      return `make sure that ${typeof step.condition === 'string' ? conditionSource(step.condition).source.trim() : step.condition}`;
    case 'pointOfNoReturn':
      return `point of no return: ${text(step.message)}`;
  }
}
