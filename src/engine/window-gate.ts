import type { MaintenanceWindow } from '../runbook/model';
import { allOpenFrom, isOpen } from '../runbook/window';
import { Stopped } from './action-step';
import type { Durable } from './durable';
import { WindowClosed } from './place';

/** It is closed, nothing has been begun yet, and the run may not wait. */
export class WindowRefused extends Error {
  override readonly name = 'WindowRefused';
}

/**
 * Lets steps begin while all maintenance windows are open. The time at which each was let through is recorded, so a replay goes the same way.
 * A runner that comes to a closed window waits or refuses; one that was let through before does what the window says of its closing.
 */
export class WindowGate {
  /** This runner has begun something within the windows. */
  #within = false;
  /** Something of the run has been begun, by this runner or one before. */
  #begun = false;

  constructor(private readonly windows: readonly MaintenanceWindow[]) {}

  /** A step was begun by an earlier runner. */
  seenBegun(): void {
    this.#begun = true;
  }

  /** Before the step or item with this key. @throws WindowClosed, WindowRefused, Stopped */
  async pass(durable: Durable, key: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      const id = `window ${key}#${tries}`;
      const closed = durable.recorded(`window.closed ${id}`);
      if (closed?.type === 'window.closed') throw new WindowClosed(closed.text, closed.what);
      const live = durable.recordedTime(id) === undefined;
      if (live && durable.cancelled) throw new Stopped();
      const now = await durable.now(id);
      const shut = this.windows.filter(window => !isOpen(window, now));
      if (shut.length === 0 || (this.#within && shut.every(window => window.closing === 'ignore'))) {
        this.#within ||= live;
        this.#begun = true;
        return;
      }
      const opens = allOpenFrom(this.windows, now);
      const hours = shut.map(window => `${window.allow.join(', ')} ${window.zone}`).join('; ');
      const next = opens === undefined ? 'It never opens: correct its hours.' : `It opens at ${textOf(opens)}.`;
      if (!this.#within && opens !== undefined && shut.every(window => window.outside === 'wait')) {
        // No wait came of it, or one that was broken off: it may be open by now.
        if (!live && durable.recorded(`window.waiting ${id}`) === undefined) continue;
        await durable.decide(`window.waiting ${id}`, () => {
          if (durable.cancelled) throw new Stopped();
          return { type: 'window.waiting', id, opensAt: opens, text: `Waits for its window (${hours}). ${next}` };
        });
        await durable.sleep(id, opens - now);
        continue;
      }
      if (!this.#begun) throw new WindowRefused(`It is outside its maintenance window (${hours}). ${next}`);
      const rollback = this.#within && shut.some(window => window.closing === 'rollback');
      const text = `The maintenance window (${hours}) is closed. ${next}`;
      await durable.emit({ type: 'window.closed', id, text, what: rollback ? 'rollback' : 'stop' });
      throw new WindowClosed(text, rollback ? 'rollback' : 'stop');
    }
  }
}

function textOf(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
