import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { calledPath } from '../runbook/calls';
import { everyStep, type Runbook, type Step } from '../runbook/model';
import { parseRunbook } from '../runbook/parse';

/** A step in a file. Lines count from 1. */
export interface StepPlace {
  /** As in the plan: `/steps/2`, of a called runbook `parts/other.runbook.yaml#/steps/0`. */
  pointer: string;
  path: string;
  line: number;
  column: number;
  /** Of the last character of the step. */
  endLine: number;
}

export interface SourceFile {
  path: string;
  /** In the order of the file; a step that holds others comes before them. */
  steps: StepPlace[];
  /** Its text is not what the run was planned from. */
  changed: boolean;
}

/** The files that a run was planned from: the way from steps to lines and back. */
export class RunSources {
  readonly #files: ReadonlyMap<string, SourceFile>;
  readonly #places = new Map<string, StepPlace>();

  private constructor(files: readonly SourceFile[]) {
    this.#files = new Map(files.map(file => [file.path, file]));
    for (const file of files) for (const step of file.steps) this.#places.set(step.pointer, step);
  }

  /** Reads the runbook and all that it calls. What can't be read any more is left out. */
  static async load(runbookPath: string, program: Runbook): Promise<RunSources> {
    const folder = dirname(runbookPath);
    const self = basename(runbookPath);
    const files: SourceFile[] = [];
    const seen = new Set<string>();
    const visit = async (name: string, prefix: string, runbook: Runbook) => {
      if (seen.has(name)) return;
      seen.add(name);
      const steps = everyStep(runbook);
      const file = await sourceFile(resolve(folder, name), prefix, steps);
      if (file) files.push(file);
      for (const step of steps) {
        if (step.kind !== 'call' || !step.runbook) continue;
        const called = calledPath(name, step.uses);
        await visit(called, `${called}#`, step.runbook);
      }
    };
    await visit(self, '', program);
    return new RunSources(files);
  }

  get files(): SourceFile[] {
    return [...this.#files.values()];
  }

  file(path: string): SourceFile | undefined {
    return this.#files.get(resolve(path));
  }

  place(pointer: string): StepPlace | undefined {
    return this.#places.get(pointer);
  }

  /** The innermost step that this line is part of. */
  stepAt(path: string, line: number): StepPlace | undefined {
    return this.file(path)?.steps.findLast(step => step.line <= line && line <= step.endLine);
  }
}

async function sourceFile(path: string, prefix: string, planned: readonly Step[]): Promise<SourceFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
  const { draft, source } = parseRunbook(text);
  const document = TextDocument.create(path, 'virt-runbook', 0, text);
  const found = everyStep(draft);
  const steps = found.flatMap((step): StepPlace[] => {
    const range = source.valueRange(step.pointer);
    if (!range) return [];
    const end = range.start + text.slice(range.start, range.end).trimEnd().length;
    const start = document.positionAt(range.start);
    // The dash is where the step begins for an editor that marks columns.
    const lineStart = range.start - start.character;
    const column = text.slice(lineStart, range.start).search(/\S/);
    return [
      {
        pointer: prefix + step.pointer,
        path,
        line: start.line + 1,
        column: (column < 0 ? start.character : column) + 1,
        endLine: document.positionAt(end).line + 1,
      },
    ];
  });
  const now = new Map(found.map(step => [prefix + step.pointer, identity(step)]));
  return { path, steps, changed: planned.some(step => now.get(step.pointer) !== identity(step)) };
}

/** What makes it look like the same step. */
function identity(step: Step): string {
  return JSON.stringify([step.kind, step.id, step.name, step.kind === 'action' ? [step.uses, step.with] : undefined]);
}
