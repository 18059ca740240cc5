import type { FileChangeKind } from './model';
import { inventoryOfCapture, kindOf, nameOf } from './repository-path';
import type { FileChange } from './revision';
import type { Side } from './side';

/** A runbook or an inventory that a change is about. */
export interface ReviewedChange {
  path: string;
  /** Undefined: it is not there at the base. */
  base?: string;
  /** Undefined: it is not there at the head. */
  head?: string;
  change: FileChangeKind;
}

export interface ReviewedChanges {
  runbooks: ReviewedChange[];
  inventories: ReviewedChange[];
  /** Every path that is changed on either side, of whatever file. */
  paths: ReadonlySet<string>;
}

/** Sorts out what is changed. A file that gets the name of a runbook is an added one, and one that loses it a deleted one. */
export function changedFiles(changes: readonly FileChange[]): ReviewedChanges {
  const found = { runbook: [] as ReviewedChange[], inventory: [] as ReviewedChange[] };
  const paths = new Set<string>();
  for (const change of changes) {
    const base = change.status === 'added' ? undefined : change.status === 'renamed' ? change.basePath : change.path;
    const head = change.status === 'deleted' ? undefined : change.path;
    for (const path of [base, head]) if (path !== undefined) paths.add(path);
    const [before, after] = [base && kindOf(base), head && kindOf(head)];
    if (before && before === after) {
      found[before].push({ path: head!, base: base!, head: head!, change: base === head ? 'changed' : 'renamed' });
    } else {
      if (before) found[before].push({ path: base!, base: base!, change: 'deleted' });
      if (after) found[after].push({ path: head!, head: head!, change: 'added' });
    }
  }
  return { runbooks: found.runbook, inventories: found.inventory, paths };
}

/**
 * Runbooks at the head that are not changed themselves, but what they call, their inventory, or what that holds. Found by the names that stand in
 * them, and then looked into.
 */
export async function affectedRunbooks(
  changed: ReviewedChanges,
  head: Side,
  base: Side,
): Promise<{ runbooks: ReviewedChange[]; runbooksOf(inventory: string): string[] }> {
  const edges = new Map<string, readonly string[]>();
  const touched = new Set([...changed.paths].filter(path => kindOf(path) !== undefined));
  for (const inventory of await inventoriesHolding(changed.paths, head)) touched.add(inventory);
  const asked = new Set<string>();
  for (;;) {
    const words = [...new Set([...touched].map(nameOf))].filter(word => !asked.has(word)).sort();
    if (words.length === 0) break;
    for (const word of words) asked.add(word);
    for (const path of await head.revision.mentioning(words)) {
      if (!edges.has(path)) edges.set(path, await head.edgesOf(path));
    }
    // One that is looked at in a later round may lead on to one that was looked at before.
    for (let before = -1; before !== touched.size; ) {
      before = touched.size;
      for (const [path, to] of edges) if (to.some(one => touched.has(one))) touched.add(path);
    }
  }
  const own = new Set(changed.runbooks.flatMap(({ base, head }) => [base, head]));
  const runbooks = [...edges.keys()]
    .filter(path => touched.has(path) && !own.has(path))
    .sort()
    .map((path): ReviewedChange => ({ path, head: path, change: 'affected' }));
  for (const runbook of runbooks)
    if ((await base.content(runbook.path)).kind !== 'missing') runbook.base = runbook.path;
  const runbooksOf = (inventory: string): string[] =>
    [...edges].flatMap(([path, to]) => (to.includes(inventory) ? [path] : [])).sort();
  return { runbooks, runbooksOf };
}

/** Inventories at the head whose lab or capture is changed. */
async function inventoriesHolding(paths: ReadonlySet<string>, head: Side): Promise<string[]> {
  const files = [...paths].filter(path => kindOf(path) === undefined && /\.(ya?ml|json)$/i.test(path));
  const byCapture = files.flatMap(path => inventoryOfCapture(path) ?? []);
  const mentioned =
    files.length === 0 ? [] : await head.revision.mentioning([...new Set(files.map(nameOf))].sort(), 'inventories');
  const holding: string[] = [];
  for (const path of new Set([...byCapture, ...mentioned])) {
    const { inventory, reads } = await head.inventory(path);
    if (inventory && reads.some(one => paths.has(one))) holding.push(path);
  }
  return holding;
}
