import type { ActionDefinition } from '../actions/action';
import { allOpenFrom } from '../runbook/window';
import { forwardMark } from './history';
import type { EndStatus, Failure, JournalRecord, Remaining, RunEnded } from './journal';
import { RestMemory } from './known-rests';
import type { Plan } from './plan';
import { plannedActions } from './planned-steps';
import { hostLostSeconds, type PredictedOutage, type RehearsalInventory, type StateLoad } from './rehearsal-world';
import {
  CallRecorder,
  injectionsFor,
  type RecordedEffect,
  type RehearsedFault,
  rehearsedFaults,
} from './rehearse-points';
import {
  type Checkpoint,
  type CleanCourse,
  type Injection,
  type RunSetting,
  rollBackAgain,
  type SimulatedRun,
  simulate,
} from './rehearse-run';
import {
  type Before,
  isBad,
  type Judgement,
  judge,
  namesTold,
  needsPerson,
  type Verdict,
  verdicts,
} from './rehearse-verdict';
import { scriptedPerson } from './scripted-person';

export interface RehearsalRequest {
  plan: Plan;
  action(name: string): ActionDefinition | undefined;
  /** Simulated copy of the inventory; it is forked and stays as it is. */
  inventory: RehearsalInventory;
  /** A second fault in each rollback, too. */
  pairs?: boolean;
  /** Aborted: it stops after the failure point under way, and rejects with the signal's reason. */
  signal?: AbortSignal;
  onProgress?: (done: number, total: number) => void;
}

/** All that a rehearsal found. Equal requests give equal rehearsals. */
export interface Rehearsal {
  name: string;
  clean: CleanRun;
  /** In the order in which they were begun. */
  steps: RehearsedStep[];
  /** Failure points that did not come back, the worst first. */
  stories: Story[];
  /** How many failure points ended in which way; with `pairs`, those of two faults too. */
  counts: Record<Verdict, number>;
  /** Failure points with two faults, when they were asked for. */
  pairs?: { points: number; counts: Record<Verdict, number> };
  /** Failure points that are no problem but need a person, pairs included. */
  needPerson: number;
  /** Failure points in which the run asked a person something. */
  asked: number;
  /** Simulated runs, the clean one included. */
  runs: number;
  /** Of those, runs whose last part was taken from an equal run: the rest of a rollback, or the steps up to the end. */
  shared: number;
  /** Every failure point was rehearsed and none is bad. */
  ok: boolean;
}

export interface CleanRun {
  status: EndStatus | 'stuck';
  failure?: Failure;
  failedStep?: string;
  failedItems: string[];
  warnings: string[];
  remaining: Remaining[];
  /** It began when its maintenance windows are first open, ms since 1970. */
  windowOpens?: number;
  /** What was passed that can't be undone, in ms from the start. */
  noReturn: { key: string; message: string; atMs: number }[];
  /** Predicted, in ms from the start. */
  durationMs: number;
  timetable: { key: string; title: string; fromMs: number; toMs: number }[];
  peak: { hosts: Record<string, Peak>; datastores: Record<string, Peak> };
  /** Of each VM that was on before and does not serve for a while, the longest first, those that stay off before all. */
  outages: PredictedOutage[];
}

/** Memory in MiB, space in GiB; `steps`: most steps at once that acted on it. */
export interface Peak {
  used: number;
  capacity: number;
  steps: number;
}

export interface RehearsedStep {
  key: string;
  pointer: string;
  title: string;
  uses: string;
  faults: Record<RehearsedFault, Cell>;
}

/** How the failure points of one step and fault ended. No points: the fault can't hit this step. */
export interface Cell {
  points: number;
  counts: Partial<Record<Verdict, number>>;
  /** The worst of them. */
  worst: Verdict;
}

/** What happened at one failure point, for people. */
export interface Story {
  key: string;
  fault: RehearsedFault;
  /** The second fault, in the rollback. */
  second?: { key: string; fault: RehearsedFault };
  verdict: Verdict;
  /** Sentences, in order. */
  text: string[];
  /** A line for each thing that is not as it was. */
  left: string[];
}

/** Second faults of `pairs`: those that can hit an undo. */
const secondFaults: readonly RehearsedFault[] = [
  'fails-before',
  'fails-after',
  'unknown',
  'host-lost',
  'runner-killed',
];

/** Runs the plan on copies of the inventory: once cleanly, and once for every failure point. */
export async function rehearse(request: RehearsalRequest): Promise<Rehearsal> {
  const rehearsal = new Rehearsing(request);
  await rehearsal.clean();
  return rehearsal.all();
}

