import type { SourceRange } from '../diagnostic';
import type { Report } from '../report';
import type { RuleCode } from '../rules';
import type { Act } from './flow';

/** What the rules find, at the places of the steps in this file. A place is blamed of one thing once. */
export class Findings {
  readonly #said = new Set<string>();

  constructor(readonly report: Report) {}

  /** At what the step uses. `because`: the other step that it is about. */
  add(code: RuleCode, act: Act, message: string, because?: Act): void {
    this.at(code, `${act.where.pointer}/uses`, message, because && `${because.where.pointer}/uses`);
  }

  /** At a value. */
  at(code: RuleCode, pointer: string, message: string, because?: string): void {
    this.#add(code, pointer, this.report.value(pointer), message, because);
  }

  /** At a key. */
  atKey(code: RuleCode, pointer: string, message: string): void {
    this.#add(code, pointer, this.report.head(pointer), message, undefined);
  }

  #add(code: RuleCode, pointer: string, range: SourceRange, message: string, because: string | undefined): void {
    const key = `${code} ${pointer}`;
    if (this.#said.has(key)) return;
    this.#said.add(key);
    const made = this.report.add(code, range, message);
    if (because !== undefined && because !== pointer)
      made.related = [{ range: this.report.value(because), message: 'This is the other step.' }];
  }
}
