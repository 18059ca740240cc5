/** The names most like a mistyped one, best first; none when nothing is near. */
export function nearest(name: string, names: Iterable<string>, most = 3): string[] {
  const wanted = name.toLowerCase();
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  const found: { name: string; distance: number }[] = [];
  for (const candidate of names) {
    const other = candidate.toLowerCase();
    if (Math.abs(other.length - wanted.length) > Math.max(limit, 0) && !related(wanted, other)) continue;
    const distance = editDistance(wanted, other);
    if (distance <= limit) found.push({ name: candidate, distance });
    else if (related(wanted, other)) found.push({ name: candidate, distance: limit + 1 });
  }
  found.sort((left, right) => left.distance - right.distance || (left.name < right.name ? -1 : 1));
  return found.slice(0, most).map(entry => entry.name);
}

/** One is the last part of the other: `migrate` for `vm.migrate`. */
function related(left: string, right: string): boolean {
  return (
    left.length > 2 &&
    right.length > 2 &&
    (right.endsWith(`.${left}`) || left.endsWith(`.${right}`) || (right.startsWith(left) && left.length > 3))
  );
}

/** Optimal string alignment: insert, delete, replace, swap neighbours. */
function editDistance(left: string, right: string): number {
  if (left === right) return 0;
  // Names in files are short; a huge one is nobody's typing mistake.
  if (left.length > 100 || right.length > 100) return 1000;
  let before: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const current = [i];
    for (let j = 1; j <= right.length; j++) {
      const cost = left[i - 1] === right[j - 1] ? 0 : 1;
      let best = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + cost);
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1])
        best = Math.min(best, before[j - 2]! + 1);
      current.push(best);
    }
    before = previous;
    previous = current;
  }
  return previous[right.length]!;
}
