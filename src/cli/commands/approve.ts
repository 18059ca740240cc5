import { shortHash } from '../../engine/plan-summary';
import type { ApprovalDecision } from '../../runner/contract';
import { exitCodes } from '../../runner/exit-codes';
import { openRuns } from '../../runner/runs';
import { approvalText } from '../run-text';
import { printable, type Terminal } from '../terminal';

export interface ApproveCommandOptions {
  gate?: string;
  note?: string;
  as?: string;
}

/** A person's word on what a run waits for. The plan that the run has is what it is about. */
export async function approve(
  name: string,
  decision: ApprovalDecision,
  options: ApproveCommandOptions,
  terminal: Terminal,
): Promise<number> {
  const runs = openRuns();
  const runId = await runs.find(name);
  const before = await runs.read(runId);
  const { gate, as, note } = options;
  await runs.approve(runId, decision, {
    planHash: before.planHash,
    ...(gate !== undefined && { key: gate }),
    ...(as !== undefined && { as }),
    ...(note !== undefined && { note }),
  });
  const { key, message } = before.approvals.find(one => gate === undefined || one.key === gate)!;
  terminal.write(
    `${decision === 'approve' ? 'Approved' : 'Rejected'}: ${printable(message)} (${printable(key)} of ${printable(before.name)}, plan ${shortHash(before.planHash)})\n`,
  );
  const left = (await runs.read(runId)).approvals.find(one => one.key === key);
  if (left) terminal.write(`${approvalText(left)}\n`);
  return exitCodes.done;
}
