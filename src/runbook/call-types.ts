import { calledPath } from './calls';
import type { CheckContext } from './check-context';
import { ExpressionChecker } from './expression-check';
import type { Json } from './json';
import type { ParsedRunbook } from './parse';
import { RunbookScope } from './scope';
import { isTemplate, wholeExpression } from './template';
import { anyType, stringType, typeOfValue, type ValueType } from './value-type';

/** Types of what called runbooks give back. Of one that can't be read, or that calls itself, nothing is known. */
export class CallTypes {
  readonly #outputs = new Map<string, ValueType>();

  constructor(readonly context: Pick<CheckContext, 'actions' | 'runbooks'>) {}

  /** The runbook that `uses` names in the file `from`. */
  called(from: string, uses: string): ParsedRunbook | undefined {
    return this.context.runbooks?.(calledPath(from, uses)) ?? undefined;
  }

  outputs(from: string, uses: string): ValueType {
    const path = calledPath(from, uses);
    let type = this.#outputs.get(path);
    if (!type) {
      this.#outputs.set(path, anyType);
      const parsed = this.called(from, uses);
      type = parsed ? this.#outputsOf(parsed, path, uses) : anyType;
      this.#outputs.set(path, type);
    }
    return type;
  }

  scope(parsed: ParsedRunbook, path: string): RunbookScope {
    return new RunbookScope(parsed, this.context.actions, step => this.outputs(path, step.uses));
  }

  #outputsOf(parsed: ParsedRunbook, path: string, uses: string): ValueType {
    const scope = this.scope(parsed, path);
    for (const step of scope.steps.values()) step.state = 'earlier';
    const expressions = new ExpressionChecker(scope.inputs, scope.steps);
    const typeOf = (value: Json): ValueType => {
      if (isTemplate(value)) {
        const whole = wholeExpression(value);
        return whole ? expressions.check(whole.source, new Map()).type : stringType;
      }
      return JSON.stringify(value).includes('${{') ? anyType : typeOfValue(value);
    };
    const outputs = Object.entries(parsed.draft.outputs ?? {}).map(([name, value]) => [name, typeOf(value)]);
    return { kind: 'map', fields: Object.fromEntries(outputs), label: `outputs of ${uses}` };
  }
}
