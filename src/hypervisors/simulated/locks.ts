import { HypervisorError } from '../errors';
import type { HeldLock, HostLocks, LockRecord } from '../ports';
import type { SimulatedLab } from './lab';
import type { LabLock } from './state';

type Locks = Record<string, LabLock>;

interface Asked {
  /** Looks at the locks and changes them in place; says whether it did. */
  look(locks: Locks): boolean;
  /** What it did is kept. */
  done(): void;
  failed(error: unknown): void;
}

/**
 * Locks of a lab, kept in its state, so that runs of several processes on one lab file see them. They are no part of the simulated world:
 * they meet no faults, take no time of its clock, and a fork has none.
 */
export class SimulatedLocks implements HostLocks {
  /** What is asked for while the lab's file is read and written is done in one go. */
  readonly #asked: Asked[] = [];
  #going: Promise<void> | undefined;

  constructor(
    private readonly lab: SimulatedLab,
    private readonly connection: string,
    private readonly answers: () => boolean,
  ) {}

  take(
    lock: Omit<LockRecord, 'token' | 'takenAt' | 'heartbeatAt'>,
  ): Promise<{ taken: LockRecord } | { heldBy: HeldLock }> {
    return this.#change<{ taken: LockRecord } | { heldBy: HeldLock }>(locks => {
      const last = locks[lock.name];
      if (last?.held && last.held.runId !== lock.runId) return { value: { heldBy: aged(last.held) } };
      const now = Date.now();
      const { name, label, owner, runId, note } = lock;
      const token = (last?.token ?? 0) + 1;
      const held = { name, label, owner, runId, token, takenAt: now, heartbeatAt: now, note };
      return { value: { taken: held }, becomes: { name, lock: { token, held } } };
    });
  }

  heartbeat(lock: LockRecord): Promise<boolean> {
    return this.#change(locks => {
      const held = ours(locks, lock);
      if (!held) return { value: false };
      const now = { ...held, note: lock.note, heartbeatAt: Date.now() };
      return { value: true, becomes: { name: lock.name, lock: { token: held.token, held: now } } };
    });
  }

  release(lock: LockRecord): Promise<void> {
    return this.#change(locks =>
      ours(locks, lock)
        ? { value: undefined, becomes: { name: lock.name, lock: { token: lock.token } } }
        : { value: undefined },
    );
  }

  async list(): Promise<HeldLock[]> {
    await this.lab.poll();
    this.#reachable();
    const held = Object.values(this.lab.locks).flatMap(lock => (lock.held ? [aged(lock.held)] : []));
    return held.sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  breakLock(name: string, token: number): Promise<boolean> {
    return this.#change(locks =>
      locks[name]?.held?.token === token ? { value: true, becomes: { name, lock: { token } } } : { value: false },
    );
  }

  #change<T>(look: (locks: Locks) => { value: T; becomes?: { name: string; lock: LabLock } }): Promise<T> {
    return new Promise((resolve, reject) => {
      let value: T;
      this.#asked.push({
        look: locks => {
          const found = look(locks);
          value = found.value;
          if (found.becomes) locks[found.becomes.name] = found.becomes.lock;
          return found.becomes !== undefined;
        },
        done: () => resolve(value),
        failed: reject,
      });
      this.#going ??= this.#go();
    });
  }

  async #go(): Promise<void> {
    while (this.#asked.length > 0) {
      let batch: Asked[] = [];
      try {
        await this.lab.changeLocks(locks => {
          batch = this.#asked.splice(0);
          this.#reachable();
          return batch.map(one => one.look(locks)).includes(true);
        });
        for (const one of batch) one.done();
      } catch (error) {
        if (batch.length === 0) batch = this.#asked.splice(0);
        for (const one of batch) one.failed(error);
      }
    }
    this.#going = undefined;
  }

  #reachable(): void {
    if (this.answers()) return;
    throw new HypervisorError('unreachable', `No host of ${this.connection} answers.`, {
      connection: this.connection,
      outcomeUnknown: false,
    });
  }
}

function ours(locks: Locks, lock: LockRecord): LockRecord | undefined {
  const held = locks[lock.name]?.held;
  return held?.token === lock.token && held.runId === lock.runId && held.takenAt === lock.takenAt ? held : undefined;
}

function aged(held: LockRecord): HeldLock {
  return { ...held, heartbeatAgeMs: Math.max(0, Date.now() - held.heartbeatAt) };
}
