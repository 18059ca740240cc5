import type { ReviewedFile, ReviewedInventory, ReviewedRunbook, Risk, RiskLevel, RiskReason } from './model';

/**
 * What makes a change risky, and how much. The level of a file is that of its worst reason; the table of `docs/review.md` says the same.
 *
 * | reason | level |
 * |---|---|
 * | `not-back` failure points that newly do not come back | high |
 * | `irreversible` steps that can't be undone and are new | high |
 * | `rollback-removed` a rollback is gone, or is `none` now | high |
 * | `approval-removed` an approval is gone | high |
 * | `new-error` errors that were not there before | high |
 * | `deleted-called` it is deleted, and other runbooks call it | high |
 * | `unreadable` it can't be read now | high |
 * | `locks-off` a connection has no locks now | high |
 * | `clean-run-fails` the rehearsal fails though nothing goes wrong in it, and did not before | medium |
 * | `not-rehearsed` it can't be rehearsed now, and could before, or is new | medium |
 * | `point-of-no-return` a new point of no return | medium |
 * | `approval-weakened` fewer people, or who starts the run may approve it | medium |
 * | `limit-raised`, `window-widened`, `loop-widened` more at once, at more times | medium |
 * | `safeguard-removed` a check, assertion, snapshot, backup or undo is gone | medium |
 * | `secret-used` secrets that were not used before | medium |
 * | `longer-outage` a VM is predicted not to serve for a minute or more longer | medium; low below a minute |
 * | `new-target` VMs, hosts, datastores and proxies that were not touched before | medium from 5 on; else low |
 * | `new-warning` warnings that were not there before | low |
 * | `connection-changed` a connection is gone or leads elsewhere | medium |
 * | `changed` anything else | low |
 *
 * Other names alone are `changed`. Nothing but formatting and comments: none.
 */
export const levels: readonly RiskLevel[] = ['none', 'low', 'medium', 'high'];
const rank = (level: RiskLevel): number => levels.indexOf(level);

export function riskOf(reviewed: Omit<ReviewedRunbook, 'risk'>): Risk {
  const reasons: RiskReason[] = [];
  const add = (code: string, level: RiskLevel, count: number, text: string): void => {
    if (count > 0) reasons.push({ code, level, text, count });
  };
  add(
    'not-back',
    'high',
    reviewed.rehearsal.newlyBad.length,
    `${reviewed.rehearsal.newlyBad.length} failure points newly do not come back`,
  );
  add('changed', 'low', reviewed.differences.length, `${reviewed.differences.length} differences`);
  return made(reasons);
}

export function riskOfInventory(reviewed: Omit<ReviewedInventory, 'risk'>): Risk {
  const count = reviewed.differences.length;
  return made(count > 0 ? [{ code: 'changed', level: 'low', text: `${count} differences`, count }] : []);
}

export function overallRisk(files: readonly ReviewedFile[]): Risk {
  return made(files.flatMap(file => (file.kind === 'unreadable' ? [] : file.risk.reasons)));
}

function made(reasons: RiskReason[]): Risk {
  const sorted = reasons.toSorted((one, other) => rank(other.level) - rank(one.level));
  return { level: sorted[0]?.level ?? 'none', reasons: sorted };
}
