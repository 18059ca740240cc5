import * as vscode from 'vscode';
import { schemes } from './ids';
import { revisionOf } from './language/revisionUri';

/** Whether it can be run: what runs is what is there, not another version of it. Tells the person if not. */
export function isOnDisk(uri: vscode.Uri): boolean {
  if (uri.scheme === 'file') return true;
  void vscode.window.showWarningMessage(
    vscode.l10n.t('Only a file on disk can be run, not {0}. Open the file itself.', versionName(uri)),
  );
  return false;
}

/** For people: `patch.runbook.yaml at HEAD`, `patch.runbook.yaml at the base of pull request 12`. */
export function versionName(uri: vscode.Uri): string {
  const name = uri.path.slice(uri.path.lastIndexOf('/') + 1);
  if (uri.scheme === schemes.review) return vscode.l10n.t('{0} at the {1} of the review', name, uri.authority);
  const revision = revisionOf(uri);
  if (!revision) return uri.with({ query: '', fragment: '' }).toString(true);
  const { side, pullRequest, ref } = revision;
  if (side && pullRequest !== undefined)
    return vscode.l10n.t('{0} at the {1} of pull request {2}', name, side, pullRequest);
  if (ref === '' || ref === '~') return vscode.l10n.t('{0} in the index', name);
  return vscode.l10n.t('{0} at {1}', name, /^[0-9a-f]{40,}$/.test(ref) ? ref.slice(0, 12) : ref);
}
