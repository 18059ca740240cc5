import Type from 'typebox';
import { type ActionDefinition, defineAction } from '../../src/actions/action';
import type { Debugger } from '../../src/engine/debugger';
import { History } from '../../src/engine/history';
import { interpret } from '../../src/engine/interpret';
import type { JournalRecord, RunEnded, RunEvent } from '../../src/engine/journal';
import { type Clock, JournalDurable, type JournalWriter } from '../../src/engine/journal-durable';
import { finallyMark } from '../../src/engine/keys';
import { makePlan } from '../../src/engine/make-plan';
import type { Plan } from '../../src/engine/plan';
import { Secrets } from '../../src/engine/secrets';
import type { Claim, Gate, Guard, World } from '../../src/engine/world';
import { HypervisorError } from '../../src/hypervisors/errors';
import type { Fleet } from '../../src/inventory/fleet';
import { parseDuration } from '../../src/runbook/duration';
import type { CallStep, Runbook, Step } from '../../src/runbook/model';

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
  /** What steps were told, when they acted. */
  readonly notes: string[] = [];
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
    note: Type.Optional(Type.String()),
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
      // What is done at the end is done again at every end.
      const since = stepKey.includes(finallyMark) ? records().findLastIndex(record => record.type === 'run.ended') : 0;
      if (records().some(record => record.type === 'step.done' && record.key === stepKey && record.n >= since)) {
        world.violations.push(`${stepKey} was applied after it was done`);
      }
      const times = (world.applied.get(stepKey) ?? 0) + 1;
      world.applied.set(stepKey, times);
      await world.onApply?.(stepKey, signal);
      if (given.note !== undefined) world.notes.push(given.note);
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

export type ApprovalAsked = Extract<RunEvent, { type: 'approval.asked' }>;

export interface TestRunOptions {
  /** Of the runbook besides its steps. */
  runbook?: Partial<Omit<Runbook, 'steps'>>;
  /** Values of secret inputs. */
  secrets?: Record<string, string>;
  /** Answers questions of unknown outcomes; default: what is true. */
  answer?: (key: string, truth: string) => string;
  /** Answers what is asked after the point of no return; default: stop. */
  forward?: (id: string) => 'again' | 'stop' | undefined;
  /** What people say when they are asked to approve; default: as many as it takes do, unless its message is `no`. */
  approve?: (durable: JournalDurable, asked: ApprovalAsked) => Promise<unknown>;
  clock?: Clock;
  /** Steps are given a turn of the event loop each, so that branches interleave. */
  interleave?: boolean;
  /** So many effects at once. */
  limit?: number;
  guards?: readonly Guard[];
  /** Of each process, from when it begins. */
  debug?: (plan: Plan) => Debugger | undefined;
}

