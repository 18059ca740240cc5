import Type from 'typebox';
import { type ActionDefinition, defineAction } from '../../src/actions/action';
import { History } from '../../src/engine/history';
import { interpret } from '../../src/engine/interpret';
import type { JournalRecord, RunEnded, RunEvent } from '../../src/engine/journal';
import { type Clock, JournalDurable, type JournalWriter } from '../../src/engine/journal-durable';
import { makePlan } from '../../src/engine/make-plan';
import type { Plan } from '../../src/engine/plan';
import type { World } from '../../src/engine/world';
import { HypervisorError } from '../../src/hypervisors/errors';
import type { Fleet } from '../../src/inventory/fleet';
import type { Step } from '../../src/runbook/model';

/** What happens when a test step acts. `unknown-*`: the call breaks off, and it did or did not happen. `unclear`: and a probe can't tell. */
export type Fault =
  | 'none'
  | 'blocked'
  | 'fail'
  | 'fail-halfway'
  | 'unknown-done'
  | 'unknown-not'
  | 'unclear-done'
  | 'unclear-not'
  | 'undo-fails'
  | 'undo-fails-once';

/** A world of named values, in place of an inventory, that any number of runners act on one after another. */
export class Values {
  readonly values = new Map<string, number>();
  /** How often each step's apply was begun. */
  readonly applied = new Map<string, number>();
  /** Steps whose effect is there. */
  readonly happened = new Set<string>();
  readonly undone: string[] = [];
  readonly committed: string[] = [];
  /** Undos that have failed once already. */
  readonly failedOnce = new Set<string>();
  /** A finished step was applied again. */
  violations: string[] = [];
  /** What a person would find when looking, for steps whose probe can't tell. */
  readonly truth = new Map<string, 'done' | 'retry' | 'rollback'>();
  /** Called when a step is applied, before it acts. */
  onApply: ((key: string, signal: AbortSignal) => Promise<void> | void) | undefined;

  get(name: string): number {
    return this.values.get(name) ?? 0;
  }
  set(name: string, value: number): void {
    this.values.set(name, value);
  }
  snapshot(): Record<string, number> {
    return Object.fromEntries([...this.values].filter(([, value]) => value !== 0).sort());
  }
}

const failure = (message: string) => new HypervisorError('failed', message);
const lost = (message: string) => new HypervisorError('unreachable', message);

