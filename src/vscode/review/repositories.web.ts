import * as vscode from 'vscode';
import type { FoundRepository } from './repositories';

/** In a browser nobody gives an extension the earlier versions of files: there, reviews are made of documents. */
export async function repositoriesFor(): Promise<{ repositories: FoundRepository[]; problems: string[] }> {
  const problem = vscode.l10n.t(
    'A browser has no git: open the changed files as diffs (Source Control, a pull request), or choose two files',
  );
  return { repositories: [], problems: [problem] };
}