export function testRun(steps: Step[], options: TestRunOptions = {}): TestRun {
  const clock = options.clock ?? new StillClock();
  const world = new Values();
  const journal = new MemoryJournal(clock);
  const secrets = options.secrets && new Secrets(options.secrets);
  const definitions = testActions(world, () => journal.records);
  const { plan, hash } = makePlan({
    runbook: {
      version: 1,
      name: 'test',
      inputs: {},
      ...options.runbook,
      steps: withPointers(steps),
      ...(options.runbook?.finally && { finally: withPointers(options.runbook.finally, '/finally') }),
    },
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
  /** The run may still be on its way to what an earlier process asked. */
  const until = async (machine: TestProcess, said: () => Promise<boolean>): Promise<void> => {
    while (!machine.dead && !over.has(machine) && !(await said())) await new Promise(resolve => setImmediate(resolve));
  };
  const truthful = (key: string): string => {
    const truth = world.truth.get(key) ?? 'retry';
    return options.answer?.(key, truth) ?? truth;
  };
  const reply = async (machine: TestProcess, durable: JournalDurable, id: string): Promise<void> => {
    const forward = id.startsWith('forward ');
    const key = id.replace(/#\d+ outcome \d+$/, '');
    const choice = forward ? (options.forward ?? (() => 'stop'))(id) : truthful(key);
    if (choice !== undefined) await until(machine, () => durable.answer(id, choice, 'person'));
  };
  const decide = async (machine: TestProcess, durable: JournalDurable, asked: ApprovalAsked): Promise<void> => {
    if (options.approve) {
      await options.approve(durable, asked);
      return;
    }
    if (asked.message === 'no') {
      await until(machine, async () => (await durable.approve(asked.key, 'reject', 'person 0')) === undefined);
      return;
    }
    for (let one = 1; one <= asked.by; one++) {
      // Refused when that person has approved it in an earlier process.
      await until(
        machine,
        async () => !(await durable.approve(asked.key, 'approve', `person ${one}`))?.includes('not waiting'),
      );
    }
  };
  const isOpen = (asked: ApprovalAsked): boolean => {
    const about = journal.records.filter(record => 'key' in record && record.key === asked.key);
    const given = about.filter(record => record.type === 'approval.given').length;
    return given < asked.by && !about.some(one => one.type === 'approval.over' || one.type === 'approval.rejected');
  };

  const carry = async (crash?: Crash): Promise<RunEnded | undefined> => {
    const history = new History();
    for (const record of journal.records) history.apply(record);
    // As the runner does: what has ended is not begun again.
    const { ended: before } = history;
    if (before && before.status !== 'stopped' && !before.forward && history.cancelled === undefined) {
      return withoutPlace(before);
    }
    const machine = new TestProcess(journal, crash);
    const live = async (): Promise<RunEnded> => {
      history.apply(await machine.append({ type: 'run.started', pid: 1, machine: 'test', resumed: history.started }));
      const durable = new JournalDurable('r1', history, machine, clock, secrets);
      run.durable = durable;
      machine.onAppend = event => {
        run.onAppend?.(event);
        if (event.type === 'question.asked') queueMicrotask(() => void reply(machine, durable, event.id));
        if (event.type === 'approval.asked') setImmediate(() => void decide(machine, durable, event));
      };
      for (const record of journal.records) {
        if (record.type === 'question.asked' && !isAnswered(journal, record.id))
          setImmediate(() => void reply(machine, durable, record.id));
        if (record.type === 'approval.asked' && isOpen(record)) {
          setImmediate(() => void decide(machine, durable, record));
        }
      }
      const limits = options.limit === undefined ? undefined : new TestGate(options.limit);
      const here: World = {
        action: name => inProcess(definitions.get(name), machine, options.interleave === true),
        clock: { now: () => clock.now(), sleep: (ms, signal) => machine.alive(clock.sleep(ms, signal)) },
        fleet: noFleet,
        ...(secrets && { secrets }),
        ...(limits && { limits }),
        ...(options.guards && { guards: options.guards }),
      };
      const stops = options.debug?.(plan);
      stops?.begin(here);
      if (stops) here.debug = stops;
      const ended = await interpret(durable, plan, here);
      stops?.end();
      if (limits && limits.inside > 0) world.violations.push(`${limits.inside} effects did not leave their limit`);
      if (limits && limits.peak > limits.capacity) world.violations.push(`${limits.peak} effects at once`);
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

/** A limit on all effects together, in order of arrival. */
class TestGate implements Gate {
  inside = 0;
  peak = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(readonly capacity: number) {}

  async enter(_claim: Claim): Promise<() => void> {
    if (this.inside >= this.capacity) await new Promise<void>(resolve => this.#waiting.push(resolve));
    else this.inside++;
    this.peak = Math.max(this.peak, this.inside);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = this.#waiting.shift();
      // Its place is taken over.
      if (next) next();
      else this.inside--;
    };
  }
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
    if (step.kind === 'call' && step.runbook)
      return { ...step, pointer, runbook: calledRunbook(step.uses, step.runbook) };
    if (step.kind !== 'action') return { ...step, pointer };
    if (typeof step.rollback === 'object') {
      return { ...step, pointer, rollback: withPointers(step.rollback, `${pointer}/rollback`) };
    }
    return { ...step, pointer };
  });
}

function calledRunbook(uses: string, runbook: Runbook): Runbook {
  const file = uses.slice(2);
  return {
    ...runbook,
    steps: withPointers(runbook.steps, `${file}#/steps`),
    ...(runbook.finally && { finally: withPointers(runbook.finally, `${file}#/finally`) }),
  };
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
  options: { batch?: number; maxFailures?: number; canary?: number; id?: string } = {},
): Step {
  return {
    kind: 'forEach',
    pointer: '',
    variable: 'item',
    in: items,
    batch: options.batch ?? 1,
    maxFailures: options.maxFailures ?? 0,
    ...(options.canary !== undefined && { canary: options.canary }),
    steps,
    ...(options.id && { id: options.id }),
  };
}

export function group(steps: Step[], options: { when?: string; id?: string } = {}): Step {
  return { kind: 'steps', pointer: '', steps, ...options };
}

export function parallel(branches: Step[], options: { id?: string } = {}): Step {
  return { kind: 'parallel', pointer: '', steps: branches, ...options };
}

export function call(
  steps: Step[],
  options: Partial<Pick<Runbook, 'inputs' | 'outputs' | 'finally'>> & { id?: string; with?: CallStep['with'] } = {},
): Step {
  const { id, with: given = {}, inputs = {}, ...rest } = options;
  const runbook: Runbook = { version: 1, name: 'called', inputs, ...rest, steps };
  return { kind: 'call', pointer: '', uses: './called.runbook.yaml', with: given, runbook, ...(id && { id }) };
}

export function approve(
  options: { by?: number; self?: boolean; expires?: string; id?: string; message?: string } = {},
): Step {
  const { by = 1, self = true, expires, id, message = 'Go on?' } = options;
  const expiresMs = expires === undefined ? undefined : parseDuration(expires);
  return { kind: 'approve', pointer: '', by, self, message, ...(id && { id }), ...(expiresMs && { expiresMs }) };
}

export function wait(duration: string, options: { id?: string } = {}): Step {
  return { kind: 'wait', pointer: '', duration, ...options };
}

export function assertThat(condition: string | boolean, options: { id?: string; message?: string } = {}): Step {
  return { kind: 'assert', pointer: '', condition, ...options };
}

export function noReturn(options: { id?: string; message?: string } = {}): Step {
  const { message = 'From here on there is no way back.', ...rest } = options;
  return { kind: 'pointOfNoReturn', pointer: '', message, ...rest };
}
