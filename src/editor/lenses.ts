import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Range } from 'vscode-languageserver-types';
import { innerSteps, type Step } from '../runbook/model';
import { documentKind } from './document-kind';
import { type ParseCache, runbookOf } from './parse-cache';
import { toRange } from './validate';

/** Where a lens stands and what it is about. Which command it runs, and the last result, is for the caller to fill in. */
export interface Lens {
  range: Range;
  kind: 'run' | 'debug' | 'plan' | 'rehearse' | 'run-step' | 'run-from';
  title: string;
  /** JSON pointer of the step; '' for the whole file. */
  pointer: string;
}

const controls: ReadonlySet<Step['kind']> = new Set(['approve', 'wait', 'assert', 'pointOfNoReturn']);

/**
 * *Run · Debug · Plan · Rehearse* on the file, *Run step · Run from here* on each step. Steps of `rollback` and `finally` have none: they never run
 * by themselves; nor is there a point in a single approval, wait, assertion or point of no return.
 */
export function lenses(document: TextDocument, cache?: ParseCache): Lens[] {
  if (documentKind(document) !== 'runbook') return [];
  const { draft, source } = runbookOf(document, cache);
  if (draft.steps.length === 0) return [];
  const top = toRange(document, {
    start: source.keyRange('/name')?.start ?? 0,
    end: source.keyRange('/name')?.end ?? 0,
  });
  const made: Lens[] = [
    { range: top, kind: 'run', title: 'Run', pointer: '' },
    { range: top, kind: 'debug', title: 'Debug', pointer: '' },
    { range: top, kind: 'plan', title: 'Plan', pointer: '' },
    { range: top, kind: 'rehearse', title: 'Rehearse', pointer: '' },
  ];
  const visit = (steps: readonly Step[]) => {
    for (const step of steps) {
      const head = source.valueRange(step.pointer);
      if (!head) continue;
      const range = toRange(document, { start: head.start, end: head.start });
      if (!controls.has(step.kind)) made.push({ range, kind: 'run-step', title: 'Run step', pointer: step.pointer });
      made.push({ range, kind: 'run-from', title: 'Run from here', pointer: step.pointer });
      visit(innerSteps(step));
    }
  };
  visit(draft.steps);
  return made;
}