/** `t.set`: puts a value; its undo puts the old one back. `t.look`: changes nothing. `t.burn`: has no undo. */
export function testActions(world: Values, records: () => readonly JournalRecord[]): Map<string, ActionDefinition> {
  const inputs = Type.Object({
    target: Type.String(),
    value: Type.Number(),
    fault: Type.Optional(Type.String({ default: 'none' })),
    idempotent: Type.Optional(Type.Boolean({ default: false })),
    /** How many attempts fail before one does not. */
    failures: Type.Optional(Type.Integer({ default: 1000 })),
  });
  const set = defineAction({
    name: 't.set',
    title: 'Set',
    summary: '',
    docs: '',
    example: '',
    inputs,
    outputs: Type.Object({ was: Type.Number(), now: Type.Number() }),
    before: Type.Object({ was: Type.Number() }),
    undoClass: 'reversible',
    idempotent: given => given.idempotent === true,
    requires: () => [],
    targets: ({ target }) => ({ reads: [], changes: [{ kind: 'vm', name: target }] }),
    describe: ({ target, value }) => `set ${target} to ${value}`,
    describeUndo: ({ target }, before) => `set ${target} back to ${before?.was ?? 'what it was'}`,
    estimateSeconds: () => 1,
    preflight: async (_context, { fault }) =>
      fault === 'blocked' ? [{ level: 'blocker', message: 'It is blocked.' }] : [],
    prepare: async (_context, { target }) => ({ was: world.get(target) }),
    apply: async ({ stepKey, signal }, given, before) => {
      if (records().some(record => record.type === 'step.done' && record.key === stepKey)) {
        world.violations.push(`${stepKey} was applied after it was done`);
      }
      const times = (world.applied.get(stepKey) ?? 0) + 1;
      world.applied.set(stepKey, times);
      await world.onApply?.(stepKey, signal);
      const fault = times > (given.failures ?? 1000) ? 'none' : (given.fault as Fault);
      const act = () => {
        world.set(given.target, given.value);
        world.happened.add(stepKey);
      };
      world.truth.set(stepKey, fault.endsWith('-not') ? 'retry' : fault.startsWith('fail') ? 'rollback' : 'done');
      switch (fault) {
        case 'fail':
          throw failure('It failed.');
        case 'fail-halfway':
          world.set(given.target, -1);
          throw failure('It failed halfway.');
        case 'unknown-done':
        case 'unclear-done':
          act();
          throw lost('The connection was lost.');
        case 'unknown-not':
        case 'unclear-not':
          throw lost('The connection was lost.');
        default:
          act();
          return { was: before.was, now: given.value };
      }
    },
    probe: async ({ stepKey }, given, before) => {
      if (given.fault?.startsWith('unclear')) return { outcome: 'unknown', why: 'Nobody can tell.' };
      if (world.get(given.target) === given.value && world.happened.has(stepKey)) {
        return { outcome: 'done', outputs: { was: before.was, now: given.value } };
      }
      return world.get(given.target) === before.was ? { outcome: 'not-done' } : { outcome: 'unknown', why: 'Halfway.' };
    },
    undo: async ({ stepKey }, given, before) => {
      if (given.fault === 'undo-fails') throw failure('The undo failed.');
      if (given.fault === 'undo-fails-once' && !world.failedOnce.has(stepKey)) {
        world.failedOnce.add(stepKey);
        throw failure('The undo failed once.');
      }
      world.set(given.target, before.was);
      world.happened.delete(stepKey);
      world.undone.push(stepKey);
    },
  });
  const definitions = [
    set,
    { ...set, name: 't.look', undoClass: 'none' as const, undo: undefined },
    { ...set, name: 't.burn', undoClass: 'irreversible' as const, undo: undefined },
    {
      ...set,
      name: 't.kept',
      commit: async ({ stepKey }: { stepKey: string }) => {
        world.committed.push(stepKey);
      },
    },
  ];
  return new Map(definitions.map(one => [one.name, one as unknown as ActionDefinition]));
}

/** Time that passes only when somebody waits. */
export class TestClock implements Clock {
  time = 1_700_000_000_000;
  now(): number {
    return this.time;
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    // A time-out waits beside the work; it must not come before work that is ready.
    for (let turn = 0; turn < 50 && !signal?.aborted; turn++) await undefined;
    if (!signal?.aborted) this.time += ms;
  }
}

/** Time in which a time-out never comes: work in these tests takes none. */
export class StillClock extends TestClock {
  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms < 100_000) return super.sleep(ms, signal);
    await new Promise<void>(resolve => signal?.addEventListener('abort', () => resolve(), { once: true }));
  }
}

export interface Crash {
  /** Number of the record at which the process dies… */
  at: number;
  /** …`before` it is written, or right `after`. */
  when: 'before' | 'after';
}

/** A journal in memory; each process that writes to it may die at a record, and what it would do after that never happens. */
export class MemoryJournal {
  readonly records: JournalRecord[] = [];

  constructor(readonly clock: Clock) {}

  write(event: RunEvent): JournalRecord {
    const record = { n: this.records.length, t: this.clock.now(), ...event };
    this.records.push(structuredClone(record));
    return record;
  }
}

/** One runner process on a journal. */
export class TestProcess implements JournalWriter {
  dead = false;
  #die!: (reason: unknown) => void;
  /** Rejects when the process dies. */
  readonly died = new Promise<never>((_, reject) => {
    this.#die = reject;
  });
  onAppend: ((event: RunEvent) => void) | undefined;

  constructor(
    private readonly journal: MemoryJournal,
    private readonly crash: Crash | undefined,
  ) {
    this.died.catch(() => undefined);
  }

