import path from 'node:path';
import type { RehearsalWork } from '../rehearsal/work';
import { rehearseInWorker } from '../runner/rehearse-in-worker';
import type * as reviewChunk from './chunks/review';

/**
 * The parts that activation does not load. Each is a bundle of its own beside this one (scripts/build.mjs), because
 * esbuild splits no CommonJS; `import type` keeps them out of this one. Classes are not shared across bundles: compare
 * errors by name.
 */
type Language = typeof import('./chunks/language');
type Format = typeof import('./chunks/format');
type RunsChunk = typeof import('./chunks/runs');
type Connect = typeof import('./chunks/connect');
type Debug = typeof import('./chunks/debug');
type ReviewChunk = typeof reviewChunk;
type RunPageChunk = typeof import('./chunks/runPage');

const loaded = new Map<string, unknown>();

function load<T>(name: string): T {
  if (!loaded.has(name)) loaded.set(name, require(path.join(__dirname, `${name}.js`)));
  return loaded.get(name) as T;
}

/** Parser, checks, completion, planning. */
export const language = () => load<Language>('language');
/** The formatter. */
export const formatting = () => load<Format>('format');
/** The folder of runs, and the process that starts one. */
export const runs = () => load<RunsChunk>('runs');
/** Rehearses in a thread of its own; undefined: it was aborted. */
export const rehearseElsewhere = (work: RehearsalWork, options: Parameters<typeof rehearseInWorker>[2]) =>
  rehearseInWorker(path.join(__dirname, 'rehearsal.js'), work, options);
/** SSH and hypervisors. */
export const connect = () => load<Connect>('connect');
/** The pages of runs. */
export const runPage = () => load<RunPageChunk>('runPage');
/** Reviews of changes. */
export const review = () => load<ReviewChunk>('review');
/** The debug adapter. */
export const debug = () => load<Debug>('debug');
