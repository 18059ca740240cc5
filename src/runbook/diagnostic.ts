/** A half-open range of UTF-16 offsets into the source text. */
export interface SourceRange {
  start: number;
  end: number;
}

export type Severity = 'error' | 'warning' | 'info';

/** One mistake, one diagnostic. `code` is stable and is what `# virtbook-ignore: code` names. */
export interface Diagnostic {
  code: string;
  severity: Severity;
  /** A sentence that says what is wrong and what to do. */
  message: string;
  range: SourceRange;
  /** Other places that explain it, e.g. the first of two equal ids. */
  related?: { range: SourceRange; message: string }[];
  /** Likely meant instead, best first (names to replace the range with). */
  suggestions?: string[];
}