interface Point {
  effect: RecordedEffect;
  fault: RehearsedFault;
  injection: Injection;
  from: Checkpoint;
}

export interface PointOptions {
  /** Sees what undos do. */
  recorder?: CallRecorder | undefined;
  /** So many undos are gone through before the rest may be taken from an equal run; default 0. */
  ownUndos?: number | 'all';
}

/** How one failure point went. */
export interface PointResult extends Judgement {
  run: SimulatedRun;
  /** The run that a person's second rollback made of it. */
  again?: SimulatedRun;
}

export class Rehearsing {
  readonly #setting: RunSetting;
  readonly #windowOpens: number | undefined;
  readonly #memory = new RestMemory();
  readonly #start: RehearsalInventory;
  readonly #from = new Map<RecordedEffect, Checkpoint>();
  readonly #seen = new Map<string, Set<string>>();
  #effects: RecordedEffect[] = [];
  #finished: RehearsalInventory;
  #clean!: CleanRun;
  #course: CleanCourse | undefined;
  #onlyFinally: RehearsalInventory | undefined;
  /** How it was between steps, and by how many records of the clean run. */
  #between: { count: number; inventory: RehearsalInventory }[] = [];
  /** Records of the clean run when it had passed its point of no return. */
  #noReturnAt = Number.POSITIVE_INFINITY;
  #runs = 0;
  #shared = 0;
  #asked = 0;

  constructor(private readonly request: RehearsalRequest) {
    const { plan, action } = request;
    this.#setting = { plan, action };
    this.#start = request.inventory.fork();
    const now = this.#start.clock.now();
    this.#windowOpens = plan.windows?.length ? allOpenFrom(plan.windows, now) : undefined;
    this.#start.clock.catchUp(this.#windowOpens ?? now);
    this.#finished = this.#start;
  }

