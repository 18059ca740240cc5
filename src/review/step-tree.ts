import canonicalize from 'canonicalize';
import { innerSteps, type Runbook, type Step } from '../runbook/model';

/** The list of a step or runbook in which a step stands. */
export type StepList = 'steps' | 'finally' | 'rollback';

/** A step, and where it stands. */
export interface StepNode {
  step: Step;
  file: StepFile;
  /** undefined: it stands in an outermost list. */
  parent: StepNode | undefined;
  list: StepList;
  /** In its list, from 0. */
  position: number;
  /** In its file, from 0, depth first. */
  order: number;
  /** Steps inside it, in its own list. */
  inner: StepNode[];
  rollback: StepNode[];
  /** What the step itself says, without its id, its pointer and the steps inside it. */
  own: string;
  /** Equal for steps that say the same, with all inside, whatever their ids. */
  content: number;
}

/** A runbook of a file: the outermost one, or one that is called. */
export interface StepFile {
  /** Relative to the outermost runbook; empty for that itself. */
  path: string;
  runbook: Runbook;
  steps: StepNode[];
  finally: StepNode[];
  /** Every step, depth first. */
  nodes: StepNode[];
}

/** Gives equal texts equal numbers. */
export class Numbering {
  readonly #numbers = new Map<string, number>();

  of(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(text, number);
    }
    return number;
  }
}

/** The outermost runbook and all that are called, each once, by path. */
export function stepFiles(runbook: Runbook, numbering: Numbering): Map<string, StepFile> {
  const files = new Map<string, StepFile>();
  const add = (path: string, content: Runbook): void => {
    if (files.has(path)) return;
    const file = readFile(path, content, numbering);
    files.set(path, file);
    for (const { step } of file.nodes)
      if (step.kind === 'call' && step.runbook) add(calledFile(step.runbook), step.runbook);
  };
  add('', runbook);
  return files;
}

/** Path of the file that a linked runbook was read from, as the pointers of its steps have it; empty for the outermost. */
export function calledFile(runbook: Runbook): string {
  return fileOf((runbook.steps[0] ?? runbook.finally?.[0])?.pointer ?? '');
}

/** Path of the file in which a pointer points; empty for the outermost. */
export function fileOf(pointer: string): string {
  return pointer.slice(0, Math.max(0, pointer.lastIndexOf('#')));
}

function readFile(path: string, runbook: Runbook, numbering: Numbering): StepFile {
  const file: StepFile = { path, runbook, steps: [], finally: [], nodes: [] };
  const read = (steps: readonly Step[], list: StepList, parent: StepNode | undefined): StepNode[] =>
    steps.map((step, position) => {
      const own = ownText(step);
      const order = file.nodes.length;
      const node: StepNode = { step, file, parent, list, position, order, inner: [], rollback: [], own, content: 0 };
      file.nodes.push(node);
      node.inner = read(innerSteps(step), 'steps', node);
      node.rollback = read(rollbackSteps(step), 'rollback', node);
      const inside = [node.inner, node.rollback].map(nodes => nodes.map(one => one.content).join(',')).join(';');
      node.content = numbering.of(`${own};${inside}`);
      return node;
    });
  file.steps = read(runbook.steps, 'steps', undefined);
  file.finally = read(runbook.finally ?? [], 'finally', undefined);
  return file;
}

/** Steps that replace the undo of a step. */
export function rollbackSteps(step: Step): readonly Step[] {
  return step.kind === 'action' && Array.isArray(step.rollback) ? step.rollback : [];
}

/** Steps are read once and compared several times. */
const ownTexts = new WeakMap<Step, string>();

function ownText(step: Step): string {
  let text = ownTexts.get(step);
  if (text === undefined) {
    const { pointer: _pointer, id: _id, ...own } = step;
    // What stands inside of it has texts of its own.
    const inside = { steps: undefined, runbook: undefined, ...(rollbackSteps(step).length > 0 && { rollback: [] }) };
    text = canonicalize({ ...own, ...inside }) ?? '';
    ownTexts.set(step, text);
  }
  return text;
}

export function isBlock({ step }: StepNode): boolean {
  return step.kind === 'forEach' || step.kind === 'steps' || step.kind === 'parallel';
}
