import { resolve } from 'node:path';
import {
  BreakpointEvent,
  ContinuedEvent,
  DebugSession,
  Event,
  ExitedEvent,
  InitializedEvent,
  TerminatedEvent,
  ThreadEvent,
} from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { DebugEvent, DebugRequest, StopReason, StopView } from '../engine/debug-protocol';
import type { JournalRecord } from '../engine/journal';
import type { RunModel } from '../engine/view';
import { exitCodeOf } from '../runner/exit-codes';
import { type AttachArguments, attachArguments, type LaunchArguments, launchArguments } from './arguments';
import { Breakpoints } from './breakpoints';
import { capabilities } from './capabilities';
import { consoleText } from './console-text';
import { DebuggedRun } from './debugged-run';
import { failureStory } from './failure-story';
import type { DebugHost, Prepared } from './host';
import { Inspection, sourceOf } from './inspection';
import { UndoProgress } from './undo-progress';

type Response = DebugProtocol.Response;
type Then = () => unknown;

/** Requests that change nothing. */
const looks: ReadonlySet<string> = new Set([
  'completions',
  'evaluate',
  'exceptionInfo',
  'loadedSources',
  'scopes',
  'source',
  'stackTrace',
  'threads',
  'variables',
]);

const reasons: Record<StopReason, string> = {
  entry: 'entry',
  breakpoint: 'breakpoint',
  step: 'step',
  pause: 'pause',
  failure: 'exception',
  rollback: 'exception',
  jump: 'goto',
  back: 'step',
};

/** The client took it back, or the person said no: nothing to be told about. */
class Cancelled extends Error {}

/** Speaks the Debug Adapter Protocol about one run at a time. Threads are branches, frames are steps in items in the run. */
export class DebugAdapter extends DebugSession {
  #run: DebuggedRun | undefined;
  #inspection: Inspection | undefined;
  #launch: LaunchArguments | undefined;
  #attach: AttachArguments | undefined;
  #prepared: Prepared | undefined;
  #client = '';
  #undoProgress: UndoProgress | undefined;
  readonly #breakpoints = new Breakpoints();
  #exceptions: ('failure' | 'rollback')[] = [];
  /** Breakpoints and filters are told to the run one after another. */
  #telling: Promise<unknown> = Promise.resolve();
  readonly #stopped = new Map<number, StopView>();
  /** Threads that a step was asked of last: these may take the focus. */
  #moved: number | undefined;
  /** Threads that go back until a breakpoint. */
  readonly #reversing = new Set<number>();
  readonly #targets = new Map<number, { pointer: string; warning: string; title: string }>();
  #nextTarget = 1;
  #configured = false;
  #stopping = false;
  #restarting = false;
  /** The client has disconnected. */
  #gone = false;
  /** Requests that may still be cancelled. */
  readonly #pending = new Map<number, (error: Error) => void>();

  constructor(private readonly host: DebugHost) {
    super(true);
  }

  protected override initializeRequest(
    response: DebugProtocol.InitializeResponse,
    args: DebugProtocol.InitializeRequestArguments,
  ): void {
    this.#client = args.clientName ?? args.clientID ?? 'a debugger';
    if (args.supportsProgressReporting) this.#undoProgress = new UndoProgress(event => this.sendEvent(event));
    response.body = capabilities;
    this.sendResponse(response);
  }