  append(event: RunEvent, durability: 'synced' | 'soon' = 'synced'): Promise<JournalRecord> {
    const never = new Promise<JournalRecord>(() => undefined);
    if (this.dead) return never;
    this.onAppend?.(event);
    // Notes may come at any time; dying is counted in records that matter.
    const dies =
      durability === 'synced' && this.crash?.at === this.journal.records.length ? this.crash.when : undefined;
    if (dies === 'before') return this.#end(never);
    const record = this.journal.write(event);
    return dies === 'after' ? this.#end(never) : Promise.resolve(record);
  }

  /** What a dead process waits for never comes. */
  async alive<T>(value: Promise<T>): Promise<T> {
    const got = await value;
    return this.dead ? new Promise<T>(() => undefined) : got;
  }

  #end<T>(never: Promise<T>): Promise<T> {
    this.dead = true;
    this.#die(new Crashed());
    return never;
  }
}

export class Crashed extends Error {}

export interface TestRun {
  world: Values;
  journal: MemoryJournal;
  plan: Plan;
  durable: JournalDurable | undefined;
  /** Called before each record is written. */
  onAppend?: (event: RunEvent) => void;
  /** Carries the run until it ends; undefined when the process dies first. */
  carry(crash?: Crash): Promise<RunEnded | undefined>;
  /** As `virtbook rollback` does. */
  rollback(crash?: Crash): Promise<RunEnded | undefined>;
}

export interface TestRunOptions {
  inputs?: Record<string, never>;
  /** Answers questions; default: what is true. */
  answer?: (key: string) => string;
  clock?: Clock;
  /** Steps are given a turn of the event loop each, so that branches interleave. */
  interleave?: boolean;
}

