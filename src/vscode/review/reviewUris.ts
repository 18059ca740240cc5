import * as vscode from 'vscode';
import { schemes } from '../ids';

export type Side = 'base' | 'head';

/** What our read-only documents of a review are: a file of a revision, the plan of a runbook, or the report. */
export type ReviewDocument = { kind: 'file' | 'plan'; side: Side; path: string } | { kind: 'report'; name: string };

// The authority says which side it is, so that neighbours of a document are found by its path, on the same side.
const authorities: Record<string, { kind: 'file' | 'plan'; side: Side }> = {
  base: { kind: 'file', side: 'base' },
  head: { kind: 'file', side: 'head' },
  'base-plan': { kind: 'plan', side: 'base' },
  'head-plan': { kind: 'plan', side: 'head' },
};
const planEnding = '.plan.txt';

/**
 * `virtbook-review://base/srv/runbooks/web/patch.runbook.yaml`. `root`: path of the folder that paths of files start from, so that both sides of a diff
 * have the same path: with another one, VS Code would call the file renamed.
 */
export function reviewUri(document: ReviewDocument, root = ''): vscode.Uri {
  if (document.kind === 'report') {
    return vscode.Uri.from({ scheme: schemes.review, authority: 'report', path: `/${document.name}.md` });
  }
  const { kind, side, path } = document;
  return vscode.Uri.from({
    scheme: schemes.review,
    authority: kind === 'plan' ? `${side}-plan` : side,
    path: kind === 'plan' ? `/${path}${planEnding}` : `${root}/${path}`,
  });
}

/** undefined: it is none of ours. */
export function parseReviewUri(uri: vscode.Uri, root = ''): ReviewDocument | undefined {
  if (uri.scheme !== schemes.review) return undefined;
  const path = uri.path.slice(1);
  if (uri.authority === 'report') return { kind: 'report', name: path.replace(/\.md$/, '') };
  const found = authorities[uri.authority];
  if (!found) return undefined;
  if (found.kind === 'plan') return { ...found, path: path.slice(0, -planEnding.length) };
  return uri.path.startsWith(`${root}/`) ? { ...found, path: uri.path.slice(root.length + 1) } : undefined;
}