  protected override launchRequest(
    response: Response,
    args: DebugProtocol.LaunchRequestArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      this.#launch = launchArguments(args);
      await this.#begin(this.#launch);
      return () => this.sendEvent(new InitializedEvent());
    });
  }

  protected override attachRequest(
    response: Response,
    args: DebugProtocol.AttachRequestArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      this.#attach = attachArguments(args);
      const runId = await this.host.runs.find(this.#attach.run);
      await this.#open(runId);
      const { view } = this.#theRun;
      this.#say(`Debugging ${view.name} (run ${runId}), which ${view.by} started.\n`);
      return () => this.sendEvent(new InitializedEvent());
    });
  }

  /** Plans, asks, and starts a run that waits before its first step. */
  async #begin(launch: LaunchArguments): Promise<void> {
    const prepared = await this.host.prepare(launch);
    if (!prepared) throw new Cancelled('Not run.');
    this.#prepared = prepared;
    let runId: string | undefined;
    try {
      // While it was planned and asked about, the client may have gone.
      if (this.#gone) throw new Cancelled('Not run.');
      runId = await this.host.runs.submit({ ...prepared.submission, hold: true });
      await this.#open(runId);
      if (this.#gone) throw new Cancelled('Not run.');
    } catch (error) {
      // It stands before its first step, and nobody would let it go.
      if (runId !== undefined) await this.host.runs.cancel(runId, 'keep').catch(() => undefined);
      await prepared.remove?.();
      throw error;
    }
    this.#say(`${prepared.target}\nRun ${runId}. Stop ends it: ${stopText[launch.onStop]}.\n`);
  }

  async #open(runId: string): Promise<void> {
    const run = await DebuggedRun.open(
      this.host.runs,
      runId,
      this.#client ? `${this.host.name} (${this.#client})` : this.host.name,
      {
        onRecord: (record, model, past) => this.#onRecord(record, model, past),
        onEvent: event => this.#onEvent(event),
      },
    );
    this.#run = run;
    this.#inspection = new Inspection(run);
    this.host.debugging?.(runId);
    for (const { path, changed } of run.sources.files) {
      if (changed) this.#say(`${path} is not what the run was planned from, so lines may not fit.\n`, 'important');
    }
    run.ended.then(
      ended => this.#onEnd(run, ended),
      error => this.#onEnd(run, undefined, error),
    );
  }

  get #theRun(): DebuggedRun {
    if (!this.#run) throw new Error('There is no run to be debugged yet.');
    return this.#run;
  }

  get #looking(): Inspection {
    if (!this.#inspection) throw new Error('There is no run to be debugged yet.');
    return this.#inspection;
  }

  protected override configurationDoneRequest(
    response: DebugProtocol.ConfigurationDoneResponse,
    _args: DebugProtocol.ConfigurationDoneArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      await this.#telling;
      return () => this.#letGo();
    });
  }

  /** Breakpoints are set: what is launched goes, and what stands is told. */
  async #letGo(): Promise<void> {
    const run = this.#theRun;
    this.#configured = true;
    if (this.#launch && !this.#launch.stopOnEntry) {
      await run.request({ do: 'go', how: 'start' });
      return;
    }
    for (const thread of await run.request({ do: 'threads' })) {
      // Its event may have come meanwhile.
      if (thread.stopped && !this.#stopped.has(thread.id))
        this.#onStopped(thread.id, thread.stopped, thread.stopped.text ?? '');
    }
  }

  #onEvent(event: DebugEvent): void {
    switch (event.type) {
      case 'stopped':
        if (this.#configured) this.#onStopped(event.thread, event.stop, event.text);
        return;
      case 'continued':
        this.#forget(event.thread);
        this.sendEvent(new ContinuedEvent(event.thread, false));
        return;
      case 'thread':
        if (event.what === 'exited') this.#forget(event.thread);
        this.sendEvent(new ThreadEvent(event.what, event.thread));
        return;
      case 'said':
        this.#say(`${event.text}\n`, 'console', event.pointer);
        return;
    }
  }

  #onStopped(thread: number, stop: StopView, text: string): void {
    if (this.#stopping || this.#restarting) return;
    // A run that is launched stands before its first step until all is set; nobody asked to see that.
    if (stop.reason === 'entry' && this.#launch && !this.#launch.stopOnEntry) return;
    this.#inspection?.forget(thread);
    if (this.#reversing.has(thread) && stop.reason === 'back' && !this.#hasBreakpoint(stop)) {
      this.#background(this.#goBack(thread, stop));
      return;
    }
    this.#reversing.delete(thread);
    const others = [...this.#stopped.keys()].some(one => one !== thread);
    this.#stopped.set(thread, stop);
    const body: DebugProtocol.StoppedEvent['body'] = {
      reason: reasons[stop.reason],
      threadId: thread,
      allThreadsStopped: false,
      preserveFocusHint: others && this.#moved !== thread,
      ...(text !== '' && { description: text }),
      ...(stop.failure && { text: stop.failure.message }),
      ...(stop.breakpoints && { hitBreakpointIds: this.#breakpoints.idsOf(stop.breakpoints) }),
    };
    this.sendEvent(Object.assign(new Event('stopped'), { body }));
  }

  #forget(thread: number): void {
    this.#stopped.delete(thread);
    this.#inspection?.forget(thread);
  }

  #onRecord(record: JournalRecord, model: RunModel, past: boolean): void {
    if (past) return;
    this.#undoProgress?.apply(record);
    const said = consoleText(record);
    const key = 'key' in record ? record.key : undefined;
    const pointer = 'pointer' in record ? record.pointer : key === undefined ? undefined : model.step(key)?.pointer;
    if (said) this.#say(said.text, said.category, pointer);
    if (this.host.debugging) return;
    // Nobody can be asked through this protocol: where else, then.
    const { runId } = this.#theRun;
    if (record.type === 'approval.asked') this.#say(`In a terminal: virtbook approve ${runId}\n`, 'important');
    if (record.type === 'question.asked') this.#say(`Answer it in a terminal: virtbook resume ${runId}\n`, 'important');
  }

  async #onEnd(run: DebuggedRun, ended: Awaited<DebuggedRun['ended']>, error?: unknown): Promise<void> {
    if (run !== this.#run || this.#restarting) return;
    this.#undoProgress?.end();
    if (error !== undefined) this.#say(`${textOf(error)}\n`, 'stderr');
    if (ended?.status === 'crashed') {
      const words = ended.lastWords === undefined ? '' : ` Its last words: ${ended.lastWords}`;
      this.#say(`The runner died.${words} Go on with: virtbook resume ${run.runId}\n`, 'stderr');
    }
    if (!ended && error === undefined) return;
    this.#run = undefined;
    if (ended && ended.status !== 'crashed') await this.#prepared?.remove?.();
    await run.leave().catch(() => undefined);
    this.sendEvent(new ExitedEvent(ended ? exitCodeOf(ended) : 3));
    this.sendEvent(new TerminatedEvent());
  }

  // Breakpoints

  protected override setBreakPointsRequest(
    response: DebugProtocol.SetBreakpointsResponse,
    args: DebugProtocol.SetBreakpointsArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      const path = args.source.path ?? '';
      const asked = (args.breakpoints ?? []).map(one => ({ ...one, line: this.convertClientLineToDebugger(one.line) }));
      this.#breakpoints.set(path, asked);
      const shown = await this.#tellBreakpoints();
      response.body = { breakpoints: shown.get(resolve(path)) ?? [] };
    });
  }

  /** Tells the run all breakpoints; gives them by file as the client is to show them. */
  #tellBreakpoints(): Promise<Map<string, DebugProtocol.Breakpoint[]>> {
    const run = this.#theRun;
    return this.#inTurn(async () => {
      const breakpoints = this.#launch?.noDebug ? [] : this.#breakpoints.forRun(run.sources);
      const results = await run.request({ do: 'breakpoints', breakpoints });
      const shown = this.#breakpoints.shown(run.sources, results);
      const placed = (one: DebugProtocol.Breakpoint) => ({
        ...one,
        line: this.convertDebuggerLineToClient(one.line ?? 1),
      });
      return new Map([...shown].map(([path, list]) => [path, list.map(placed)]));
    });
  }

  protected override setExceptionBreakPointsRequest(
    response: DebugProtocol.SetExceptionBreakpointsResponse,
    args: DebugProtocol.SetExceptionBreakpointsArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      this.#exceptions = (['failure', 'rollback'] as const).filter(one => args.filters.includes(one));
      await this.#tellExceptions();
    });
  }

  #tellExceptions(): Promise<unknown> {
    const run = this.#theRun;
    const on = this.#launch?.noDebug ? [] : this.#exceptions;
    return this.#inTurn(() => run.request({ do: 'exceptions', on }));
  }

  #inTurn<T>(tell: () => Promise<T>): Promise<T> {
    const told = this.#telling.then(tell);
    this.#telling = told.catch(() => undefined);
    return told;
  }

  protected override breakpointLocationsRequest(
    response: DebugProtocol.BreakpointLocationsResponse,
    args: DebugProtocol.BreakpointLocationsArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      const steps = this.#run?.sources.file(args.source.path ?? '')?.steps ?? [];
      const first = this.convertClientLineToDebugger(args.line);
      const last = this.convertClientLineToDebugger(args.endLine ?? args.line);
      const found = steps.filter(step => first <= step.line && step.line <= last);
      response.body = { breakpoints: found.map(place => this.#placed(place)) };
    });
  }

  #hasBreakpoint({ pointer }: StopView): boolean {
    return pointer !== undefined && this.#breakpoints.isAt(pointer, this.#theRun.sources);
  }

  // Moving

  protected override threadsRequest(response: DebugProtocol.ThreadsResponse, request?: DebugProtocol.Request): void {
    this.#answer(response, request, async () => {
      const threads = this.#run ? await this.#run.request({ do: 'threads' }) : [];
      response.body = { threads: threads.map(({ id, name }) => ({ id, name })) };
    });
  }

  protected override continueRequest(
    response: DebugProtocol.ContinueResponse,
    args: DebugProtocol.ContinueArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      const single = args.singleThread === true;
      await this.#theRun.request({ do: 'go', how: 'continue', ...(single && { thread: args.threadId }) });
      response.body = { allThreadsContinued: !single };
    });
  }

  protected override nextRequest(
    response: Response,
    args: DebugProtocol.NextArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, () => this.#go(args.threadId, 'over'));
  }

  protected override stepInRequest(
    response: Response,
    args: DebugProtocol.StepInArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, () => this.#go(args.threadId, 'into'));
  }

  protected override stepOutRequest(
    response: Response,
    args: DebugProtocol.StepOutArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, () => this.#go(args.threadId, 'out'));
  }

  protected override stepBackRequest(
    response: Response,
    args: DebugProtocol.StepBackArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, () => this.#go(args.threadId, 'back'));
  }

  /** Undoes step after step, until one with a breakpoint or the first of the list. */
  protected override reverseContinueRequest(
    response: Response,
    args: DebugProtocol.ReverseContinueArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      this.#reversing.add(args.threadId);
      try {
        await this.#go(args.threadId, 'back');
      } catch (error) {
        this.#reversing.delete(args.threadId);
        throw error;
      }
    });
  }

  async #go(thread: number, how: Extract<DebugRequest, { do: 'go' }>['how']): Promise<void> {
    this.#moved = thread;
    await this.#theRun.request({ do: 'go', thread, how });
  }

  async #goBack(thread: number, stop: StopView): Promise<void> {
    try {
      await this.#go(thread, 'back');
    } catch {
      // There is nothing before it: this is as far as it goes.
      this.#reversing.delete(thread);
      this.#onStopped(thread, stop, stop.text ?? '');
    }
  }

  protected override pauseRequest(
    response: Response,
    args: DebugProtocol.PauseArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      this.#moved = args.threadId;
      await this.#theRun.request({ do: 'pause', thread: args.threadId });
    });
  }

  protected override gotoTargetsRequest(
    response: DebugProtocol.GotoTargetsResponse,
    args: DebugProtocol.GotoTargetsArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      const run = this.#theRun;
      const place = run.sources.stepAt(args.source.path ?? '', this.convertClientLineToDebugger(args.line));
      const targets: DebugProtocol.GotoTarget[] = [];
      if (place) {
        // A target is asked for without a thread, so those of all that stand are given, each place once.
        for (const thread of this.#stopped.keys()) {
          const found = (await run.request({ do: 'targets', thread })).find(one => one.pointer === place.pointer);
          if (!found || targets.length > 0) continue;
          const id = this.#nextTarget++;
          this.#targets.set(id, found);
          targets.push({ id, label: found.title, ...this.#placed(place) });
        }
      }
      response.body = { targets };
    });
  }

  protected override gotoRequest(
    response: Response,
    args: DebugProtocol.GotoArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      const target = this.#targets.get(args.targetId);
      if (!target) throw new Error('This place is not known any more. Choose it again.');
      const { pointer, title, warning } = target;
      if (this.host.choose) {
        const choices = [{ id: 'jump', label: 'Jump' }];
        const answer = await this.host.choose({ text: `Jump to ${title}?`, detail: warning, choices });
        if (answer !== 'jump') throw new Cancelled('Not jumped.');
      } else this.#say(`Jumping to ${title}. ${warning}\n`, 'important', pointer);
      this.#moved = args.threadId;
      await this.#theRun.request({ do: 'jump', thread: args.threadId, pointer });
    });
  }

  // Looking

  protected override stackTraceRequest(
    response: DebugProtocol.StackTraceResponse,
    args: DebugProtocol.StackTraceArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      const { stackFrames, totalFrames } = await this.#looking.stack(args.threadId, args.startFrame, args.levels);
      const placed = stackFrames.map(frame => (frame.source ? { ...frame, ...this.#placed(frame) } : frame));
      response.body = { stackFrames: placed, totalFrames };
    });
  }

  protected override scopesRequest(
    response: DebugProtocol.ScopesResponse,
    args: DebugProtocol.ScopesArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      response.body = { scopes: await this.#looking.scopes(args.frameId) };
    });
  }

  protected override variablesRequest(
    response: DebugProtocol.VariablesResponse,
    args: DebugProtocol.VariablesArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      response.body = { variables: await this.#looking.variables(args) };
    });
  }

  protected override setVariableRequest(
    response: DebugProtocol.SetVariableResponse,
    args: DebugProtocol.SetVariableArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      response.body = await this.#looking.setVariable(args);
    });
  }

  protected override setExpressionRequest(
    response: DebugProtocol.SetExpressionResponse,
    args: DebugProtocol.SetExpressionArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      response.body = await this.#looking.setExpression(args);
    });
  }

  protected override evaluateRequest(
    response: DebugProtocol.EvaluateResponse,
    args: DebugProtocol.EvaluateArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      response.body = await this.#looking.evaluate(args);
    });
  }

  protected override completionsRequest(
    response: DebugProtocol.CompletionsResponse,
    args: DebugProtocol.CompletionsArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      const column = this.convertClientColumnToDebugger(args.column);
      const line = args.line === undefined ? 1 : this.convertClientLineToDebugger(args.line);
      response.body = { targets: await this.#looking.completions({ ...args, line, column }) };
    });
  }

  protected override exceptionInfoRequest(
    response: DebugProtocol.ExceptionInfoResponse,
    args: DebugProtocol.ExceptionInfoArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      const stop = this.#stopped.get(args.threadId);
      if (!stop) throw new Error('This branch does not stand at a failure.');
      const { failure } = stop;
      const message = failure?.message ?? stop.text ?? 'A rollback is about to begin.';
      const kind = failure?.class ?? 'rollback';
      response.body = {
        exceptionId: kind,
        description: message,
        breakMode: 'always',
        details: { typeName: kind, message, stackTrace: failureStory(stop, this.#theRun.model) },
      };
    });
  }

  protected override loadedSourcesRequest(
    response: DebugProtocol.LoadedSourcesResponse,
    _args: DebugProtocol.LoadedSourcesArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      response.body = { sources: (this.#run?.sources.files ?? []).map(sourceOf) };
    });
  }

  // Ending

  protected override terminateRequest(
    response: Response,
    _args: DebugProtocol.TerminateArguments,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      const run = this.#run;
      const mode = (this.#launch ?? this.#attach)?.onStop ?? 'rollback';
      if (run && mode !== 'leave') {
        await this.#stop(run, mode);
        return undefined;
      }
      if (run) await this.#leave(run);
      return () => this.sendEvent(new TerminatedEvent());
    });
  }

  protected override disconnectRequest(
    response: DebugProtocol.DisconnectResponse,
    args: DebugProtocol.DisconnectArguments | undefined,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      this.#gone = true;
      const run = this.#run;
      const mode = (this.#launch ?? this.#attach)?.onStop ?? 'rollback';
      if (run) {
        if (args?.terminateDebuggee && !this.#stopping && mode !== 'leave') await this.#stop(run, mode);
        await this.#leave(run);
      }
      return () => this.shutdown();
    });
  }

  /** The run goes on by itself. */
  async #leave(run: DebuggedRun): Promise<void> {
    this.#run = undefined;
    await run.leave().catch(() => undefined);
    this.#say(`The run ${run.runId} goes on. Watch it: virtbook show ${run.runId} --follow\n`);
  }

  /** Cancels the run. It ends by itself, and is followed until then. */
  async #stop(run: DebuggedRun, mode: 'keep' | 'rollback'): Promise<void> {
    this.#stopping = true;
    // Nothing stops it on its way out.
    await this.#inTurn(async () => {
      await run.request({ do: 'exceptions', on: [] });
      await run.request({ do: 'breakpoints', breakpoints: [] });
    });
    await run.cancel(mode);
    await run.request({ do: 'go', how: 'continue' }).catch(() => undefined);
  }

  protected override restartRequest(
    response: Response,
    args: DebugProtocol.RestartArguments | undefined,
    request?: DebugProtocol.Request,
  ): void {
    this.#answer(response, request, async () => {
      if (!this.#launch) {
        throw new Error(
          'Only a run that was launched from here can be restarted. Start the runbook with Debug instead.',
        );
      }
      const run = this.#theRun;
      const mode = await this.#howToRestart(run);
      this.#restarting = true;
      try {
        const threads = await run.request({ do: 'threads' });
        await this.#stop(run, mode);
        await run.ended;
        for (const { id } of threads) {
          this.#forget(id);
          this.sendEvent(new ThreadEvent('exited', id));
        }
        await this.#prepared?.remove?.();
        await run.leave().catch(() => undefined);
        this.#run = undefined;
        const given: unknown = args?.arguments;
        this.#launch = given === undefined ? this.#launch : launchArguments(given);
        this.#configured = false;
        await this.#begin(this.#launch);
        for (const list of (await this.#tellBreakpoints()).values()) {
          for (const breakpoint of list) this.sendEvent(new BreakpointEvent('changed', breakpoint));
        }
        await this.#tellExceptions();
      } catch (error) {
        this.sendEvent(new TerminatedEvent());
        throw error;
      } finally {
        this.#restarting = false;
        this.#stopping = false;
      }
      return () => this.#letGo();
    });
  }

  /** What was done is undone, or kept; a person who can be asked says which. */
  async #howToRestart(run: DebuggedRun): Promise<'keep' | 'rollback'> {
    const usual = this.#launch?.onStop === 'keep' ? 'keep' : 'rollback';
    const undo = run.view.undoList.map(key => run.model.step(key)?.undo ?? key);
    if (!this.host.choose || undo.length === 0) return usual;
    const answer = await this.host.choose({
      text: `Restart ${run.view.name}?`,
      detail: ['Undone before, in this order:', ...undo.map(text => `- ${text}`)].join('\n'),
      choices: [
        { id: 'rollback', label: 'Undo and Restart' },
        { id: 'keep', label: 'Keep and Restart' },
      ],
    });
    if (answer === 'keep' || answer === 'rollback') return answer;
    throw new Cancelled('Not restarted.');
  }

  // Answering

  protected override cancelRequest(response: DebugProtocol.CancelResponse, args: DebugProtocol.CancelArguments): void {
    if (args.requestId !== undefined) this.#pending.get(args.requestId)?.(new Cancelled('cancelled'));
    this.sendResponse(response);
  }

  /** Runs `body` and answers with what it put into `response`, or with why it failed. A function that `body` gives is called after that. */
  #answer(response: Response, request: DebugProtocol.Request | undefined, body: () => Promise<unknown>): void {
    const seq = request?.seq ?? response.request_seq;
    const cancelled = new Promise<never>((_, reject) => this.#pending.set(seq, reject));
    void Promise.race([body(), cancelled])
      .then(
        then => {
          this.sendResponse(response);
          if (typeof then === 'function') this.#background(Promise.resolve().then(then as Then));
        },
        error => {
          // What was only looked at says so in its place: a message besides would be one for every look.
          const showUser = !(error instanceof Cancelled) && !looks.has(response.command);
          delete response.body;
          this.sendErrorResponse(response, { id: 1, format: textOf(error), variables: {}, showUser });
        },
      )
      .finally(() => this.#pending.delete(seq));
  }

  /** As the client counts lines and columns. */
  #placed({ line, column }: { line: number; column: number }): { line: number; column: number } {
    return { line: this.convertDebuggerLineToClient(line), column: this.convertDebuggerColumnToClient(column) };
  }

  #say(text: string, category: 'console' | 'important' | 'stdout' | 'stderr' = 'console', pointer?: string): void {
    const place = pointer === undefined ? undefined : this.#run?.sources.place(pointer);
    const where = place && { source: sourceOf(place), ...this.#placed(place) };
    const body: DebugProtocol.OutputEvent['body'] = { category, output: text, ...where };
    this.sendEvent(Object.assign(new Event('output'), { body }));
  }

  /** Of what nobody waits for; what goes wrong is said. */
  #background(work: Promise<unknown>): void {
    work.catch(error => this.#say(`${textOf(error)}\n`, 'stderr'));
  }
}

const stopText = {
  rollback: 'everything is undone',
  keep: 'what was done is kept',
  leave: 'it goes on without the debugger',
};

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
