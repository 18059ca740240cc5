import * as vscode from 'vscode';
import type { RehearsalNews, RehearsalWork, Rehearsed } from '../rehearsal/work';
import { workOfFiles } from '../review/work-of-files';
import * as formatChunk from './chunks/format';
import * as languageChunk from './chunks/language';
import { copyOfFiles } from './plan/copyOfFiles';
import { ReviewComments } from './review/comments';
import { ReviewMarks } from './review/marks';
import { rehearsalsIn } from './review/rehearsals';
import type { ReviewFiles } from './review/reviewFiles';
import type { ReviewResults } from './review/reviewResults';
import { Reviews } from './review/reviews';

// What lazy.ts is on a computer: dist/web.js takes this file instead (scripts/build.mjs). A browser's extension host loads one file.

/** The part of a browser's worker that is used here; the rest of the project is compiled without the browser's types. */
declare class Worker {
  constructor(url: string);
  onmessage: (event: { data: RehearsalNews }) => void;
  onerror: (event: { message: string }) => void;
  postMessage(work: RehearsalWork): void;
  terminate(): void;
}

/** Folder of the extension, for the worker; set when it is activated. */
let home: vscode.Uri | undefined;
export function setHome(uri: vscode.Uri): void {
  home = uri;
}

export const language = () => languageChunk;
export const formatting = () => formatChunk;
/** Each rehearsal of a review is in a worker of its own. */
export const review = () => ({
  ReviewComments,
  ReviewMarks,
  openReviews: (results: ReviewResults, files: ReviewFiles) =>
    new Reviews(results, files, () => rehearsalsIn(rehearseElsewhere)),
});
// Nothing is connected to from a browser.
export const connect = () => ({ copyForRehearsal: copyOfFiles, workOfFiles });

/** Rehearses in a worker of its own; undefined: it was aborted. */
export function rehearseElsewhere(
  work: RehearsalWork,
  { signal, onProgress }: { signal: AbortSignal; onProgress(done: number, total: number): void },
): Promise<Rehearsed | undefined> {
  if (!home || signal.aborted) return Promise.resolve(undefined);
  const worker = new Worker(vscode.Uri.joinPath(home, 'dist/rehearsal-web.js').toString(true));
  return new Promise<Rehearsed | undefined>((resolve, reject) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
    worker.onmessage = ({ data }) => {
      if (data.type === 'progress') onProgress(data.done, data.total);
      else if (data.type === 'failed') reject(new Error(data.message));
      else resolve({ ok: data.ok, markdown: data.markdown, rehearsal: data.rehearsal });
    };
    worker.onerror = event => reject(new Error(event.message));
    worker.postMessage(work);
  }).finally(() => worker.terminate());
}
