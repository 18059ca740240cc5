import type { ActionDefinition } from '../actions/action';
import { equal } from '../runbook/equal';
import { History } from './history';
import { interpret } from './interpret';
import type { JournalRecord, RunEnded, RunEvent } from './journal';
import { JournalDurable, type JournalWriter } from './journal-durable';
import { finallyMark, rollbackMark } from './keys';
import type { RestMemory, RestRun } from './known-rests';
import { makeGate, whereNow } from './limits';
import type { Plan } from './plan';
import type { RehearsalInventory, SimulatedCall, SimulatedFault } from './rehearsal-world';
import { ScriptedPerson, scriptedPerson } from './scripted-person';

/** Where and how a simulated run goes wrong. */
export interface Injection {
  /** Key of the step whose effect it hits; `undo`: the taking back of it. */
  key: string;
  phase: 'step' | 'undo';
  /**
   * Absent: when its intent has been written, before it does anything; of a step that acts on nothing, while it waits. Else the `nth` (from 1) call like this since then.
   */
  call?: SimulatedCall & { nth: number };
  how:
    | { do: 'fault'; fault: SimulatedFault }
    /** The runner dies: at the intent, or after the call, which breaks off halfway or not. */
    | { do: 'kill'; halfway?: boolean }
    /** A person cancels: while the call is under way and heeds it, or right after the call. */
    | { do: 'cancel'; during: boolean }
    /** The approval is refused, or nobody gives it. */
    | { do: 'reject' }
    | { do: 'expire' };
}

/** A place in a run that others are started from: what was recorded up to there, and the inventory as it was. */
export interface Checkpoint {
  /** Of which the first `count` count. */
  records: readonly JournalRecord[];
  count: number;
  inventory: RehearsalInventory;
}

/** The run in which nothing goes wrong, as far as it went: one that has come back to it goes on as it did. */
export interface CleanCourse {
  records: readonly JournalRecord[];
  /** By how many records there were. */
  checkpoints: ReadonlyMap<number, Checkpoint>;
  /** How it ended. */
  ended: RunEnded;
  /** No expression of the runbook looks at outputs of steps. */
  outputsUnread: boolean;
  finished: RehearsalInventory;
}

export interface SimulatedRun {
  /** undefined: it never came to an end. */
  ended: RunEnded | undefined;
  /** What was recorded since the checkpoint. */
  records: JournalRecord[];
  /** As it is at the end. */
  inventory: RehearsalInventory;
  /** Which injections hit. */
  fired: number;
  /** Questions that the scripted person answered, by id. */
  questions: string[];
  /** Steps whose undo was not gone through, because what the rest of the rollback comes to was known; they are not in `records`. */
  shared: number;
  /** It came back to the clean run, and the steps from there on, which are not in `records`, are as there. */
  rejoined: boolean;
}

export interface RunSetting {
  plan: Plan;
  action(name: string): ActionDefinition | undefined;
  /** Sees every record before it is written. */
  onRecord?: (event: RunEvent) => void;
  onCall?: (call: SimulatedCall, reads: boolean) => void;
  /** What rollbacks of other runs of the plan have come to. Absent: this one goes through all of its own. */
  memory?: RestMemory;
  /** How the run goes on that has come back to the course of the clean one. Absent: it goes through all of it. */
  course?: CleanCourse;
  /** All that it does is in its records, for one that goes on from it: the rest of its rollback is not shared. */
  whole?: true;
  /** So many undos are gone through before the rest may be shared. */
  ownUndos?: number;
}

export const rehearsalRunId = 'rehearsal';

type ProcessEnd = { ended: RunEnded } | { diedIn: RehearsalInventory } | { thrown: unknown } | 'stuck';

/**
 * One whole run on a fork of the checkpoint's inventory: the interpreter goes through what is recorded without acting, as a resumed runner
 * does, and from there on acts; a runner that is killed is followed by another one that resumes. Ends as a real one would.
 */
export async function simulate(
  setting: RunSetting,
  from: Checkpoint,
  injections: readonly Injection[],
  /** To run on, instead of a fork of the checkpoint's. */
  inventory = from.inventory.fork(),
): Promise<SimulatedRun> {
  const run: SimulatedRun = {
    ended: undefined,
    records: [],
    inventory,
    fired: 0,
    questions: [],
    shared: 0,
    rejoined: false,
  };
  return carry(setting, from, run, injections);
}

/** A person has started what a lost host took down, and rolls the run back again (`virtbook rollback`), `afterMs` later. Gives a run that goes on from the given one. */
export async function rollBackAgain(
  setting: RunSetting,
  from: Checkpoint,
  before: SimulatedRun,
  afterMs: number,
): Promise<SimulatedRun> {
  const inventory = before.inventory.fork();
  inventory.clock.catchUp(inventory.clock.now() + afterMs);
  inventory.startLost();
  const run: SimulatedRun = { ...before, ended: undefined, records: [...before.records], inventory };
  run.records.push(recordOf(from.count + run.records.length, inventory.clock.now(), rollbackRequest));
  return carry(setting, from, run, []);
}

