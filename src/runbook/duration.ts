const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** The same rule as a pattern for schemas. Longest unit first; each at most once. */
export const durationPattern = '^(?=.)(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?$';
const whole = new RegExp(durationPattern);

/** `30m`, `1h30m`, `10s`, `500ms`, `2d` in milliseconds; undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  if (!whole.test(text)) return undefined;
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+)(ms|[smhd])/g)) total += Number(number) * units[unit!]!;
  return Number.isSafeInteger(total) ? total : undefined;
}

/** The shortest way to write it: 5,400,000 is `1h30m`. */
export function durationText(ms: number): string {
  let left = ms;
  let text = '';
  for (const [unit, size] of Object.entries(units).reverse()) {
    const count = Math.floor(left / size);
    if (count > 0) text += `${count}${unit}`;
    left -= count * size;
  }
  return text === '' ? '0s' : text;
}
