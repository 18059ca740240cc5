import type * as vscode from 'vscode';
import { revisionOf } from '../language/revisionUri';
import type { KeptReview } from './reviewResults';
import type { Side } from './reviewUris';
import { pathAt } from './shownReview';

/** Which file of the review a document shows, whoever opened it: also git, or a pull request, at a commit that was reviewed. */
export function reviewedFile(kept: KeptReview, uri: vscode.Uri): { side: Side; path: string } | undefined {
  const known = kept.fileOf(uri);
  const revision = known ? undefined : revisionOf(uri);
  if (!revision) return known;
  const { review } = kept.result;
  for (const side of ['head', 'base'] as const) {
    if (review[side].commit === undefined || review[side].commit !== revision.ref) continue;
    const paths = review.files.flatMap(file => pathAt(file, side) ?? []);
    const path = paths.find(one => revision.path.endsWith(`/${one}`));
    if (path !== undefined) return { side, path };
  }
  return undefined;
}
