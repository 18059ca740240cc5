/** What each reason says, for one and for several. */
const texts = {
  'not-back': ['failure newly does not come back', 'failures newly do not come back'],
  irreversible: ["new step can't be undone", "new steps can't be undone"],
  'rollback-removed': ['rollback is taken away', 'rollbacks are taken away'],
  'approval-removed': ['approval is removed', 'approvals are removed'],
  'new-error': ['new error', 'new errors'],
  unplannable: ["runbook can't be planned", "runbooks can't be planned"],
  'deleted-called': ['runbook needs what is deleted', 'runbooks need what is deleted'],
  'locks-off': ['connection has no locks any more', 'connections have no locks any more'],
  unreadable: ["file can't be read", "files can't be read"],
  'clean-run-fails': [
    'rehearsal newly fails though nothing goes wrong',
    'rehearsals newly fail though nothing goes wrong',
  ],
  'not-rehearsed': ["runbook can't be rehearsed", "runbooks can't be rehearsed"],
  'point-of-no-return': ['point of no return is new or earlier', 'points of no return are new or earlier'],
  'no-return-gone': [
    'point of no return is gone before what can not be undone',
    'points of no return are gone before what can not be undone',
  ],
  'approval-weakened': ['approval is weakened', 'approvals are weakened'],
  'limit-raised': ['limit is raised or removed', 'limits are raised or removed'],
  'window-widened': ['maintenance window is widened or removed', 'maintenance windows are widened or removed'],
  'loop-widened': ['setting of a loop lets more go wrong', 'settings of loops let more go wrong'],
  'safeguard-removed': [
    'check, snapshot or other safeguard is taken away',
    'checks, snapshots or other safeguards are taken away',
  ],
  'secret-used': ['secret is newly used', 'secrets are newly used'],
  'new-target': [
    'VM, host, datastore or proxy is newly touched',
    'VMs, hosts, datastores and proxies are newly touched',
  ],
  'longer-outage': ['VM is predicted not to serve for longer', 'VMs are predicted not to serve for longer'],
  'connection-changed': ['connection is gone or leads elsewhere', 'connections are gone or lead elsewhere'],
  'new-warning': ['new warning', 'new warnings'],
  deleted: ['file is deleted', 'files are deleted'],
  renamed: ['file has another name', 'files have another name'],
  changed: ['other difference', 'other differences'],
} as const satisfies Record<string, readonly [one: string, several: string]>;

export type ReasonCode = keyof typeof texts;

const mostNames = 5;

/** `3 secrets are newly used: a, b, c`. */
export function reasonText(code: ReasonCode, count: number, names: readonly string[]): string {
  const text = `${count} ${texts[code][count === 1 ? 0 : 1]}`;
  const told = names.filter(name => name !== '');
  if (told.length === 0) return text;
  const more = told.length > mostNames ? ` and ${told.length - mostNames} more` : '';
  return `${text}: ${told.slice(0, mostNames).join(', ')}${more}`;
}