const rollbackRequest: RunEvent = { type: 'cancel.requested', mode: 'rollback', by: scriptedPerson };

async function carry(
  setting: RunSetting,
  from: Checkpoint,
  run: SimulatedRun,
  injections: readonly Injection[],
): Promise<SimulatedRun> {
  for (;;) {
    const history = new History();
    for (let at = 0; at < from.count; at++) history.apply(from.records[at]!);
    for (const record of run.records) history.apply(record);
    const end = await new Process(setting, from.count, run, injections, history).carry();
    if (end === 'stuck') return run;
    if ('thrown' in end) throw end.thrown;
    if ('diedIn' in end) {
      run.inventory = end.diedIn;
      continue;
    }
    run.records.push(recordOf(from.count + run.records.length, run.inventory.clock.now(), end.ended));
    run.ended = end.ended;
    return run;
  }
}

function recordOf(n: number, t: number, event: RunEvent): JournalRecord {
  return Object.assign({ n, t }, event);
}

function isShielded({ key, phase }: Injection): boolean {
  return phase === 'undo' || key.includes(finallyMark) || key.includes(rollbackMark);
}

/** Key of the step that acts on nothing and now waits, or has begun where it does not wait. */
function waitingStep(event: RunEvent): string | undefined {
  switch (event.type) {
    case 'approval.asked':
      return event.key;
    case 'wait.started':
      return event.id.startsWith('wait ') ? event.id.slice('wait '.length) : undefined;
    case 'control.started':
      return event.kind === 'assert' || event.kind === 'pointOfNoReturn' ? event.key : undefined;
    default:
      return undefined;
  }
}

/** A new one each time: what waits for one that all share would be kept for ever. */
const never = (): Promise<never> => new Promise(() => undefined);
const noted: Promise<JournalRecord> = Promise.resolve({
  n: -1,
  t: 0,
  type: 'step.progress',
  key: '',
});

/** One runner process on the simulated inventory. */
class Process implements JournalWriter, RestRun {
  readonly #durable: JournalDurable;
  readonly #inventory: RehearsalInventory;
  readonly #person: ScriptedPerson;
  #end!: (end: ProcessEnd) => void;
  #dead = false;
  /** What the next call or record brings. */
  #armed: 'kill' | 'cancel' | undefined;
  /** The effect of the injection that is waited for is under way. */
  #open = false;
  #seen = 0;
  #undos = 0;
  /** undefined: it has gone another way. */
  #course: CleanCourse | undefined;
  /** Where something has been undone already, that is part of what the rest depends on. */
  readonly mayShareRests: boolean;

  constructor(
    private readonly setting: RunSetting,
    private readonly offset: number,
    private readonly run: SimulatedRun,
    private readonly injections: readonly Injection[],
    private readonly history: History,
  ) {
    this.#inventory = run.inventory;
    this.#durable = new JournalDurable(rehearsalRunId, history, this, this.#inventory.clock);
    this.#person = new ScriptedPerson(this.#durable, this.#inventory, run.questions, () => this.#dead);
    this.#course = setting.course;
    this.mayShareRests = setting.whole !== true && !run.records.some(record => record.type === 'undo.intent');
  }

