import type { Json } from '../runbook/json';
import type { DebugEvent, DebugRequest, StopView, ThreadView } from './debug-protocol';
import { Breakpoints } from './debugger-breakpoints';
import { ScopeViews } from './debugger-scope';
import { settable } from './debugger-set';
import { messageOf } from './failure';
import { depthOf, framesOf, threadOf } from './frames';
import type { CancelMode, Failure } from './journal';
import type { Outer, Place } from './place';
import type { Plan } from './plan';
import type { Move, StepAt, StepStop, StopPoints } from './stop-points';
import type { StepUndo } from './undo-stack';
import type { World } from './world';

/** Why a debugger can't have what it asked for, a sentence. */
export class DebugRefused extends Error {
  override readonly name = 'DebugRefused';
}

/** Who lets it go on, and how. */
interface Release {
  by: string;
  how: string;
  move?: Move;
}

interface Standing {
  view: StopView;
  text: string;
  /** What its frames are of; absent before a rollback as a whole. */
  at?: StepAt;
  stop?: StepStop;
  place: Place;
  /** It is on disk, and a debugger knows. */
  told?: true;
  release(release: Release): void;
}

interface Stepping {
  how: 'over' | 'into' | 'out';
  depth: number;
}

interface Thread {
  id: number;
  name: string;
  standing?: Standing | undefined;
  stepping?: Stepping | undefined;
  /** Who wants it to stop. */
  pause?: string | undefined;
  /** Undos that go on side by side stop one after another. */
  turn: Promise<unknown>;
}

/**
 * The stop points of one run, for the one debugger that may be attached and for people who let it stand without one. Knows threads, breakpoints
 * and steps, and nothing of sockets.
 */
export class Debugger implements StopPoints {
  readonly #threads = new Map<Outer | undefined, Thread>();
  readonly #breakpoints: Breakpoints;
  readonly #failures = new Set<'failure' | 'rollback'>();
  #client: { name: string; tell(event: DebugEvent): void } | undefined;
  #world: Pick<World, 'action' | 'fleet' | 'secrets'> | undefined;
  #views: ScopeViews | undefined;
  #next = 1;
  /** Threads that begin stand at their first step. */
  #pauseNew: string | undefined;
  /** Settings are taken one after another. */
  #setting: Promise<unknown> = Promise.resolve();

  /** `held`: it stands before its first step. */
  constructor(
    private readonly plan: Plan,
    private held: boolean,
  ) {
    this.#breakpoints = new Breakpoints(plan.program);
    this.#thread(undefined, plan.name);
  }

  /** The run goes on in this world. Before that nothing can be evaluated. */
  begin(world: Pick<World, 'action' | 'fleet' | 'secrets'>): void {
    this.#world = world;
    this.#views = new ScopeViews(this.plan, world);
  }

  /** @throws DebugRefused while another one is attached */
  attach(name: string, tell: (event: DebugEvent) => void): void {
    if (this.#client) {
      throw new DebugRefused(
        `${this.#client.name} debugs this run already, and only one can. Detach there first; \`virtbook show\` and the Runs view can watch it meanwhile.`,
      );
    }
    this.#client = { name, tell };
  }

  /** Its breakpoints are dropped and everything goes on. */
  detach(): void {
    const by = this.#client?.name ?? 'a debugger';
    this.#forgetClient();
    this.#goOn({ by, how: 'detach' });
  }

