import type { KnownNames } from './check-context';
import { checkName, type NameKind } from './check-names';
import type { Diagnostic, SourceRange } from './diagnostic';
import type { ParsedRunbook } from './parse';
import { diagnostic, type RuleCode } from './rules';

/** What the checks of one runbook have found, and where things stand in it. */
export class Report {
  readonly diagnostics: Diagnostic[] = [];

  constructor(
    readonly parsed: ParsedRunbook,
    readonly known: KnownNames | undefined,
  ) {}

  add(code: RuleCode, range: SourceRange, message: string, suggestions?: string[]): Diagnostic {
    const made = diagnostic(code, range, message, suggestions);
    this.diagnostics.push(made);
    return made;
  }

  value(pointer: string): SourceRange {
    return this.parsed.source.valueRange(pointer) ?? { start: 0, end: 0 };
  }

  head(pointer: string): SourceRange {
    return this.parsed.source.headRange(pointer) ?? { start: 0, end: 0 };
  }

  /** The place of a part of a string's value; an empty one is widened so that it can be seen. */
  inString(pointer: string, start: number, end: number): SourceRange {
    const scalar = this.parsed.source.scalar(pointer);
    if (!scalar) return this.value(pointer);
    return end > start ? scalar.range(start, end) : scalar.range(Math.max(0, start - 1), Math.max(1, start));
  }

  noTemplate(text: string | undefined, pointer: string): void {
    const at = text?.indexOf('${{') ?? -1;
    if (at < 0) return;
    const range = this.inString(pointer, at, text!.length);
    this.add('expression-not-allowed', range, 'Expressions are not evaluated here. Write plain text.');
  }

  /** A name that the inventory must have; with `selectors`, `group:NAME` and `tag:NAME` as well. */
  name(kind: NameKind, name: string, pointer: string, selectors: boolean): void {
    const problem = checkName(kind, name, this.known, selectors);
    if (problem) this.add(problem.code, this.value(pointer), problem.message, problem.suggestions);
  }
}
