import type { DebugEvent, DebugRequest, StopView } from '../../src/engine/debug-protocol';
import { Debugger } from '../../src/engine/debugger';
import type { RunEnded } from '../../src/engine/journal';
import type { Step } from '../../src/runbook/model';
import { type Crash, type TestRun, type TestRunOptions, testRun } from './harness';

type Stopped = Extract<DebugEvent, { type: 'stopped' }>;

/** A run with a debugger attached from its beginning, and held at its entry unless told otherwise. */
export class DebuggedRun {
  readonly run: TestRun;
  events: DebugEvent[] = [];
  hub!: Debugger;
  #wake: (() => void)[] = [];
  #ended: Promise<RunEnded | undefined> | undefined;

  constructor(steps: Step[], options: TestRunOptions & { held?: boolean; attached?: boolean } = {}) {
    const { held = true, attached = true, ...rest } = options;
    this.run = testRun(steps, {
      ...rest,
      debug: plan => {
        this.hub = new Debugger(plan, held);
        if (attached) this.attach();
        return this.hub;
      },
    });
  }

  attach(name = 'tester'): void {
    this.hub.attach(name, event => {
      this.events.push(event);
      for (const wake of this.#wake.splice(0)) wake();
    });
  }

  /** Starts it, or a new process for it. */
  carry(crash?: Crash): Promise<RunEnded | undefined> {
    this.events = [];
    this.#ended = this.run.carry(crash);
    void this.#ended.then(() => {
      for (const wake of this.#wake.splice(0)) wake();
    });
    return this.#ended;
  }

  async ask<T>(request: DebugRequest): Promise<T> {
    return (await this.hub.request(request)) as T;
  }

  async next<T extends DebugEvent['type']>(type: T): Promise<Extract<DebugEvent, { type: T }>> {
    let over = false;
    void this.#ended?.then(() => {
      over = true;
    });
    for (;;) {
      const found = this.events.findIndex(event => event.type === type);
      if (found >= 0) return this.events.splice(found, 1)[0] as Extract<DebugEvent, { type: T }>;
      if (over) throw new Error(`The run ended before ${type}.`);
      await new Promise<void>(resolve => this.#wake.push(resolve));
      await undefined;
    }
  }

  /** Where it stands next: key, reason and phase. */
  async stopped(): Promise<StopView & { thread: number; said: string }> {
    const { thread, stop, text } = (await this.next('stopped')) as Stopped;
    return { ...stop, thread, said: text };
  }

  async go(how: 'continue' | 'over' | 'into' | 'out' | 'back', thread = 1) {
    await this.ask({ do: 'go', thread, how });
    return this.stopped();
  }

  async jump(pointer: string, thread = 1) {
    await this.ask({ do: 'jump', thread, pointer });
    return this.stopped();
  }

  /** Lets everything go, and waits for the end. */
  async toTheEnd(): Promise<RunEnded> {
    this.hub.detach();
    const ended = await this.#ended;
    if (!ended) throw new Error('It died without having been told to.');
    return ended;
  }

  types(...wanted: string[]): string[] {
    return this.run.journal.records.flatMap(record =>
      wanted.includes(record.type) ? [`${record.type} ${'key' in record ? record.key : ''}`] : [],
    );
  }
}
