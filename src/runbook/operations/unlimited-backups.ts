import type { Limits, Runbook } from '../model';
import type { Findings } from './findings';
import type { Act, OperationRule } from './flow';

/** Several backups at once, and nothing that says how many a host, datastore or proxy can bear. */
export class UnlimitedBackups implements OperationRule {
  #bounded: boolean;

  constructor(
    readonly findings: Findings,
    limits: Limits | undefined,
  ) {
    this.#bounded = bounds(limits);
  }

  enterCall(called: Runbook): void {
    // The stricter of two runbooks counts.
    this.#bounded ||= bounds(called.limits);
  }

  unknown(): void {
    this.#bounded = true;
  }

  act({ operation, where }: Act): void {
    if (operation.role !== 'backup' || this.#bounded) return;
    const loop = where.loops.findLast(({ step, list }) => step.batch > 1 && (list.literals?.length ?? 2) > 1);
    if (!loop || loop.where.call) return;
    this.findings.at(
      'unlimited-backups',
      `${loop.step.pointer}/forEach/batch`,
      `Up to ${loop.step.batch} backups are taken at once, perhaps all of one host or datastore, which slows its guests down. Say how many it can bear: \`limits: { perHost: 1 }\`.`,
    );
  }
}

function bounds(limits: Limits | undefined): boolean {
  return limits !== undefined && Object.keys(limits).length > 0;
}
