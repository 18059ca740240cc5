import type { DebugProtocol } from '@vscode/debugprotocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadRunbook, planOf } from '../../src/cli/load';
import { DebugAdapter } from '../../src/debug/adapter';
import type { Choice } from '../../src/debug/host';
import { targetText } from '../../src/debug/target-text';
import type { DebugSession, Runs } from '../../src/runner/contract';
import { Workspace } from '../runner/built';

// The adapter where a person can be asked, as in VS Code; inside the test, over the real runner.

let at: Workspace;
let file: string;
let adapter: InProcess;
beforeAll(async () => {
  at = await Workspace.create();
  file = at.runbook(
    'work',
    `
- id: snapshot
  uses: vm.snapshot
  with: { vm: web1, name: before, quiesce: "no" }
- id: look
  uses: guest.run
  with: { vm: web1, argv: [echo, hello], changes: false }
- id: last
  wait: 1ms
`,
  );
});
afterAll(() => at.remove());
beforeEach(() => {
  at.resetLab();
  adapter = new InProcess(at.runs);
});
afterEach(() => adapter.request('disconnect', {}));

class InProcess {
  readonly asked: Choice[] = [];
  readonly told: string[] = [];
  readonly debugged: string[] = [];
  answer: string | undefined;
  /** Nothing is begun. */
  refuse = false;
  readonly #adapter: DebugAdapter;
  readonly #answers = new Map<number, (response: DebugProtocol.Response) => void>();
  readonly #events: DebugProtocol.Event[] = [];
  #wake: () => void = () => undefined;
  #seq = 1;

  constructor(runs: Runs) {
    this.#adapter = new DebugAdapter({
      runs,
      name: 'ada',
      prepare: async launch => {
        if (this.refuse) return undefined;
        const loaded = await loadRunbook(launch.runbook, () => undefined);
        const { plan, hash } = planOf(loaded, {}, launch.inputs);
        const { inventoryPath } = loaded;
        const inventory = inventoryPath === undefined ? {} : { inventoryPath };
        const submission = { plan, planHash: hash, runbookPath: loaded.path, ...inventory };
        return { submission, target: targetText(plan, hash, launch.target) };
      },
      choose: async choice => {
        this.asked.push(choice);
        return this.answer;
      },
      debugging: runId => void this.debugged.push(runId),
    });
    this.#adapter.onDidSendMessage((message: object) => {
      const said = message as DebugProtocol.Response | DebugProtocol.Event;
      if (said.type === 'response') this.#answers.get((said as DebugProtocol.Response).request_seq)?.(said as never);
      else this.#events.push(said as DebugProtocol.Event);
      this.#wake();
    });
  }

  request(command: string, args: object, seq = this.#seq++): Promise<DebugProtocol.Response> {
    return new Promise(resolve => {
      this.#answers.set(seq, resolve);
      this.#adapter.handleMessage({ seq, type: 'request', command, arguments: args } as DebugProtocol.Request);
    });
  }

  async event(name: string): Promise<DebugProtocol.Event> {
    for (;;) {
      const index = this.#events.findIndex(event => event.event === name);
      if (index >= 0) return this.#events.splice(index, 1)[0]!;
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  async launch(args: object, line: number): Promise<DebugProtocol.Event> {
    await this.request('initialize', { pathFormat: 'path', linesStartAt1: true, columnsStartAt1: true });
    await this.request('launch', args);
    await this.event('initialized');
    await this.request('setBreakpoints', { source: { path: file }, breakpoints: [{ line }] });
    await this.request('configurationDone', {});
    return this.event('stopped');
  }
}

describe('where a person can be asked', () => {
  it('a jump is made only when its warning was read', async () => {
    await adapter.launch({ runbook: file }, 8);
    expect(adapter.debugged).toHaveLength(1);
    const jump = async () => {
      const { body } = await adapter.request('gotoTargets', { source: { path: file }, line: 11 });
      return adapter.request('goto', { threadId: 1, targetId: body.targets[0].id });
    };
    const refused = await jump();
    expect(refused).toMatchObject({ success: false, body: { error: { showUser: false } } });
    expect(adapter.asked[0]?.text).toMatch(/^Jump to /);
    expect(adapter.asked[0]?.detail).toContain('look');
    adapter.answer = 'jump';
    expect((await jump()).success).toBe(true);
    expect((await adapter.event('stopped')).body.reason).toBe('goto');
  });

  it('a restart says what it undoes, and nothing happens when it is closed', async () => {
    await adapter.launch({ runbook: file }, 8);
    const [first] = adapter.debugged;
    expect((await adapter.request('restart', {})).success).toBe(false);
    expect(adapter.asked[0]?.detail).toMatch(/^Undone before, in this order:\n- .*before/);
    expect(adapter.asked[0]?.choices.map(one => one.id)).toEqual(['rollback', 'keep']);
    adapter.answer = 'rollback';
    expect((await adapter.request('restart', {})).success).toBe(true);
    await adapter.event('stopped');
    expect(adapter.debugged).toHaveLength(2);
    expect((await at.runs.read(first ?? '')).status).toBe('rolled-back');
  });

  it('nothing begins when they say no, and nobody is told of an error', async () => {
    const before = (await at.runs.list()).length;
    adapter.refuse = true;
    await adapter.request('initialize', {});
    const response = await adapter.request('launch', { runbook: file });
    expect(response).toMatchObject({ success: false, body: { error: { showUser: false } } });
    expect(await at.runs.list()).toHaveLength(before);
  });

  it('nothing begins when the client goes while they are asked', async () => {
    const before = (await at.runs.list()).length;
    await adapter.request('initialize', {});
    const launching = adapter.request('launch', { runbook: file });
    await adapter.request('disconnect', {});
    expect((await launching).success).toBe(false);
    const list = await at.runs.list();
    expect(list.slice(0, list.length - before).map(run => run.status)).not.toContain('waiting');
  });

  it('a run without debugging stops nowhere', async () => {
    await adapter.request('initialize', { pathFormat: 'path' });
    await adapter.request('launch', { runbook: file, noDebug: true, stopOnEntry: true });
    await adapter.event('initialized');
    await adapter.request('setBreakpoints', { source: { path: file }, breakpoints: [{ line: 8 }] });
    await adapter.request('configurationDone', {});
    expect((await adapter.event('exited')).body.exitCode).toBe(0);
  });
});

describe('a request that takes long', () => {
  it('can be taken back', async () => {
    const slow = new Proxy(at.runs, {
      get(runs, name, self) {
        if (name !== 'debug') return Reflect.get(runs, name, self).bind?.(runs) ?? Reflect.get(runs, name, self);
        return async (...args: Parameters<Runs['debug']>) => {
          const session = await runs.debug(...args);
          if (!session) return undefined;
          const request: DebugSession['request'] = asked =>
            asked.do === 'evaluate' ? new Promise(() => undefined) : session.request(asked);
          return {
            request,
            onEvent: session.onEvent.bind(session),
            detach: session.detach.bind(session),
            closed: session.closed,
          };
        };
      },
    });
    adapter = new InProcess(slow);
    const { body } = await adapter.launch({ runbook: file }, 8);
    const stack = await adapter.request('stackTrace', { threadId: body.threadId });
    const evaluating = adapter.request(
      'evaluate',
      { expression: '1', frameId: stack.body.stackFrames[0].id, context: 'watch' },
      1000,
    );
    await adapter.request('cancel', { requestId: 1000 });
    expect(await evaluating).toMatchObject({ success: false, message: 'cancelled' });
  });
});
