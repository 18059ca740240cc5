/** Whether two values of plain data are equal but for fields of these names; what both share is not gone through. */
export function equal(left: unknown, right: unknown, but: readonly string[] = []): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const [one, other] = [left as Record<string, unknown>, right as Record<string, unknown>];
  let more = 0;
  for (const key in other) if (!but.includes(key)) more++;
  for (const key in one) {
    if (but.includes(key)) continue;
    more--;
    if (!Object.hasOwn(other, key) || !equal(one[key], other[key], but)) return false;
  }
  return more === 0;
}