  /** The run in which nothing goes wrong; from its steps come the failure points. */
  async clean(): Promise<CleanRun> {
    const inventory = this.#start.fork();
    const recorder = new CallRecorder(() => inventory.clock.now(), namedVms(this.request.plan));
    const records: JournalRecord[] = [];
    const from: Checkpoint = { records, count: 0, inventory };
    let latest: Checkpoint = { ...from, inventory: inventory.fork() };
    const peak: CleanRun['peak'] = { hosts: {}, datastores: {} };
    let count = 0;
    const noReturn: CleanRun['noReturn'] = [];
    const start = this.#start.clock.now();
    const checkpoints = new Map<number, Checkpoint>();
    const outages = inventory.measureOutages();
    const run = await simulate(
      {
        ...this.#setting,
        onRecord: event => {
          recorder.onRecord(event);
          count++;
          if (event.type === 'step.intent' || (event.type === 'control.started' && event.kind !== 'call')) {
            this.#from.set(recorder.effects.at(-1)!, latest);
            checkpoints.set(latest.count, latest);
            return;
          }
          if (event.type === 'noreturn.passed') {
            const { key, message } = event;
            noReturn.push({ key, message, atMs: inventory.clock.now() - start });
            this.#noReturnAt = Math.min(this.#noReturnAt, count);
          }
          if (event.type === 'run.started') return;
          raise(peak, inventory.load());
          // Only where nothing is under way, not even a look, can another run take over.
          if (recorder.quiet && inventory.quiet) latest = { records, count, inventory: inventory.fork() };
        },
        onCall: (call, reads) => recorder.onCall(call, reads),
      },
      from,
      [],
      inventory,
    );
    this.#runs++;
    records.push(...run.records);
    this.#finished = run.inventory;
    this.#between = [...checkpoints].map(([count, { inventory }]) => ({ count, inventory }));
    this.#between.push({ count: Number.POSITIVE_INFINITY, inventory: run.inventory });
    if (this.request.plan.program.finally?.length) this.#onlyFinally = await this.#afterFinally();
    // What a loop or a rollback of the clean run took back has no place among the steps that can go wrong.
    this.#effects = recorder.effects.filter(effect => effect.phase === 'step');
    for (const effect of this.#effects) this.#see(effect);
    busiest(peak, this.#effects);
    const { ended } = run;
    // When there are windows, what comes next depends on what time it is.
    if (ended && !this.request.plan.windows?.length) {
      const outputsUnread = !mentionsSteps(this.request.plan.program);
      this.#course = { records, checkpoints, ended, outputsUnread, finished: run.inventory };
    }
    this.#clean = {
      status: ended?.status ?? 'stuck',
      ...(ended?.failure && { failure: ended.failure }),
      ...(ended?.failedStep !== undefined && { failedStep: ended.failedStep }),
      failedItems: ended?.failedItems ?? [],
      warnings: ended?.warnings ?? [],
      remaining: ended?.remaining ?? [],
      ...(this.#windowOpens !== undefined && { windowOpens: this.#windowOpens }),
      noReturn,
      durationMs: run.inventory.clock.now() - start,
      timetable: this.#effects.map(({ key, title, startedAt, endedAt }) => ({
        key,
        title,
        fromMs: startedAt - start,
        toMs: endedAt - start,
      })),
      peak,
      outages: outages(),
    };
    return this.#clean;
  }

  /** How a run leaves things that is cancelled before its first step. */
  async #afterFinally(): Promise<RehearsalInventory | undefined> {
    const t = this.#start.clock.now();
    const cancel: JournalRecord = { n: 0, t, type: 'cancel.requested', mode: 'rollback', by: scriptedPerson };
    const run = await simulate(this.#setting, { records: [cancel], count: 1, inventory: this.#start }, []);
    return run.ended?.status === 'rolled-back' ? run.inventory : undefined;
  }

  #see({ key, calls }: RecordedEffect): void {
    const names = this.#seen.get(key) ?? new Set<string>();
    for (const { vm } of calls) if (vm !== undefined) names.add(vm);
    this.#seen.set(key, names);
  }

  /** Every failure point with one fault, in the order of the steps. */
  points(): Point[] {
    return this.#effects.flatMap(effect =>
      rehearsedFaults.flatMap(fault =>
        injectionsFor(effect, fault).map(injection => ({ effect, fault, injection, from: this.#from.get(effect)! })),
      ),
    );
  }

  async all(): Promise<Rehearsal> {
    const points = this.#clean.status === 'done' ? this.points() : [];
    const steps = new Map<string, RehearsedStep>();
    const stories: Story[] = [];
    const counts = noCounts();
    for (const { key, pointer, title, uses } of this.#effects) {
      if (!steps.has(key)) steps.set(key, { key, pointer, title, uses, faults: noCells() });
    }
    const pairs = this.request.pairs ? { points: 0, counts: noCounts() } : undefined;
    const lastStep = this.#effects.at(-1);
    let done = 0;
    /** Cells whose rollback has been struck again already. */
    const paired = new Set<string>();
    for (const point of points) {
      this.request.signal?.throwIfAborted();
      const cell = `${point.effect.key} ${point.fault}`;
      const recorder = pairs && !paired.has(cell) ? new CallRecorder(() => 0) : undefined;
      // Where the rollback comes from makes no difference to an undo far behind it, so each of those is struck once.
      const whole = point.effect === lastStep && point.fault === 'fails-before';
      const result = await this.at(point, [], { recorder, ownUndos: recorder ? (whole ? 'all' : 2) : 0 });
      counts[result.verdict]++;
      add(steps.get(point.effect.key)!.faults[point.fault], result.verdict);
      if (isBad(result.verdict)) stories.push(this.#story(point, result));
      if (pairs && recorder && result.verdict !== 'not-hit') {
        paired.add(cell);
        const undos = recorder.effects.filter(effect => effect.phase === 'undo');
        for (const undo of whole ? undos : undos.slice(0, 2)) {
          for (const { fault, injection } of secondInjections(undo)) {
            const second = await this.at(point, [injection]);
            if (second.run.fired < 2) continue;
            pairs.points++;
            pairs.counts[second.verdict]++;
            if (isBad(second.verdict)) stories.push(this.#story(point, second, { key: undo.key, fault }));
          }
        }
      }
      this.request.onProgress?.(++done, points.length);
    }
    stories.sort((left, right) => verdicts.indexOf(right.verdict) - verdicts.indexOf(left.verdict));
    return {
      name: this.request.plan.name,
      clean: this.#clean,
      steps: [...steps.values()],
      stories,
      counts,
      ...(pairs && { pairs }),
      needPerson: inNeed(counts) + (pairs ? inNeed(pairs.counts) : 0),
      asked: this.#asked,
      runs: this.#runs,
      shared: this.#shared,
      ok: this.#clean.status === 'done' && this.#clean.failedItems.length === 0 && stories.length === 0,
    };
  }

  /** One failure point: a whole run, and when it ends in need of a person who rolls it back again, that too. */
  async at(point: Point, more: readonly Injection[] = [], options: PointOptions = {}): Promise<PointResult> {
    const injections = [point.injection, ...more];
    const { recorder, ownUndos = 0 } = options;
    const setting: RunSetting = {
      ...this.#setting,
      ...(recorder && {
        onRecord: event => recorder.onRecord(event),
        onCall: (call, reads) => recorder.onCall(call, reads),
      }),
      ...(ownUndos !== 'all' && { memory: this.#memory, ownUndos }),
      ...(this.#course && { course: this.#course }),
    };
    let run = await simulate(setting, point.from, injections);
    this.#runs++;
    if (run.shared > 0 || run.rejoined) this.#shared++;
    if (run.questions.length > 0) this.#asked++;
    if (!run.ended) return { run, verdict: 'stuck', left: [], byLoss: [] };
    const judged = this.#judge(point, run, run.ended);
    if (run.fired === 0) return { run, ...judged, verdict: 'not-hit' };
    if (run.ended.status !== 'needs-operator' || !isBad(judged.verdict)) return { run, ...judged };
    // Past the point of no return nothing is rolled back, and what has no undo is not tried again.
    const { forward, remaining = [] } = run.ended;
    if (forward || remaining.every(one => one.final)) return { run, ...judged };
    // Going on from it takes all that it recorded.
    const whole: RunSetting = { ...this.#setting, memory: this.#memory, whole: true };
    if (run.shared > 0) run = await simulate(whole, point.from, injections);
    const again = await rollBackAgain(whole, point.from, run, hostLostSeconds * 1000);
    if (!again.ended) return { run, ...judged };
    const later = this.#judge(point, again, again.ended);
    if (judged.verdict === 'left' && (later.verdict === 'came-back' || later.verdict === 'as-declared')) {
      return { run, again, ...later, verdict: 'came-back-later' };
    }
    return { run, again, ...judged, left: later.left };
  }

  #judge(point: Point, run: SimulatedRun, ended: RunEnded): Judgement {
    const { plan, action } = this.request;
    const reference: Before = {
      start: this.#start,
      finished: this.#finished,
      onlyFinally: this.#onlyFinally,
      between: this.#betweenFor(point, run, ended),
    };
    return judge(ended, run.inventory, reference, () => {
      const records = [...point.from.records.slice(0, point.from.count), ...run.records];
      return namesTold(ended, records, plan, action, this.#seen);
    });
  }

  /** Where the run may stop: past the point of no return, or when its window closed. The likeliest first. */
  #betweenFor({ from }: Point, run: SimulatedRun, ended: RunEnded): RehearsalInventory[] | undefined {
    if (ended.status === 'done') return undefined;
    const passed = from.count > this.#noReturnAt || run.records.some(record => record.type === 'noreturn.passed');
    if (!passed && ended.status !== 'stopped') return undefined;
    const due = this.#between.filter(one => !passed || one.count > this.#noReturnAt).map(one => one.inventory);
    return [from.inventory, ...due];
  }

  #story(point: Point, result: PointResult, second?: Story['second']): Story {
    const { run, verdict } = result;
    const { effect, fault } = point;
    const text = [`${effect.key} (${effect.title}): ${whatHappened(point.injection)}`];
    if (second) text.push(`Then, in the rollback, at ${second.key}: ${second.fault.replace('-', ' ')}.`);
    const tries = run.questions.filter(id => id.startsWith(forwardMark)).length;
    if (run.questions.length > tries) text.push('Asked what had become of it, the person answered: roll back.');
    if (tries > 0) text.push(`Asked after the point of no return, the person tried it again, ${tries} times asked.`);
    const { ended } = run;
    if (!ended) text.push('The run never came to an end.');
    else {
      text.push(`The run ended ${ended.status}${ended.failure ? `: ${ended.failure.message}` : '.'}`);
      for (const { key, text: todo, why } of ended.remaining ?? [])
        text.push(`It says that ${key} is left: ${todo}. ${why}`);
      for (const warning of ended.warnings ?? []) text.push(`It warns: ${warning}`);
      if (result.again) text.push('Rolling it back again did not bring it back.');
      if (verdict === 'left-unsaid') text.push('It does not say all that is left.');
    }
    return {
      key: effect.key,
      fault,
      ...(second && { second }),
      verdict,
      text,
      left: result.left.map(one => one.text),
    };
  }
}

/** The whole set of faults at the undo, each once. */
function secondInjections(undo: RecordedEffect): { fault: RehearsedFault; injection: Injection }[] {
  return secondFaults.flatMap(fault => {
    const [injection] = injectionsFor(undo, fault);
    return injection ? [{ fault, injection }] : [];
  });
}

function namedVms(plan: Plan): ReadonlySet<string> {
  const vms = plannedActions(plan.steps).map(step => step.inputs.vm);
  return new Set(vms.filter(vm => typeof vm === 'string'));
}

/** Whether a text in it, which may be an expression, has the word `steps` in it. Pointers don't count. */
function mentionsSteps(value: unknown): boolean {
  if (typeof value === 'string') return /\bsteps\b/.test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) => key !== 'pointer' && mentionsSteps(inner));
}

function whatHappened({ call, how }: Injection): string {
  if (how.do === 'reject') return 'it is rejected.';
  if (how.do === 'expire') return 'nobody approves it in time.';
  const where = call ? `${call.at}${call.nth > 1 ? ` (call ${call.nth})` : ''}` : 'its beginning';
  switch (how.do) {
    case 'kill':
      return call
        ? `the runner is killed ${how.halfway ? 'halfway through' : 'right after'} ${where}, and another one resumes the run.`
        : 'the runner is killed when it has just begun, and another one resumes the run.';
    case 'cancel':
      if (!call) return 'a person cancels the run while it waits.';
      return how.during
        ? `a person cancels the run during ${where}.`
        : `a person cancels the run right after ${where}.`;
    case 'fault':
      switch (how.fault.kind) {
        case 'fail-before':
          return `${where} fails and does nothing.`;
        case 'fail-after':
          return `${where} says that it failed, although it happened.`;
        case 'fail-halfway':
          return `the connection is lost halfway through ${where}.`;
        case 'unknown':
          return `the connection is lost in ${where}, which ${how.fault.happened === false ? 'did not happen' : 'happened'}.`;
        case 'host-lost':
          return `${call?.host ?? 'the host'} is lost for ${hostLostSeconds} s in ${where}, which ${how.fault.happened ? 'happened' : 'did not happen'}.`;
        case 'vm-lost':
          return `${call?.vm ?? 'the VM'} is lost in ${where}: the process that runs it is gone.`;
        case 'datastore-full':
          return `the datastore runs full in ${where}.`;
        case 'agent-silent':
          return `the guest agent stops answering in ${where}${how.fault.happened ? ', which happened' : ''}.`;
        case 'hang':
          return `${where} never answers.`;
      }
  }
}

function noCounts(): Record<Verdict, number> {
  return Object.fromEntries(verdicts.map(verdict => [verdict, 0])) as Record<Verdict, number>;
}

function inNeed(counts: Record<Verdict, number>): number {
  return verdicts.reduce((sum, verdict) => sum + (needsPerson(verdict) ? counts[verdict] : 0), 0);
}

function noCells(): Record<RehearsedFault, Cell> {
  return Object.fromEntries(
    rehearsedFaults.map(fault => [fault, { points: 0, counts: {}, worst: 'not-hit' } satisfies Cell]),
  ) as unknown as Record<RehearsedFault, Cell>;
}

function add(cell: Cell, verdict: Verdict): void {
  cell.points++;
  cell.counts[verdict] = (cell.counts[verdict] ?? 0) + 1;
  if (verdicts.indexOf(verdict) > verdicts.indexOf(cell.worst)) cell.worst = verdict;
}

function raise(peak: CleanRun['peak'], load: StateLoad): void {
  for (const kind of ['hosts', 'datastores'] as const) {
    for (const [name, { used, capacity }] of Object.entries(load[kind])) {
      const known = peak[kind][name];
      if (!known) peak[kind][name] = { used, capacity, steps: 0 };
      else if (used > known.used) known.used = used;
    }
  }
}

/** Most steps at once on each host, from the calls that name it. */
function busiest(peak: CleanRun['peak'], effects: readonly RecordedEffect[]): void {
  const moments = new Map<string, { at: number; more: 1 | -1 }[]>();
  for (const { calls, startedAt, endedAt } of effects) {
    for (const host of new Set(calls.filter(call => !call.reads).map(call => call.host))) {
      if (host === undefined) continue;
      const list = moments.get(host) ?? [];
      list.push({ at: startedAt, more: 1 }, { at: endedAt, more: -1 });
      moments.set(host, list);
    }
  }
  for (const [host, list] of moments) {
    // One that ends when another begins is not beside it.
    list.sort((left, right) => left.at - right.at || left.more - right.more);
    let now = 0;
    for (const { more } of list) {
      now += more;
      const known = peak.hosts[host];
      if (known && now > known.steps) known.steps = now;
    }
  }
}
