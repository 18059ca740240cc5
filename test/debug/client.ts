import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { basename } from 'node:path';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Workspace } from '../runner/built';

/** Where a thread has stopped, as tests read it. */
export interface Stop {
  reason: string;
  thread: number;
  /** `patch.runbook.yaml:12` */
  at: string;
  /** Innermost first. */
  frames: string[];
  frameId: number;
  text: string;
  body: DebugProtocol.StoppedEvent['body'];
}

/** The client of the test support, over a program with arguments that can be killed. */
class DapClient extends DebugClient {
  /** Of each request that failed, whether a person is to be shown that besides. */
  readonly shownErrors: boolean[] = [];

  constructor(private readonly child: ChildProcessWithoutNullStreams) {
    super('', '', 'virtbook');
    this.defaultTimeout = 15_000;
    this.connect(child.stdout, child.stdin);
    // The client gives of what failed only the text.
    child.stdout.on('data', (data: Buffer) => {
      for (const [, shown] of data.toString().matchAll(/"showUser":(true|false)/g))
        this.shownErrors.push(shown === 'true');
    });
  }

  /** As when the editor has crashed. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise(resolve => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await gone;
  }
}

/** A client of `virtbook dap`, which keeps every event until somebody asks for it. */
export class Debugging {
  readonly #events: DebugProtocol.Event[] = [];
  #wake: () => void = () => undefined;
  readonly dc: DapClient;

  private constructor(at: Workspace, env: NodeJS.ProcessEnv) {
    const child = spawn(process.execPath, [at.cli, 'dap'], { env: at.env(env) });
    child.stderr.setEncoding('utf8').on('data', text => process.stderr.write(text));
    this.dc = new DapClient(child);
    for (const name of [
      'initialized',
      'stopped',
      'continued',
      'thread',
      'output',
      'exited',
      'terminated',
      'breakpoint',
    ])
      this.dc.on(name, (event: DebugProtocol.Event) => {
        this.#events.push(event);
        this.#wake();
      });
    for (const name of ['progressStart', 'progressEnd'])
      this.dc.on(name, (event: DebugProtocol.Event) => this.#events.push(event));
  }

  static async start(at: Workspace, env: NodeJS.ProcessEnv = {}, startAt1 = true): Promise<Debugging> {
    const made = new Debugging(at, env);
    await made.dc.initializeRequest({
      adapterID: 'virtbook',
      clientName: 'the test',
      pathFormat: 'path',
      linesStartAt1: startAt1,
      columnsStartAt1: startAt1,
      supportsProgressReporting: true,
    });
    return made;
  }

  /** Launches, sets breakpoints (by file) and filters, and lets it go. */
  async launch(args: Record<string, unknown>, how: Setup = {}): Promise<void> {
    await this.dc.launchRequest(args as DebugProtocol.LaunchRequestArguments);
    await this.configure(how);
  }

  async attach(args: Record<string, unknown>, how: Setup = {}): Promise<void> {
    await this.dc.attachRequest(args as DebugProtocol.AttachRequestArguments);
    await this.configure(how);
  }

  async configure({ breakpoints = {}, filters = [] }: Setup): Promise<void> {
    await this.event('initialized');
    for (const [path, list] of Object.entries(breakpoints)) await this.breakpoints(path, list);
    await this.dc.setExceptionBreakpointsRequest({ filters });
    await this.dc.configurationDoneRequest();
  }

  async breakpoints(
    path: string,
    list: (number | DebugProtocol.SourceBreakpoint)[],
  ): Promise<DebugProtocol.Breakpoint[]> {
    const breakpoints = list.map(one => (typeof one === 'number' ? { line: one } : one));
    return (await this.dc.setBreakpointsRequest({ source: { path }, breakpoints })).body.breakpoints;
  }

  /** The next event of this kind that nobody has asked for yet. */
  async event<T extends DebugProtocol.Event>(name: string, fits: (event: T) => boolean = () => true): Promise<T> {
    for (;;) {
      const at = this.#events.findIndex(event => event.event === name && fits(event as T));
      if (at >= 0) return this.#events.splice(at, 1)[0] as T;
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  /** The next stop, with its stack. */
  async stop(thread?: number): Promise<Stop> {
    const fits = (event: DebugProtocol.StoppedEvent) => thread === undefined || event.body.threadId === thread;
    const { body } = await this.event<DebugProtocol.StoppedEvent>('stopped', fits);
    const threadId = body.threadId ?? 0;
    const { stackFrames } = (await this.dc.stackTraceRequest({ threadId })).body;
    const [first] = stackFrames;
    return {
      reason: body.reason,
      thread: threadId,
      at: `${basename(first?.source?.path ?? '?')}:${first?.line}`,
      frames: stackFrames.map(frame => `${frame.name} (${basename(frame.source?.path ?? '?')}:${frame.line})`),
      frameId: first?.id ?? 0,
      text: body.description ?? '',
      body,
    };
  }

  async go(how: 'next' | 'stepIn' | 'stepOut' | 'stepBack' | 'continue', threadId = 1): Promise<void> {
    await this.dc.send(how, { threadId });
  }

  /** Until the end: the exit code. */
  async end(): Promise<number> {
    const { body } = await this.event<DebugProtocol.ExitedEvent>('exited');
    await this.event('terminated');
    return body.exitCode;
  }

  /** All output so far, of one category or of all. */
  output(category?: string): string {
    return this.#events
      .filter((event): event is DebugProtocol.OutputEvent => event.event === 'output')
      .filter(({ body }) => category === undefined || body.category === category)
      .map(({ body }) => body.output)
      .join('');
  }

  /** Events of these kinds so far, oldest first. */
  seen(...names: string[]): DebugProtocol.Event[] {
    return this.#events.filter(event => names.includes(event.event));
  }

  /** The run that is debugged, by what the console said. */
  runId(): string {
    const found = /Run (\S+?)\. Stop ends it|\(run (\S+)\)/.exec(this.output());
    const runId = found?.[1] ?? found?.[2];
    if (runId === undefined) throw new Error(`The console names no run: ${this.output()}`);
    return runId;
  }

  /** Scopes of a frame, each with its variables as `name = value`. */
  async scopes(frameId: number): Promise<Record<string, DebugProtocol.Variable[]>> {
    const { scopes } = (await this.dc.scopesRequest({ frameId })).body;
    const found: Record<string, DebugProtocol.Variable[]> = {};
    for (const { name, variablesReference } of scopes) found[name] = await this.variables(variablesReference);
    return found;
  }

  async variables(variablesReference: number): Promise<DebugProtocol.Variable[]> {
    return (await this.dc.variablesRequest({ variablesReference })).body.variables;
  }

  async evaluate(expression: string, frameId: number, context = 'watch'): Promise<string> {
    return (await this.dc.evaluateRequest({ expression, frameId, context })).body.result;
  }

  /** What is debugged is left as it is. */
  close(): Promise<void> {
    return this.dc.kill();
  }
}

export interface Setup {
  breakpoints?: Record<string, (number | DebugProtocol.SourceBreakpoint)[]>;
  filters?: string[];
}

export function shown(variables: readonly DebugProtocol.Variable[] = []): string[] {
  return variables.map(({ name, value }) => `${name} = ${value}`);
}
