import pLimit from 'p-limit';
import { messageOf } from '../engine/failure';
import { affectedRunbooks, changedFiles, type ReviewedChange } from './changed-files';
import type { ReviewPorts, ReviewResult } from './contract';
import type { Review, ReviewedFile, RiskLevel, UnreadableFile } from './model';
import { parseOwners, suggestReviewers } from './owners';
import { SideRehearsals } from './rehearse-sides';
import { reviewInventory } from './review-inventory';
import { reviewRunbook } from './review-runbook';
import type { ChangeSet } from './revision';
import { overallRisk, withCallers } from './risk';
import { Side } from './side';
import type { GivenCapture } from './side-inventory';

export interface ReviewOptions {
  /** A capture to rehearse on, instead of those beside the inventories and of labs. */
  capture?: GivenCapture;
  /** Path of an inventory to plan and rehearse all runbooks with, from the root of the repository. */
  inventory?: string;
  signal?: AbortSignal;
}

/** Who is asked for a review, read at the base: a change can't choose its own reviewers. */
export const ownersPath = '.virtbook/OWNERS';

/** Files that are under review at the same time; more of them keep all threads that rehearse busy. */
const mostAtOnce = 16;

/**
 * Reviews a change of runbooks and inventories. Connects to nothing; what goes wrong with one file is told of that file. Rejects with the signal's
 * reason when it is aborted, and when the change itself can't be read.
 */
export async function reviewChanges(
  changes: ChangeSet,
  ports: ReviewPorts,
  options: ReviewOptions = {},
): Promise<ReviewResult> {
  const { signal } = options;
  const given = {
    ...(options.inventory !== undefined && { inventory: options.inventory }),
    ...(options.capture && { capture: options.capture }),
  };
  const sides = { base: new Side(changes.base, given), head: new Side(changes.head, given) };
  const changed = changedFiles(changes.changes);
  const found = await affectedRunbooks(changed, sides.head, sides.base).catch((error: unknown) => messageOf(error));
  signal?.throwIfAborted();
  const { runbooks: affected, runbooksOf } = typeof found === 'string' ? { runbooks: [], runbooksOf: () => [] } : found;
  const rehearsals = new SideRehearsals(ports.rehearse, signal);
  const plans: ReviewResult['plans'] = new Map();
  const all: [ReviewedChange, 'runbook' | 'inventory'][] = [
    ...[...changed.runbooks, ...affected].map(one => [one, 'runbook'] as [ReviewedChange, 'runbook']),
    ...changed.inventories.map(one => [one, 'inventory'] as [ReviewedChange, 'inventory']),
  ];
  let done = 0;
  const reviewed = await pLimit(mostAtOnce).map(all, async ([change, kind]): Promise<ReviewedFile> => {
    signal?.throwIfAborted();
    let file: ReviewedFile;
    try {
      const { unreadable, baseProblem } = await readable(change, sides);
      if (unreadable) file = unreadable;
      else if (kind === 'inventory') file = await reviewInventory(change, sides, runbooksOf(change.path));
      else {
        const runbook = await reviewRunbook(change, sides, changed.paths, rehearsals, baseProblem);
        plans.set(change.path, runbook.plans);
        file = runbook.reviewed;
      }
    } catch (error) {
      signal?.throwIfAborted();
      // One that can't be reviewed must not keep the others from being, nor pass unseen.
      file = unreadableFile(change, `It can't be reviewed: ${messageOf(error)}`, change.head !== undefined);
    }
    done++;
    ports.onProgress?.(done, all.length, change.path);
    return file;
  });
  const files = withCallers(reviewed).sort(inOrder);
  const owners = await ownersOf(sides.base);
  const inventories = [...(await sides.head.inventoriesRead()), ...(await sides.base.inventoriesRead())];
  const review: Review = {
    version: 1,
    base: changes.base.name,
    head: changes.head.name,
    files,
    risk: overallRisk(files),
    reviewers: owners.owners ? suggestReviewers(owners.owners, files, inventories) : [],
    unknowns: [
      ...(ports.rehearse ? [] : ['Rehearsals were left out, so what a failure would lead to is not known.']),
      ...(typeof found === 'string'
        ? [`Who else calls or names what is changed could not be found out: ${found}`]
        : []),
      ...owners.problems,
    ],
  };
  return { review, plans };
}

/** Whether both sides can be read as text. */
async function readable(
  change: ReviewedChange,
  { base, head }: { base: Side; head: Side },
): Promise<{ unreadable?: UnreadableFile; baseProblem?: string }> {
  const [before, after] = await Promise.all([
    change.base === undefined ? undefined : base.content(change.base),
    change.head === undefined ? undefined : head.content(change.head),
  ]);
  if (after?.kind === 'unreadable') {
    return { unreadable: unreadableFile(change, after.why, before?.kind !== 'unreadable', after.line) };
  }
  if (before?.kind !== 'unreadable') return {};
  if (!after) return { unreadable: unreadableFile(change, before.why, false) };
  return { baseProblem: before.why };
}

function unreadableFile(change: ReviewedChange, why: string, isNew: boolean, line?: number): UnreadableFile {
  return {
    kind: 'unreadable',
    path: change.path,
    ...(change.change === 'renamed' && change.base !== undefined && { basePath: change.base }),
    change: change.change,
    why,
    isNew,
    ...(line !== undefined && { place: { path: change.path, line, endLine: line } }),
  };
}

async function ownersOf(base: Side): Promise<Partial<ReturnType<typeof parseOwners>> & { problems: string[] }> {
  const content = await base.content(ownersPath);
  if (content.kind === 'text') return parseOwners(content.text);
  return { problems: content.kind === 'missing' ? [] : [`${ownersPath} can't be read: ${content.why}`] };
}

const kinds = ['runbook', 'inventory', 'unreadable'] as const;
const levels: readonly RiskLevel[] = ['high', 'medium', 'low', 'none'];

function inOrder(left: ReviewedFile, right: ReviewedFile): number {
  const level = (file: ReviewedFile) => (file.kind === 'runbook' ? levels.indexOf(file.risk.level) : 0);
  return (
    kinds.indexOf(left.kind) - kinds.indexOf(right.kind) ||
    level(left) - level(right) ||
    (left.path < right.path ? -1 : left.path > right.path ? 1 : 0)
  );
}
