/**
 * Marks the entries of a longest increasing subsequence: what of a list that was put in another order has kept its order. `values` are
 * distinct whole numbers from 0; of two subsequences the heavier counts as longer. Takes n log n.
 */
export function longestIncreasing(values: readonly number[], weight: (at: number) => number = () => 1): boolean[] {
  const size = values.reduce((most, value) => Math.max(most, value + 1), 0);
  // A Fenwick tree of the best chain that ends with a value up to here.
  const tree: { total: number; at: number }[] = new Array(size + 1);
  const before: number[] = [];
  let best = { total: 0, at: -1 };
  values.forEach((value, at) => {
    let chain = { total: 0, at: -1 };
    for (let node = value; node > 0; node -= node & -node) {
      const there = tree[node];
      if (there && there.total > chain.total) chain = there;
    }
    before.push(chain.at);
    const longer = { total: chain.total + weight(at), at };
    for (let node = value + 1; node <= size; node += node & -node) {
      const there = tree[node];
      if (!there || longer.total > there.total) tree[node] = longer;
    }
    if (longer.total > best.total) best = longer;
  });
  const kept = values.map(() => false);
  for (let at = best.at; at >= 0; at = before[at]!) kept[at] = true;
  return kept;
}
