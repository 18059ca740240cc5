import type { Findings } from './findings';
import type { Act, OperationRule } from './flow';

/** Steps that may go on for ever, with nothing that ends them. */
export class Endless implements OperationRule {
  constructor(readonly findings: Findings) {}

  act(act: Act): void {
    if (!act.operation.endless || act.step.timeoutMs !== undefined || act.where.call) return;
    this.findings.add(
      'endless-migration',
      act,
      'Without `autoConverge`, a guest that writes memory faster than it can be sent is never moved, and this goes on without end. Give the step a `timeout`, e.g. `timeout: 20m`, or leave `autoConverge` on.',
    );
  }
}
