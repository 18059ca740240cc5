import { HypervisorError } from '../errors';

/** Time as the simulated lab sees it. `pass` is how an operation, or a person waiting, spends time. */
export interface SimulatedClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves when that time has passed; rejects with `cancelled` when the signal is aborted first. */
  pass(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Another process has seen a later time: goes on from there. Never goes back. */
  catchUp(time: number): void;
  /** A clock of the same kind that starts at this one's time. */
  fork(): SimulatedClock;
  /** People are watching: operations report progress as they go. */
  readonly live: boolean;
}

function cancelled(): HypervisorError {
  return new HypervisorError('cancelled', 'The operation was cancelled and has stopped.');
}

/** Turns of the microtask queue in which things that go on side by side may line up before time moves. */
const settleTurns = 8;

interface Sleeper {
  at: number;
  order: number;
  wake(): void;
}

/** Jumps from one wake-up to the next and takes no real time. What goes on side by side overlaps as it would in reality. */
export class VirtualClock implements SimulatedClock {
  readonly live = false;
  private sleepers: Sleeper[] = [];
  private order = 0;
  private moving = false;

  constructor(private time: number) {}

  now(): number {
    return this.time;
  }

  catchUp(time: number): void {
    this.time = Math.max(this.time, time);
  }

  fork(): SimulatedClock {
    return new VirtualClock(this.time);
  }

  pass(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(cancelled());
    if (milliseconds <= 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.sleepers = this.sleepers.filter(other => other !== sleeper);
        reject(cancelled());
      };
      const sleeper: Sleeper = {
        at: this.time + milliseconds,
        order: this.order++,
        wake: () => {
          signal?.removeEventListener('abort', stop);
          resolve();
        },
      };
      signal?.addEventListener('abort', stop, { once: true });
      this.sleepers.push(sleeper);
      void this.move();
    });
  }

  private async move(): Promise<void> {
    if (this.moving) return;
    this.moving = true;
    for (;;) {
      for (let turn = 0; turn < settleTurns; turn++) await undefined;
      let next: Sleeper | undefined;
      for (const sleeper of this.sleepers) {
        if (!next || sleeper.at < next.at || (sleeper.at === next.at && sleeper.order < next.order)) next = sleeper;
      }
      // An endless wait (a call that hangs) is only ended by its signal, never by time.
      if (!next || next.at === Number.POSITIVE_INFINITY) break;
      this.sleepers.splice(this.sleepers.indexOf(next), 1);
      this.time = Math.max(this.time, next.at);
      next.wake();
    }
    this.moving = false;
  }
}

/** Adds every wait to the time at once: the quickest, for whole runs by the thousand. Waits side by side add up. */
export class SummingClock implements SimulatedClock {
  readonly live = false;

  constructor(private time: number) {}

  now(): number {
    return this.time;
  }

  catchUp(time: number): void {
    this.time = Math.max(this.time, time);
  }

  fork(): SimulatedClock {
    return new SummingClock(this.time);
  }

  pass(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(cancelled());
    if (milliseconds === Number.POSITIVE_INFINITY) {
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(cancelled()), { once: true }));
    }
    this.time += milliseconds;
    return Promise.resolve();
  }
}

/** Real waiting, `factor` times as fast as the simulated durations say, so that a demonstration can be watched. */
export class RealtimeClock implements SimulatedClock {
  readonly live = true;
  private readonly started = Date.now();

  constructor(
    private start: number,
    private readonly factor: number,
  ) {}

  now(): number {
    return this.start + (Date.now() - this.started) * this.factor;
  }

  catchUp(time: number): void {
    this.start += Math.max(0, time - this.now());
  }

  fork(): SimulatedClock {
    return new RealtimeClock(this.now(), this.factor);
  }

  pass(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(cancelled());
    return new Promise((resolve, reject) => {
      // setTimeout takes 32 bits; a longer wait is only ended by its signal.
      const delay = milliseconds / this.factor;
      const timer = delay < 2 ** 31 ? setTimeout(done, delay) : undefined;
      const stop = (): void => {
        clearTimeout(timer);
        reject(cancelled());
      };
      function done(): void {
        signal?.removeEventListener('abort', stop);
        resolve();
      }
      signal?.addEventListener('abort', stop, { once: true });
    });
  }
}
