import * as vscode from 'vscode';
import { reviewMarkdown } from '../../review/formats/markdown';
import type { Place, ReviewedFile, ReviewedRunbook } from '../../review/model';
import { planLines } from './planLines';
import type { KeptReview } from './reviewResults';
import { type ReviewDocument, reviewUri, type Side } from './reviewUris';

/** What a review is called in tabs, and which documents show it. */

/** `main ↔ the working tree` */
export function sidesText({ result: { review } }: KeptReview): string {
  return `${review.base.label} ↔ ${review.head.label}`;
}

export function diffTitle(kept: KeptReview): string {
  return vscode.l10n.t('Review: {0}', sidesText(kept));
}

export function reportName({ result: { review } }: KeptReview): string {
  return vscode.l10n.t('Review against {0}', review.base.label).replaceAll(/[/\\]/g, '-');
}

export function reportUri(kept: KeptReview): vscode.Uri {
  return reviewUri({ kind: 'report', name: reportName(kept) });
}

export function runbooksOf({ result: { review } }: KeptReview): ReviewedRunbook[] {
  return review.files.filter(file => file.kind === 'runbook');
}

/** undefined: it is not there on this side. */
export function pathAt(file: ReviewedFile, side: Side): string | undefined {
  if (side === 'head') return file.change === 'deleted' ? undefined : file.path;
  return file.change === 'added' ? undefined : (file.basePath ?? file.path);
}

type Resource = [label: vscode.Uri, base: vscode.Uri | undefined, head: vscode.Uri | undefined];

/** Every file that differs, each runbook followed by its plans if they do too; what it calls and its inventory are among the files. */
export function resourcesOf(kept: KeptReview): Resource[] {
  return kept.result.review.files.flatMap(file => {
    const [base, head] = (['base', 'head'] as const).map(side => {
      const path = pathAt(file, side);
      return path === undefined ? undefined : kept.uriOf(side, path);
    });
    const own: Resource[] = file.change === 'affected' ? [] : [[head ?? base!, base, head]];
    return file.kind === 'runbook' && !file.plan.same ? [...own, planResource(file)] : own;
  });
}

export function planResource(file: ReviewedRunbook): Resource {
  const [base, head] = planUris(file);
  return [
    head,
    pathAt(file, 'base') === undefined ? undefined : base,
    pathAt(file, 'head') === undefined ? undefined : head,
  ];
}

/** A side that has no plan has a document too: it says why, or is empty where the runbook is not there. */
export function planUris({ path }: ReviewedRunbook): [base: vscode.Uri, head: vscode.Uri] {
  return [reviewUri({ kind: 'plan', side: 'base', path }), reviewUri({ kind: 'plan', side: 'head', path })];
}

/** What is known of the two plans of a runbook, in a line. */
export function planNote({ change, plan }: ReviewedRunbook): string {
  if (change === 'added') return vscode.l10n.t('It is new.');
  if (change === 'deleted') return vscode.l10n.t('It is deleted.');
  const problem = plan.headProblem ?? plan.baseProblem;
  if (problem !== undefined) return problem;
  return plan.same ? vscode.l10n.t('The plans do the same.') : vscode.l10n.t('The plans differ.');
}

/** The text of one of a review's documents; undefined: there is none. */
export async function textOfReview(kept: KeptReview, document: ReviewDocument): Promise<string | undefined> {
  if (document.kind === 'report') return document.name === reportName(kept) ? reportOf(kept) : undefined;
  if (document.kind === 'plan') return planText(kept, document.side, document.path);
  const content = await kept.changes[document.side].read(document.path);
  if (content.kind === 'missing') return undefined;
  // One that can't be shown says why, so that the other files of the diff are.
  return content.kind === 'text' ? content.text : `${content.why}\n`;
}

function reportOf(kept: KeptReview): string {
  const deleted = new Set(
    kept.result.review.files.filter(({ change }) => change === 'deleted').map(({ path }) => path),
  );
  const link = ({ path, line }: Place) => {
    const uri = kept.uriOf(deleted.has(path) ? 'base' : 'head', path);
    return uri.with({ fragment: `L${line}` }).toString();
  };
  return reviewMarkdown(kept.result.review, { link, limit: Number.POSITIVE_INFINITY });
}

function planText(kept: KeptReview, side: Side, path: string): string | undefined {
  const file = runbooksOf(kept).find(one => one.path === path);
  if (!file) return undefined;
  if (pathAt(file, side) === undefined) return '';
  const plan = kept.result.plans.get(path)?.[side];
  if (plan) return planLines(plan);
  const problem = side === 'base' ? file.plan.baseProblem : file.plan.headProblem;
  return `${problem ?? vscode.l10n.t('There is no plan.')}\n`;
}
