import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { RehearsalNews, RehearsalWork, Rehearsed } from '../rehearsal/work';

interface Waiting {
  work: RehearsalWork;
  resolve(rehearsed: Rehearsed): void;
  reject(error: Error): void;
}

/** Threads that rehearse one plan after another. They are started as they are needed, and end with `close`. */
export class RehearsalPool {
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Waiting>();
  readonly #waiting: Waiting[] = [];
  #closed = false;

  constructor(
    /** dist/rehearsal.js */
    private readonly script: string,
    private readonly most = Math.max(1, availableParallelism()),
  ) {}

  /** @throws what kept it from being rehearsed; the signal's reason when it is aborted */
  rehearse(work: RehearsalWork, signal?: AbortSignal): Promise<Rehearsed> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#closed) return Promise.reject(new Error('The rehearsals have been ended.'));
    // All that waits here is stopped by the same signal.
    if (signal) setMaxListeners(0, signal);
    return new Promise<Rehearsed>((resolve, reject) => {
      const waiting: Waiting = {
        work,
        resolve: rehearsed => {
          signal?.removeEventListener('abort', stop);
          resolve(rehearsed);
        },
        reject: error => {
          signal?.removeEventListener('abort', stop);
          reject(error);
        },
      };
      const stop = (): void => {
        this.#drop(waiting);
        reject(signal!.reason);
      };
      signal?.addEventListener('abort', stop, { once: true });
      this.#waiting.push(waiting);
      this.#begin();
    });
  }

  /** Ends the threads, whatever they do. */
  async close(): Promise<void> {
    this.#closed = true;
    const workers = [...this.#idle.splice(0), ...this.#busy.keys()];
    for (const { reject } of [...this.#waiting.splice(0), ...this.#busy.values()])
      reject(new Error('The rehearsals have been ended.'));
    this.#busy.clear();
    await Promise.all(workers.map(worker => worker.terminate()));
  }

  #begin(): void {
    while (this.#waiting.length > 0 && this.#busy.size < this.most) {
      const next = this.#waiting.shift()!;
      const worker = this.#idle.pop() ?? this.#start();
      this.#busy.set(worker, next);
      worker.postMessage(next.work);
    }
  }

  #start(): Worker {
    const worker = new Worker(this.script);
    worker.on('message', (news: RehearsalNews) => {
      if (news.type === 'progress') return;
      const { resolve, reject } = this.#end(worker) ?? {};
      if (!this.#closed) this.#idle.push(worker);
      if (news.type === 'failed') reject?.(new Error(news.message));
      else resolve?.({ ok: news.ok, markdown: news.markdown, rehearsal: news.rehearsal });
      this.#begin();
    });
    worker.on('error', error => this.#end(worker)?.reject(error));
    worker.on('exit', code => {
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
      this.#end(worker)?.reject(new Error(`The rehearsal ended without a result (code ${code}).`));
      if (!this.#closed) this.#begin();
    });
    return worker;
  }

  #end(worker: Worker): Waiting | undefined {
    const ended = this.#busy.get(worker);
    this.#busy.delete(worker);
    return ended;
  }

  /** A thread in the middle of a rehearsal can only be stopped by ending it. */
  #drop(waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting);
    if (at >= 0) this.#waiting.splice(at, 1);
    for (const [worker, one] of this.#busy) {
      if (one !== waiting) continue;
      this.#busy.delete(worker);
      void worker.terminate();
    }
  }
}
