import { HypervisorError } from '../hypervisors/errors';
import { ExpressionError } from '../runbook/expression';
import { StopReason } from './durable';
import type { Failure } from './journal';

/** What an error of an action means for the run. `uncertain`: its effect may or may not have happened, so it must be looked at. */
export function classify(error: unknown, signal?: AbortSignal): { failure: Failure; uncertain: boolean } {
  const message = messageOf(error);
  if (signal?.aborted) {
    const why = signal.reason instanceof StopReason ? signal.reason.why : 'cancel';
    return why === 'timeout'
      ? { failure: { class: 'timeout', message: `It took longer than its timeout. ${message}` }, uncertain: true }
      : { failure: { class: 'cancelled', message: 'It was cancelled.' }, uncertain: true };
  }
  if (error instanceof HypervisorError) {
    const { kind, outcomeUnknown: uncertain } = error;
    switch (kind) {
      case 'timeout':
        return { failure: { class: 'timeout', message }, uncertain };
      case 'unreachable':
        return { failure: { class: 'unreachable', message }, uncertain };
      default:
        return { failure: { class: uncertain ? 'unknown' : 'failed', message }, uncertain };
    }
  }
  return { failure: { class: 'failed', message }, uncertain: false };
}

/** A failure before anything was changed. */
export function classifyRead(error: unknown): Failure {
  const { failure } = classify(error);
  return failure.class === 'unknown' ? { ...failure, class: 'failed' } : failure;
}

export function messageOf(error: unknown): string {
  if (error instanceof ExpressionError) return `${error.message} (in the expression ${error.source.trim()})`;
  if (error instanceof StopReason) return error.message;
  return error instanceof Error ? error.message : String(error);
}
