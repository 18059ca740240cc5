import { Worker } from 'node:worker_threads';
import type { RehearsalNews, RehearsalWork, Rehearsed } from '../rehearsal/work';

/** Rehearses in a thread; `script` is dist/rehearsal.js. undefined: it was aborted, and the thread is ended. */
export function rehearseInWorker(
  script: string,
  work: RehearsalWork,
  options: { signal: AbortSignal; onProgress(done: number, total: number): void },
): Promise<Rehearsed | undefined> {
  const { signal, onProgress } = options;
  if (signal.aborted) return Promise.resolve(undefined);
  const worker = new Worker(script, { workerData: work });
  const stop = () => void worker.terminate();
  signal.addEventListener('abort', stop, { once: true });
  return new Promise<Rehearsed | undefined>((resolve, reject) => {
    worker.on('message', (news: RehearsalNews) => {
      if (news.type === 'progress') onProgress(news.done, news.total);
      else if (news.type === 'failed') reject(new Error(news.message));
      else resolve({ ok: news.ok, markdown: news.markdown, rehearsal: news.rehearsal });
    });
    worker.on('error', reject);
    worker.on('exit', code => {
      if (signal.aborted) resolve(undefined);
      else reject(new Error(`The rehearsal ended without a result (code ${code}).`));
    });
  }).finally(() => signal.removeEventListener('abort', stop));
}
