/** OpenSSH's pattern: `*` any run, `?` exactly one character, everything else itself. */
export function matchesPattern(text: string, pattern: string): boolean {
  let t = 0;
  let p = 0;
  // The last star and what it has swallowed so far: enough to back up, so no pattern takes more than |text|·|pattern| steps.
  let star = -1;
  let swallowed = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      swallowed = t;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++swallowed;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** A list of patterns: a negated one that matches wins over everything, else any match counts. */
export function matchesPatternList(text: string, patterns: readonly string[]): boolean {
  let found = false;
  for (const pattern of patterns) {
    if (pattern.startsWith('!')) {
      if (matchesPattern(text, pattern.slice(1))) return false;
    } else if (matchesPattern(text, pattern)) found = true;
  }
  return found;
}