  carry(): Promise<ProcessEnd> {
    const { setting } = this;
    const { fleet, clock } = this.#inventory;
    return new Promise(resolve => {
      this.#end = end => {
        this.#inventory.clock.stop();
        resolve(end);
      };
      this.#inventory.onCall = (call, reads) => this.#called(call, reads);
      this.history.apply(
        this.#write({ type: 'run.started', pid: 0, machine: 'rehearsal', resumed: this.history.started }),
      );
      this.#person.takeUp(this.run.records);
      const rests = setting.memory?.of(this);
      const { limits } = setting.plan;
      const gate = limits && { limits: makeGate(limits, whereNow(fleet)) };
      interpret(this.#durable, setting.plan, {
        action: setting.action,
        fleet,
        clock,
        ...gate,
        ...(rests && { rests }),
      }).then(
        ended => this.#end({ ended }),
        (thrown: unknown) => this.#end({ thrown }),
      );
      clock.watch(() => this.#end('stuck'));
    });
  }

  get inventory(): RehearsalInventory {
    return this.#inventory;
  }
  get records(): JournalRecord[] {
    return this.run.records;
  }
  get questions(): string[] {
    return this.run.questions;
  }
  get settled(): boolean {
    return !this.#dead && this.#armed === undefined && this.run.fired === this.injections.length;
  }
  get mayShare(): boolean {
    return this.#undos >= (this.setting.ownUndos ?? 0);
  }
  set shared(undos: number) {
    this.run.shared = undos;
  }
  get shared(): number {
    return this.run.shared;
  }

  append(event: RunEvent, durability: 'synced' | 'soon'): Promise<JournalRecord> {
    if (this.#dead) return never();
    if (durability === 'soon') return noted;
    if (this.#strike()) return never();
    const record = this.#write(event);
    if (event.type === 'undo.done') this.#undos++;
    const injection = this.injections[this.run.fired];
    if (injection && !injection.call && waitingStep(event) === injection.key) {
      this.run.fired++;
      switch (injection.how.do) {
        case 'kill':
          return this.#die();
        case 'cancel':
          void this.#durable.cancel('rollback', scriptedPerson);
          break;
        case 'reject':
          if (event.type === 'approval.asked') void this.#person.reject(event);
      }
      return Promise.resolve(record);
    }
    if (event.type === 'question.asked') void this.#person.answer(event);
    if (event.type === 'approval.asked') void this.#person.approve(event);
    if (injection && 'key' in event && event.key === injection.key && 'attempt' in event) {
      if (event.type === `${injection.phase}.intent`) {
        this.#open = true;
        this.#seen = 0;
        if (!injection.call) {
          this.run.fired++;
          if (injection.how.do === 'kill') return this.#die();
        }
      } else this.#open = false;
    }
    return this.#course && event.type === 'step.done' ? this.#rejoin(this.#course, record) : Promise.resolve(record);
  }

  /**
   * What an interpreter does next is a function of what is recorded and of the inventory. So a run that has recorded the same as the clean
   * one, in which nothing more is made to go wrong and nothing is under way, and whose inventory is as it was there, ends as that one did.
   */
  async #rejoin(course: CleanCourse, record: JournalRecord): Promise<JournalRecord> {
    if (!this.settled) return record;
    const own = this.run.records.filter(one => one.type !== 'run.started');
    const there = course.checkpoints.get(this.offset + own.length);
    if (!there) return record;
    if (own.some((one, at) => !this.#isSame(one, course.records[this.offset + at]!, course))) {
      this.#course = undefined;
      return record;
    }
    if (!this.#inventory.isLike(there.inventory)) return record;
    await this.#inventory.clock.settled();
    if (!this.settled || !this.#inventory.quiet || !this.#inventory.isLike(there.inventory)) return record;
    this.#inventory.become(course.finished, there.inventory);
    this.run.rejoined = true;
    this.#dead = true;
    this.#end({ ended: course.ended });
    return never();
  }

  #write(event: RunEvent): JournalRecord {
    this.setting.onRecord?.(event);
    const record = recordOf(this.offset + this.run.records.length, this.#inventory.clock.now(), event);
    this.run.records.push(record);
    return record;
  }

  #called(call: SimulatedCall, reads: boolean): SimulatedFault | undefined {
    if (this.#dead || this.#strike()) return { kind: 'hang' };
    this.setting.onCall?.(call, reads);
    const injection = this.#open ? this.injections[this.run.fired] : undefined;
    const wanted = injection?.call;
    if (!wanted || call.at !== wanted.at || call.vm !== wanted.vm) return undefined;
    if (++this.#seen !== wanted.nth) return undefined;
    this.run.fired++;
    this.#open = false;
    const { how } = injection;
    switch (how.do) {
      case 'fault':
        return how.fault;
      case 'kill':
        this.#armed = 'kill';
        return how.halfway ? { kind: 'fail-halfway' } : undefined;
      case 'reject':
      case 'expire':
        return undefined;
      case 'cancel':
        if (!how.during) {
          this.#armed = 'cancel';
          return undefined;
        }
        void this.#durable.cancel('rollback', scriptedPerson);
        // What is not stopped by a cancel goes on.
        return isShielded(injection) ? undefined : { kind: 'hang' };
    }
  }

  /** Whether the interpreter is told the same by both, as far as it makes a difference to steps that come after it. */
  #isSame(one: JournalRecord, other: JournalRecord, { outputsUnread }: CleanCourse): boolean {
    const { n: _n, t: _t, ...left } = one;
    const { n: _m, t: _u, ...right } = other;
    if (left.type !== 'step.done' || right.type !== 'step.done') return equal(left, right);
    const { outputs, probed: _p, ...rest } = left;
    const { outputs: others, probed: _q, ...rest2 } = right;
    if (!equal(rest, rest2)) return false;
    // What a probe found may tell less than what the step itself did; without a commit or an expression nobody asks for it any more.
    return equal(outputs, others) || (outputsUnread && !this.#commits(left.key));
  }

  #commits(key: string): boolean {
    const intent = this.run.records.find(one => one.type === 'step.intent' && one.key === key);
    return intent?.type !== 'step.intent' || this.setting.action(intent.uses)?.commit !== undefined;
  }

  /** Carries out what is due now; true when the process is dead with that. */
  #strike(): boolean {
    const armed = this.#armed;
    if (armed === undefined) return false;
    this.#armed = undefined;
    if (armed === 'kill') {
      void this.#die();
      return true;
    }
    void this.#durable.cancel('rollback', scriptedPerson);
    return false;
  }

  /** What has happened stays; what the process would do after this never happens, as its calls and its clock are on a state of their own. */
  #die(): Promise<never> {
    this.#dead = true;
    this.#end({ diedIn: this.#inventory.fork() });
    return never();
  }
}