  /** Its connection broke. What stands stands on; what it was stepping through stops at its next stop point. */
  lost(): void {
    const by = this.#client?.name ?? 'a debugger';
    for (const thread of this.#threads.values()) if (thread.stepping) thread.pause ??= `the lost connection of ${by}`;
    this.#forgetClient();
  }

  /** A person wants it to stand, with or without a debugger. */
  pause(by: string): void {
    for (const thread of this.#threads.values()) if (!thread.standing) thread.pause = by;
    this.#pauseNew = by;
  }

  /** A person lets it go on. False: nothing stands, or is to. */
  goOn(by: string): boolean {
    const waits = this.held || this.#all().some(one => one.standing || one.pause !== undefined);
    this.#goOn({ by, how: 'continue' });
    return waits;
  }

  /** A person wants it stopped: nothing stands in the way of that. */
  cancelled(mode: CancelMode): void {
    this.held = false;
    this.#pauseNew = undefined;
    for (const thread of this.#threads.values()) {
      thread.pause = undefined;
      thread.stepping = undefined;
      const undoing = thread.standing?.view.phase === 'rollback' || thread.standing?.view.phase === 'undo';
      if (!undoing || mode === 'rollback') this.#release(thread, { by: 'cancel', how: 'cancel' });
    }
  }

  /** The run is over. */
  end(): void {
    for (const [outer, thread] of [...this.#threads]) this.#exit(outer, thread);
  }

  get watching(): boolean {
    if (this.#client || this.held || this.#pauseNew !== undefined) return true;
    for (const thread of this.#threads.values()) if (thread.pause !== undefined) return true;
    return false;
  }

  started(outer: Outer): void {
    const thread = this.#thread(outer, outer.beside!);
    if (this.#pauseNew !== undefined) thread.pause = this.#pauseNew;
    this.#client?.tell({ type: 'thread', thread: thread.id, what: 'started', name: this.#struck(thread.name) });
  }

  exited(outer: Outer): void {
    const thread = this.#threads.get(outer);
    if (!thread) return;
    // What was stepped through goes on in what holds it.
    const parent = this.#threads.get(threadOf(outer.place));
    if (parent && thread.stepping) parent.stepping = { how: 'over', depth: depthOf(outer.place) };
    this.#exit(outer, thread);
  }

  async beforeStep(stop: StepStop): Promise<Move | undefined> {
    const { place, step, key, arrived } = stop;
    const thread = this.#of(place);
    if (place.durable.cancelled && !place.shielded) return undefined;
    const hits = this.#breakpoints.hit(step.pointer, () => this.#views?.struck(place) ?? place.scope);
    for (const text of hits.said) {
      this.#client?.tell({ type: 'said', thread: thread.id, pointer: step.pointer, text });
    }
    const view: StopView = { reason: 'step', phase: 'step', key, pointer: step.pointer };
    if (arrived) Object.assign(view, { reason: arrived.reason, text: arrived.text });
    else if (this.held) Object.assign(view, { reason: 'entry', text: 'Held before the first step, as asked.' });
    else if (hits.stop.length > 0) {
      const problem = hits.problems.join(' ');
      Object.assign(view, {
        reason: 'breakpoint',
        breakpoints: hits.stop,
        ...(problem && { text: this.#restored(problem) }),
      });
    } else if (thread.pause !== undefined) Object.assign(view, { reason: 'pause', text: `Asked by ${thread.pause}.` });
    else if (!this.#stepsTo(place, thread)) return undefined;
    this.held = false;
    const release = await this.#stand(thread, { view, text: `Before ${key}`, at: stop, stop, place });
    return release.how === 'start' ? this.beforeStep(stop) : release.move;
  }

  async failed(at: StepAt, failure: Failure): Promise<void> {
    const thread = this.#of(at.place);
    if (!this.#failures.has('failure')) return;
    const view: StopView = {
      reason: 'failure',
      phase: 'failed',
      key: at.key,
      pointer: at.step.pointer,
      text: failure.message,
      failure,
    };
    await this.#stand(thread, { view, text: `${at.key} failed`, at, place: at.place });
  }

  async beforeRollback(place: Place, why: string, failure?: Failure): Promise<void> {
    const thread = this.#of(place);
    const { stepping, pause } = thread;
    if (!this.#failures.has('rollback') && !stepping && pause === undefined) return;
    const reason = this.#failures.has('rollback') ? 'rollback' : pause === undefined ? 'step' : 'pause';
    const view: StopView = { reason, phase: 'rollback', text: why };
    if (failure) view.failure = failure;
    await this.#stand(thread, { view, text: 'Before the rollback', place });
  }

  async beforeUndo(place: Place, entry: StepUndo, text: string): Promise<void> {
    const thread = this.#of(place);
    const last = thread.turn;
    const standing = last.then(async () => {
      if (!thread.stepping && thread.pause === undefined) return;
      const view: StopView = {
        reason: thread.pause === undefined ? 'step' : 'pause',
        phase: 'undo',
        key: entry.key,
        pointer: entry.step.pointer,
        text,
      };
      const at: StepAt = { place, step: entry.step, key: entry.key };
      await this.#stand(thread, { view, text: `Before the undo of ${entry.key}`, at, place });
    });
    thread.turn = standing.catch(() => undefined);
    await standing;
  }

  /** @throws DebugRefused with why it can't be done now */
  async request(request: DebugRequest): Promise<Json> {
    switch (request.do) {
      case 'breakpoints':
        return this.#breakpoints.replace(request.breakpoints) as unknown as Json;
      case 'exceptions':
        this.#failures.clear();
        for (const one of request.on) this.#failures.add(one);
        return null;
      case 'threads':
        return this.#all().map(
          ({ id, name, standing }): ThreadView => ({
            id,
            name: this.#struck(name),
            ...(standing?.told && { stopped: this.#struck(standing.view) }),
          }),
        ) as unknown as Json;
      case 'pause':
        if (request.thread === undefined) this.pause(this.#by());
        else this.#named(request.thread).pause = this.#by();
        return null;
      case 'go':
        return this.#go(request.thread, request.how);
      case 'jump': {
        const { thread, stop } = this.#atStep(request.thread);
        const why = stop.jumpRefused(request.pointer);
        if (why !== undefined) throw new DebugRefused(why);
        thread.stepping = { how: 'into', depth: 0 };
        this.#release(thread, {
          by: this.#by(),
          how: 'jump',
          move: { do: 'jump', to: request.pointer, by: this.#by() },
        });
        return null;
      }
      case 'targets':
        return this.#struck(this.#atStep(request.thread).stop.jumpTargets()) as unknown as Json;
      case 'stack':
        return this.#struck(this.#stack(this.#standing(request.thread))) as unknown as Json;
      case 'scope': {
        const { at, stop } = this.#frames(request.thread, request.frame);
        return this.#shown().scope(at, request.frame, stop !== undefined) as unknown as Json;
      }
      case 'evaluate': {
        const { at } = this.#frames(request.thread, request.frame);
        try {
          return this.#shown().evaluate(framesOf(at)[request.frame]!.place, request.expression);
        } catch (error) {
          throw new DebugRefused(messageOf(error));
        }
      }
      case 'set': {
        const done = this.#setting.then(() => this.#set(request));
        this.#setting = done.catch(() => undefined);
        return done;
      }
      case 'live': {
        const world = this.#world;
        if (!world) throw new DebugRefused('The run has not begun yet: its connections are not open.');
        try {
          return (await this.#shown().live(world.fleet, request.kind, request.name)) as Json;
        } catch (error) {
          throw new DebugRefused(this.#struck(messageOf(error)));
        }
      }
    }
  }

  async #set(request: Extract<DebugRequest, { do: 'set' }>): Promise<Json> {
    const { frame, path, value: text } = request;
    const { stop } = this.#atStep(request.thread);
    const views = this.#shown();
    const found = settable(stop, frame, path, text, this.plan, this.#world!);
    if ('refused' in found) throw new DebugRefused(this.#struck(found.refused));
    await stop.set({ frame, path, value: found.value, by: this.#by() });
    return views.shown(found.value);
  }

  #go(id: number | undefined, how: Extract<DebugRequest, { do: 'go' }>['how']): null {
    if (how === 'start' || (how === 'continue' && id === undefined)) {
      this.#goOn({ by: this.#by(), how });
      return null;
    }
    const standing = this.#all().filter(one => one.standing);
    if (id === undefined && standing.length !== 1) {
      throw new DebugRefused(
        standing.length === 0 ? 'Nothing stands: pause the run first.' : 'Several threads stand: say which.',
      );
    }
    const thread = id === undefined ? standing[0]! : this.#named(id);
    this.#pauseNew = undefined;
    thread.pause = undefined;
    thread.stepping = undefined;
    const stands = thread.standing;
    if (!stands) {
      if (how === 'continue') return null;
      throw new DebugRefused(`${thread.name} is going on: pause it first.`);
    }
    if (how === 'back') {
      const { stop } = this.#atStep(thread.id);
      const why = stop.backRefused();
      if (why !== undefined) throw new DebugRefused(why);
      // It stands again where it arrives, also when the connection is lost on the way.
      thread.stepping = { how: 'into', depth: 0 };
      this.#release(thread, { by: this.#by(), how, move: { do: 'back', by: this.#by() } });
      return null;
    }
    if (how !== 'continue') thread.stepping = { how, depth: depthOf(stands.place) };
    this.#release(thread, { by: this.#by(), how });
    return null;
  }

  #goOn(release: Release): void {
    this.held = false;
    this.#pauseNew = undefined;
    for (const thread of this.#threads.values()) {
      thread.pause = undefined;
      thread.stepping = undefined;
      this.#release(thread, release);
    }
  }

  #release(thread: Thread, release: Release): void {
    const { standing } = thread;
    if (!standing) return;
    thread.standing = undefined;
    this.#client?.tell({ type: 'continued', thread: thread.id });
    standing.release(release);
  }

  async #stand(thread: Thread, what: Omit<Standing, 'release'>): Promise<Release> {
    const { view, place } = what;
    thread.pause = undefined;
    thread.stepping = undefined;
    const text = view.text === undefined ? `${what.text}.` : `${what.text}. ${view.text}`;
    const released = new Promise<Release>(release => {
      thread.standing = { ...what, release };
    });
    const { reason, phase, key, pointer } = view;
    const step = { ...(key !== undefined && { key }), ...(pointer !== undefined && { pointer }) };
    await place.durable.tell({
      type: 'run.paused',
      thread: thread.id,
      name: thread.name,
      reason,
      phase,
      ...step,
      text,
    });
    if (thread.standing?.view === view) {
      thread.standing.told = true;
      this.#client?.tell(this.#struck({ type: 'stopped', thread: thread.id, stop: view, text }));
    }
    const release = await released;
    await place.durable.tell({ type: 'run.continued', thread: thread.id, by: release.by, how: release.how });
    return release;
  }

  /** Whether stepping ends here, in this thread or in one that it has led into. */
  #stepsTo(place: Place, thread: Thread): boolean {
    const { stepping } = thread;
    const depth = depthOf(place);
    if (stepping)
      return stepping.how === 'into' || (stepping.how === 'out' ? depth < stepping.depth : depth <= stepping.depth);
    for (let outer = threadOf(place); outer; outer = threadOf(outer.place)) {
      const parent = this.#threads.get(threadOf(outer.place));
      if (parent?.stepping?.how !== 'into') continue;
      parent.stepping = undefined;
      return true;
    }
    return false;
  }

  #stack({ at, place }: Standing) {
    if (at) return this.#shown().frames(at);
    // Before a rollback as a whole: of what is rolled back.
    const { outer } = place;
    return [
      {
        index: 0,
        name: `rollback of ${outer ? (outer.item ?? outer.key) : this.plan.name}`,
        pointer: outer?.step.pointer ?? '',
        key: outer?.key ?? '',
      },
      ...(outer
        ? this.#shown()
            .frames(outer)
            .map(frame => ({ ...frame, index: frame.index + 1 }))
        : []),
    ];
  }

  #frames(id: number, frame: number): { at: StepAt; stop: StepStop | undefined } {
    const { at, stop, view } = this.#standing(id);
    if (!at)
      throw new DebugRefused(
        `${view.text ?? 'A rollback begins.'} No step is under way, so there is nothing to look at.`,
      );
    if (!framesOf(at)[frame]) throw new DebugRefused(`There is no frame ${frame}.`);
    return { at, stop };
  }

  #atStep(id: number): { thread: Thread; stop: StepStop } {
    const { stop } = this.#standing(id);
    if (!stop) throw new DebugRefused('It can be let go on from here, but not steered: that is done before a step.');
    return { thread: this.#named(id), stop };
  }

  #standing(id: number): Standing {
    const thread = this.#named(id);
    if (!thread.standing) throw new DebugRefused(`${thread.name} is going on: pause it first.`);
    return thread.standing;
  }

  #named(id: number): Thread {
    const thread = this.#all().find(one => one.id === id);
    if (!thread) throw new DebugRefused(`There is no thread ${id} (any more).`);
    return thread;
  }

  #shown(): ScopeViews {
    if (!this.#views) throw new DebugRefused('The run has not begun yet.');
    return this.#views;
  }

  #of(place: Place): Thread {
    const outer = threadOf(place);
    return this.#threads.get(outer) ?? this.#thread(outer, outer?.beside ?? this.plan.name);
  }

  #thread(outer: Outer | undefined, name: string): Thread {
    const thread: Thread = { id: this.#next++, name, turn: Promise.resolve() };
    this.#threads.set(outer, thread);
    return thread;
  }

  #exit(outer: Outer | undefined, thread: Thread): void {
    this.#threads.delete(outer);
    this.#client?.tell({ type: 'thread', thread: thread.id, what: 'exited', name: this.#struck(thread.name) });
  }

  #all(): Thread[] {
    return [...this.#threads.values()];
  }

  #by(): string {
    return this.#client?.name ?? 'a debugger';
  }

  /** Without the values of secrets. What the journal is given is struck there. */
  #struck<T>(value: T): T {
    return this.#world?.secrets ? this.#world.secrets.strike(value) : value;
  }

  /** Of a text about what has been struck already: as it is before that. */
  #restored(text: string): string {
    return this.#world?.secrets ? this.#world.secrets.restore(text) : text;
  }

  #forgetClient(): void {
    this.#client = undefined;
    this.#breakpoints.replace([]);
    this.#failures.clear();
  }
}
