import type { Clock } from '../engine/journal-durable';

/** The computer's own time. */
export const realClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise(resolve => {
      if (signal?.aborted) return resolve();
      const end = Date.now() + ms;
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      // Timers hold 32 bits; a longer wait takes several.
      let timer: NodeJS.Timeout;
      const wait = (): void => {
        const left = end - Date.now();
        if (left <= 0) done();
        else timer = setTimeout(wait, Math.min(left, 2 ** 31 - 1));
      };
      signal?.addEventListener('abort', done, { once: true });
      wait();
    }),
};
