import { resolve } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Breakpoint, BreakpointResult } from '../engine/debug-protocol';
import type { RunSources } from './run-sources';

interface Kept {
  id: number;
  path: string;
  asked: DebugProtocol.SourceBreakpoint;
}

/** Breakpoints as the client set them, by file, and where they are in the run. */
export class Breakpoints {
  readonly #byFile = new Map<string, Kept[]>();
  /** In the order in which the run was told of them. */
  #told: Kept[] = [];
  #next = 1;

  /** Replaces those of one file. */
  set(path: string, asked: readonly DebugProtocol.SourceBreakpoint[]): void {
    const file = resolve(path);
    this.#byFile.set(
      file,
      asked.map(one => ({ id: this.#next++, path: file, asked: one })),
    );
  }

  /** What the run is told: those that are at a step. */
  forRun(sources: RunSources): Breakpoint[] {
    this.#told = [];
    return [...this.#byFile.values()].flat().flatMap((kept): Breakpoint[] => {
      const place = sources.stepAt(kept.path, kept.asked.line);
      if (!place) return [];
      this.#told.push(kept);
      const { condition, hitCondition, logMessage } = kept.asked;
      return [
        {
          pointer: place.pointer,
          ...(condition && { condition: bare(condition) }),
          ...(hitCondition && { hitCondition }),
          ...(logMessage && { logMessage }),
        },
      ];
    });
  }

  /** How the client is told where they are now; `results` as the run gave them for `forRun`. */
  shown(sources: RunSources, results: readonly BreakpointResult[]): Map<string, DebugProtocol.Breakpoint[]> {
    return new Map(
      [...this.#byFile].map(([path, kept]) => [path, kept.map(one => this.#shown(one, sources, results))]),
    );
  }

  #shown(
    { id, path, asked }: Kept,
    sources: RunSources,
    results: readonly BreakpointResult[],
  ): DebugProtocol.Breakpoint {
    const place = sources.stepAt(path, asked.line);
    if (!place) {
      const message = sources.file(path)
        ? 'There is no step in this line. Set it on a step.'
        : 'This file is no part of the run that is debugged.';
      return { id, verified: false, line: asked.line, message };
    }
    const result = results[this.#told.findIndex(one => one.id === id)] ?? { verified: false };
    const { message } = result;
    return { id, verified: result.verified, line: place.line, ...(message !== undefined && { message }) };
  }

  /** Ids of breakpoints by their place among those that the run was told of. */
  idsOf(indexes: readonly number[]): number[] {
    return indexes.flatMap(index => this.#told[index]?.id ?? []);
  }

  /** Whether one is at this step. */
  isAt(pointer: string, sources: RunSources): boolean {
    return this.#told.some(({ path, asked }) => sources.stepAt(path, asked.line)?.pointer === pointer);
  }
}

/** Conditions may be written as in the runbook. */
export function bare(expression: string): string {
  return /^\s*\$\{\{([\s\S]*)\}\}\s*$/.exec(expression)?.[1]?.trim() ?? expression;
}
