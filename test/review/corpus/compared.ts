import type {
  AddedRemoved,
  Difference,
  Place,
  Review,
  ReviewedInventory,
  ReviewedRunbook,
} from '../../../src/review/model';

/** A review without what the layout of a text decides: lines, and hashes of plans, which hold positions and what people read. */
export function withoutLines(review: Review): unknown {
  return JSON.parse(
    JSON.stringify(review, (key, value: unknown) => {
      if (key === 'line' || key === 'endLine' || key === 'hash') return undefined;
      // In sentences that quote a place.
      return typeof value === 'string' ? value.replace(/(\.ya?ml):\d+(:\d+)?/g, '$1') : value;
    }),
  );
}

/** A change turned around, and the review of the opposite change: these must be equal. */
export function turned(there: Review, back: Review): { expected: Comparable[]; found: Comparable[] } {
  // One that can't be read any more is told so, one that can be read again is compared with nothing: these are not opposites.
  const unreadable = new Set(
    [there, back].flatMap(one => one.files.filter(file => file.kind === 'unreadable').map(file => file.path)),
  );
  const compared = ({ files }: Review, mirror: boolean): Comparable[] =>
    files
      .flatMap(file => (file.kind === 'unreadable' || unreadable.has(file.path) ? [] : comparable(file, mirror)))
      .sort(byPath);
  return { expected: compared(there, true), found: compared(back, false) };
}

/** What of a file must be the same, the other way round, in the review of the opposite change. */
interface Comparable {
  path: string;
  kind: string;
  change: string;
  [field: string]: unknown;
}

const opposites: Record<string, string> = {
  added: 'removed',
  removed: 'added',
  deleted: 'added',
  safer: 'riskier',
  riskier: 'safer',
};

function comparable(file: ReviewedRunbook | ReviewedInventory, mirror: boolean): Comparable {
  const turned = (word: string): string => (mirror ? (opposites[word] ?? word) : word);
  const change = mirror && file.change === 'added' ? 'deleted' : turned(file.change);
  const path = mirror && file.basePath !== undefined ? file.basePath : file.path;
  const differences = file.differences.map(one => comparableDifference(one, mirror)).sort();
  const problems = sides(file.problems, mirror, list => list.map(({ code, severity }) => `${severity} ${code}`).sort());
  if (file.kind === 'inventory') return { path, kind: file.kind, change, differences, problems };
  const { plan, rehearsal } = file;
  const names = (lists: AddedRemoved) => sides(lists, mirror, list => [...list].sort());
  const bad = (points: typeof rehearsal.newlyBad) =>
    points.map(({ fault, step, verdict, other }) => `${fault} ${step.uses ?? ''} ${verdict} ${other ?? ''}`).sort();
  return {
    path,
    kind: file.kind,
    change,
    differences,
    problems,
    because: [...file.because].sort(),
    same: plan.same,
    base: mirror ? plan.head : plan.base,
    head: mirror ? plan.base : plan.head,
    vms: names(plan.vms),
    hosts: names(plan.hosts),
    datastores: names(plan.datastores),
    proxies: names(plan.proxies),
    irreversible: sides(plan.irreversible, mirror, list => list.length),
    pointsOfNoReturn: sides(plan.pointsOfNoReturn, mirror, list => list.length),
    secrets: names(plan.secrets),
    outages: plan.outages
      .map(({ vm, before, after }) => ({ vm, before: mirror ? after : before, after: mirror ? before : after }))
      .sort((left, right) => (left.vm < right.vm ? -1 : 1)),
    baseRehearsal: mirror ? rehearsal.head : rehearsal.base,
    headRehearsal: mirror ? rehearsal.base : rehearsal.head,
    baseProblem: mirror ? rehearsal.headProblem : rehearsal.baseProblem,
    headProblem: mirror ? rehearsal.baseProblem : rehearsal.headProblem,
    newlyBad: bad(mirror ? rehearsal.noLongerBad : rehearsal.newlyBad),
    noLongerBad: bad(mirror ? rehearsal.newlyBad : rehearsal.noLongerBad),
    stillBad: rehearsal.stillBad.length,
  };
}

function comparableDifference(one: Difference, mirror: boolean): string {
  const turned = (word: string): string => (mirror ? (opposites[word] ?? word) : word);
  const [before, after] = mirror ? [one.after, one.before] : [one.before, one.after];
  const [base, head] = mirror ? [one.head, one.base] : [one.base, one.head];
  // Which one of two that changed places is called moved may be either of them.
  const what = one.change === 'moved' ? {} : { field: one.field, before, after, base: where(base), head: where(head) };
  return JSON.stringify({ kind: one.kind, change: turned(one.change), effect: turned(one.effect), ...what });
}

function where(place: Place | undefined): string | undefined {
  return place && `${place.path}:${place.line}`;
}

function sides<T, R>(
  { added, removed, kept }: { added: T; removed: T; kept: T },
  mirror: boolean,
  told: (one: T) => R,
): { added: R; removed: R; kept: R } {
  return { added: told(mirror ? removed : added), removed: told(mirror ? added : removed), kept: told(kept) };
}

function byPath(left: Comparable, right: Comparable): number {
  return left.path < right.path ? -1 : left.path > right.path ? 1 : 0;
}
