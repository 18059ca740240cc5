import type { Json } from '../runbook/json';
import type { SteeringEvent } from './journal';

/** What a person did to the way of a run, for every view that tells it. */
export function steeringText(event: SteeringEvent, show: (value: Json) => string = JSON.stringify): string {
  switch (event.type) {
    case 'step.back':
      return `${event.by} steps back over ${event.undone}`;
    case 'step.jump':
      return event.left.length > 0
        ? `${event.by} leaves out ${event.left.join(', ')}`
        : `${event.by} does ${event.again.join(', ')} again`;
    case 'variable.set':
      return `${event.by} sets ${event.path.join('.')} to ${show(event.value)}; it was ${show(event.was)}`;
  }
}