export function testRun(steps: Step[], options: TestRunOptions = {}): TestRun {
  const clock = options.clock ?? new StillClock();
  const world = new Values();
  const journal = new MemoryJournal(clock);
  const definitions = testActions(world, () => journal.records);
  const { plan, hash } = makePlan({
    runbook: { version: 1, name: 'test', inputs: {}, steps: withPointers(steps) },
    action: name => definitions.get(name),
  });
  journal.write({
    type: 'run.submitted',
    runId: 'r1',
    plan,
    planHash: hash,
    by: 'test',
    runbookPath: '/test.runbook.yaml',
  });

  const over = new Set<TestProcess>();
  const reply = async (machine: TestProcess, durable: JournalDurable, id: string): Promise<void> => {
    const key = id.replace(/#\d+ outcome \d+$/, '');
    const choice = options.answer?.(key) ?? world.truth.get(key) ?? 'retry';
    // The run may still be on its way to the question that an earlier process asked.
    while (!machine.dead && !over.has(machine) && !(await durable.answer(id, choice, 'person'))) {
      await new Promise(resolve => setImmediate(resolve));
    }
  };

  const carry = async (crash?: Crash): Promise<RunEnded | undefined> => {
    const history = new History();
    for (const record of journal.records) history.apply(record);
    // As the runner does: what has ended is not begun again.
    if (history.ended && history.ended.status !== 'stopped' && history.cancelled === undefined) {
      return withoutPlace(history.ended);
    }
    const machine = new TestProcess(journal, crash);
    const live = async (): Promise<RunEnded> => {
      history.apply(await machine.append({ type: 'run.started', pid: 1, machine: 'test', resumed: history.started }));
      const durable = new JournalDurable('r1', history, machine, clock);
      run.durable = durable;
      machine.onAppend = event => {
        run.onAppend?.(event);
        if (event.type === 'question.asked') queueMicrotask(() => void reply(machine, durable, event.id));
      };
      for (const record of journal.records) {
        if (record.type === 'question.asked' && !isAnswered(journal, record.id))
          setImmediate(() => void reply(machine, durable, record.id));
      }
      const here: World = {
        action: name => inProcess(definitions.get(name), machine, options.interleave === true),
        clock: { now: () => clock.now(), sleep: (ms, signal) => machine.alive(clock.sleep(ms, signal)) },
        fleet: noFleet,
      };
      const ended = await interpret(durable, plan, here);
      await machine.append(ended);
      return ended;
    };
    try {
      return await Promise.race([live(), machine.died]);
    } catch (error) {
      if (error instanceof Crashed) return undefined;
      throw error;
    } finally {
      over.add(machine);
    }
  };

  const run: TestRun = {
    world,
    journal,
    plan,
    durable: undefined,
    carry,
    rollback: async crash => {
      journal.write({ type: 'cancel.requested', mode: 'rollback', by: 'test' });
      return carry(crash);
    },
  };
  return run;
}

/** An event without its number and time. */
function withoutPlace(event: RunEnded & { n?: number; t?: number }): RunEnded {
  const { n: _n, t: _t, ...rest } = event;
  return rest;
}

function isAnswered(journal: MemoryJournal, id: string): boolean {
  return journal.records.some(record => record.type === 'question.answered' && record.id === id);
}

/** An action as one process calls it: when that is dead, nothing happens any more. */
function inProcess(
  definition: ActionDefinition | undefined,
  machine: TestProcess,
  interleave: boolean,
): ActionDefinition | undefined {
  if (!definition) return undefined;
  const wrapped: ActionDefinition = { ...definition };
  for (const name of ['preflight', 'apply', 'undo', 'commit', 'probe', 'prepare'] as const) {
    const original = definition[name] as ((...args: unknown[]) => Promise<unknown>) | undefined;
    if (!original) continue;
    Object.assign(wrapped, {
      [name]: async (...args: unknown[]) => {
        if (interleave) await undefined;
        if (machine.dead) return new Promise(() => undefined);
        return machine.alive(original(...args));
      },
    });
  }
  return wrapped;
}

const noFleet = {} as Fleet;

/** Steps written without pointers get those of their places. */
export function withPointers(steps: Step[], prefix = '/steps'): Step[] {
  return steps.map((step, at) => {
    const pointer = `${prefix}/${at}`;
    if (step.kind === 'forEach' || step.kind === 'steps' || step.kind === 'parallel') {
      return { ...step, pointer, steps: withPointers(step.steps, `${pointer}/steps`) };
    }
    if (step.kind !== 'action') return { ...step, pointer };
    if (typeof step.rollback === 'object') {
      return { ...step, pointer, rollback: withPointers(step.rollback, `${pointer}/rollback`) };
    }
    return { ...step, pointer };
  });
}

export interface SetOptions {
  value?: number;
  fault?: Fault;
  idempotent?: boolean;
  failures?: number;
  id?: string;
  uses?: string;
  attempts?: number;
  rollback?: 'none' | Step[];
  when?: string;
  timeoutMs?: number;
}

export function set(target: string, options: SetOptions = {}): Step {
  const { value = 1, fault, idempotent, failures, id, uses = 't.set', attempts, rollback, when, timeoutMs } = options;
  return {
    kind: 'action',
    pointer: '',
    uses,
    with: {
      target,
      value,
      ...(fault && { fault }),
      ...(idempotent && { idempotent }),
      ...(failures !== undefined && { failures }),
    },
    ...(id && { id }),
    ...(attempts && { retry: { attempts, delayMs: 1000 } }),
    ...(rollback && { rollback }),
    ...(when && { when }),
    ...(timeoutMs && { timeoutMs }),
  };
}

export function each(
  items: string[],
  steps: Step[],
  options: { batch?: number; maxFailures?: number; id?: string } = {},
): Step {
  return {
    kind: 'forEach',
    pointer: '',
    variable: 'item',
    in: items,
    batch: options.batch ?? 1,
    maxFailures: options.maxFailures ?? 0,
    steps,
    ...(options.id && { id: options.id }),
  };
}

export function group(steps: Step[], options: { when?: string; id?: string } = {}): Step {
  return { kind: 'steps', pointer: '', steps, ...options };
}
