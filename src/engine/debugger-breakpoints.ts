import { compile, conditionSource, evaluateCondition, evaluateExpression, type Scope } from '../runbook/expression';
import type { Json } from '../runbook/json';
import { innerSteps, type Runbook, type Step } from '../runbook/model';
import type { Breakpoint, BreakpointResult } from './debug-protocol';
import { messageOf } from './failure';

/** What a breakpoint comes to where it stands. */
export interface Hits {
  /** Indexes of those that stop. */
  stop: number[];
  /** Why they stop although they could not be evaluated. */
  problems: string[];
  /** What logpoints say. */
  said: string[];
}

interface Counted {
  breakpoint: Breakpoint;
  hits: number;
  isHit(hits: number): boolean;
}

/** The breakpoints of one debugger, over all threads. */
export class Breakpoints {
  readonly #pointers: ReadonlySet<string>;
  #set = new Map<string, { at: number; one: Counted }[]>();

  constructor(program: Runbook) {
    this.#pointers = pointersIn(program);
  }

  /** Replaces all of them. Hits are counted anew. */
  replace(breakpoints: readonly Breakpoint[]): BreakpointResult[] {
    this.#set = new Map();
    return breakpoints.map((breakpoint, at) => {
      const why = this.#problem(breakpoint);
      if (why !== undefined) return { verified: false, message: why };
      const one = { breakpoint, hits: 0, isHit: hitTest(breakpoint.hitCondition) ?? (() => true) };
      this.#set.set(breakpoint.pointer, [...(this.#set.get(breakpoint.pointer) ?? []), { at, one }]);
      return { verified: true };
    });
  }

  /** Counts a hit. `scope`: without secrets. */
  hit(pointer: string, scope: () => Scope): Hits {
    const hits: Hits = { stop: [], problems: [], said: [] };
    for (const { at, one } of this.#set.get(pointer) ?? []) {
      const { condition, logMessage } = one.breakpoint;
      try {
        if (condition !== undefined && !evaluateCondition(condition, scope())) continue;
      } catch (error) {
        hits.stop.push(at);
        hits.problems.push(`The condition \`${condition}\` could not be evaluated: ${messageOf(error)}`);
        continue;
      }
      if (!one.isHit(++one.hits)) continue;
      if (logMessage === undefined) hits.stop.push(at);
      else hits.said.push(messageText(logMessage, scope()));
    }
    return hits;
  }

  #problem({ pointer, condition, hitCondition }: Breakpoint): string | undefined {
    if (!this.#pointers.has(pointer)) return 'This step is no part of the run: its plan was made without it.';
    if (hitCondition !== undefined && hitCondition.trim() !== '' && !hitTest(hitCondition)) {
      return `\`${hitCondition}\` is no hit count. Write \`5\`, \`>= 5\` or \`% 2\`.`;
    }
    try {
      if (condition !== undefined) compile(conditionSource(condition).source);
    } catch (error) {
      return `The condition is wrong: ${messageOf(error)}`;
    }
    return undefined;
  }
}

/** `5`, `>= 5`, `% 2`. undefined: it is none. */
function hitTest(text: string | undefined): ((hits: number) => boolean) | undefined {
  const [, operator = '', digits] = /^\s*(==?|>=?|<=?|%)?\s*(\d{1,9})\s*$/.exec(text ?? '') ?? [];
  if (digits === undefined) return undefined;
  const count = Number(digits);
  switch (operator) {
    case '>':
      return hits => hits > count;
    case '>=':
      return hits => hits >= count;
    case '<':
      return hits => hits < count;
    case '<=':
      return hits => hits <= count;
    case '%':
      return count === 0 ? undefined : hits => hits % count === 0;
    default:
      return hits => hits === count;
  }
}

/** With the values of what stands in braces; `{{` and `}}` are braces. */
function messageText(message: string, scope: Scope): string {
  return message.replace(/\{\{|\}\}|\{([^{}]*)\}/g, (found, source: string | undefined) => {
    if (source === undefined) return found[0]!;
    try {
      return asText(evaluateExpression(source, scope));
    } catch (error) {
      return `{${source}: ${messageOf(error)}}`;
    }
  });
}

function asText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Of every step that the run could come to, those of called runbooks and in the place of an undo among them. */
function pointersIn(program: Runbook): Set<string> {
  const pointers = new Set<string>();
  const visit = (steps: readonly Step[]): void => {
    for (const step of steps) {
      pointers.add(step.pointer);
      visit(innerSteps(step));
      if (step.kind === 'action' && typeof step.rollback === 'object') visit(step.rollback);
      if (step.kind === 'call' && step.runbook) runbook(step.runbook);
    }
  };
  const runbook = (one: Runbook): void => {
    visit(one.steps);
    visit(one.finally ?? []);
  };
  runbook(program);
  return pointers;
}
