import { HypervisorError } from '../errors';
import type { SimulatedClock } from './clock';

interface Sleeper {
  at: number;
  wake(): void;
}

/** Calls back when everything that could go on without time passing has gone on. */
const whenSettled: (then: () => void) => void =
  typeof setImmediate === 'function' ? then => void setImmediate(then) : then => void setTimeout(then, 0);

/**
 * Jumps to the next wake-up when nothing else can go on, however many turns that takes: so a run's own waits and time-outs may sleep on it
 * beside the lab's operations. Takes no real time.
 */
export class SettledClock implements SimulatedClock {
  readonly live = false;
  readonly #sleepers: Sleeper[] = [];
  #settlers: (() => void)[] = [];
  #time: number;
  #scheduled = false;
  #stopped = false;
  #onIdle: (() => void) | undefined;

  constructor(time: number) {
    this.#time = time;
  }

  now(): number {
    return this.#time;
  }

  catchUp(time: number): void {
    this.#time = Math.max(this.#time, time);
  }

  fork(): SettledClock {
    return new SettledClock(this.#time);
  }

  pass(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wait(milliseconds, signal, resolve, () =>
        reject(new HypervisorError('cancelled', 'The operation was cancelled and has stopped.')),
      );
    });
  }

  /** Resolves when the time has passed, or early when the signal is aborted; never rejects. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => this.#wait(milliseconds, signal, resolve, resolve));
  }

  /** Nobody waits for a time to come, or for ever. */
  get quiet(): boolean {
    return this.#sleepers.length === 0;
  }

  /** Resolves when everything that could go on without time passing has gone on. */
  settled(): Promise<void> {
    return new Promise(resolve => {
      if (this.#stopped) return;
      this.#settlers.push(resolve);
      this.#schedule();
    });
  }

  /** From now on: called when nothing goes on any more and no time that passes would change that. */
  watch(onIdle: () => void): void {
    this.#onIdle = onIdle;
    this.#schedule();
  }

  /** Time stands still for ever: whoever waits, waits for ever. */
  stop(): void {
    this.#stopped = true;
    this.#onIdle = undefined;
    this.#sleepers.length = 0;
    this.#settlers = [];
  }

  #wait(milliseconds: number, signal: AbortSignal | undefined, done: () => void, aborted: () => void): void {
    if (this.#stopped) return;
    if (signal?.aborted || milliseconds <= 0) {
      (signal?.aborted ? aborted : done)();
      return;
    }
    // Neither time nor anybody can end that wait.
    if (!signal && milliseconds === Number.POSITIVE_INFINITY) return;
    const stop = (): void => {
      const at = this.#sleepers.indexOf(sleeper);
      if (at < 0) return;
      this.#sleepers.splice(at, 1);
      aborted();
    };
    const sleeper: Sleeper = {
      at: this.#time + milliseconds,
      wake: () => {
        signal?.removeEventListener('abort', stop);
        done();
      },
    };
    signal?.addEventListener('abort', stop, { once: true });
    this.#sleepers.push(sleeper);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    whenSettled(() => {
      this.#scheduled = false;
      this.#move();
    });
  }

  #move(): void {
    if (this.#stopped) return;
    if (this.#settlers.length > 0) {
      const settlers = this.#settlers;
      this.#settlers = [];
      for (const resolve of settlers) resolve();
      this.#schedule();
      return;
    }
    let next = -1;
    // Of those due at the same time the one that came first: later ones are never `<`.
    for (let at = 0; at < this.#sleepers.length; at++) {
      if (next < 0 || this.#sleepers[at]!.at < this.#sleepers[next]!.at) next = at;
    }
    const sleeper = this.#sleepers[next];
    // An endless wait (a call that hangs) is only ended by its signal, never by time.
    if (!sleeper || sleeper.at === Number.POSITIVE_INFINITY) {
      this.#onIdle?.();
      return;
    }
    this.#sleepers.splice(next, 1);
    this.#time = Math.max(this.#time, sleeper.at);
    sleeper.wake();
    this.#schedule();
  }
}
