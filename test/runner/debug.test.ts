import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type {
  DebugEvent,
  DebugRequest,
  FrameScope,
  FrameView,
  JumpTarget,
  ThreadView,
} from '../../src/engine/debug-protocol';
import { type DebugSession, RunRefused } from '../../src/runner/contract';
import { Workspace } from './built';

// Real processes: a debugger over the socket of a built runner, on a simulated lab in a file.

let at: Workspace;
beforeAll(async () => {
  at = await Workspace.create();
}, 60_000);
afterAll(() => at?.remove());
beforeEach(() => at.resetLab());

type Stopped = Extract<DebugEvent, { type: 'stopped' }>;

/** A debugger as a debug adapter is one. */
class Client {
  readonly events: DebugEvent[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(readonly session: DebugSession) {
    session.onEvent(event => {
      this.events.push(event);
      for (const wake of this.#waiting) wake();
    });
  }

  static async at(runId: string, name = 'tester'): Promise<Client> {
    const session = await at.runs.debug(runId, name);
    if (!session) throw new Error(`${runId} has no runner`);
    const client = new Client(session);
    // It may stand already; then no event comes.
    for (const { id, stopped } of await client.ask<ThreadView[]>({ do: 'threads' })) {
      const known = client.events.some(event => event.type === 'stopped' && event.thread === id);
      if (stopped && !known) client.events.push({ type: 'stopped', thread: id, stop: stopped, text: '' });
    }
    return client;
  }

  async ask<T>(request: DebugRequest): Promise<T> {
    return (await this.session.request(request)) as T;
  }

  /** The next event of this kind that nobody has waited for yet. */
  async next<T extends DebugEvent['type']>(type: T): Promise<Extract<DebugEvent, { type: T }>> {
    for (;;) {
      const found = this.events.findIndex(event => event.type === type);
      if (found >= 0) return this.events.splice(found, 1)[0] as Extract<DebugEvent, { type: T }>;
      await Promise.race([
        new Promise<void>(resolve => this.#waiting.add(resolve)),
        this.session.closed.then(() => Promise.reject(new Error(`The runner ended before ${type}.`))),
      ]);
    }
  }

  stopped(): Promise<Stopped> {
    return this.next('stopped');
  }

  async go(how: 'continue' | 'over' | 'into' | 'out' | 'back', thread = 1): Promise<Stopped> {
    await this.ask({ do: 'go', thread, how });
    return this.stopped();
  }
}

const moves = `
- id: snap
  uses: vm.snapshot
  with: { vm: web1, name: before }
- id: move
  uses: vm.migrate
  with: { vm: web2, to: "\${{ inputs.to }}" }
- id: last
  uses: vm.start
  with: { vm: web3 }
`;
const inputs = 'inputs:\n  to: { type: host, default: hv2 }\n';

async function submit(name: string, steps: string, more = inputs): Promise<string> {
  return at.start(at.runbook(name, steps, more), '--hold');
}

/** After a connection that was lost: the runner may not have noticed yet. */
async function again(runId: string): Promise<Client> {
  for (;;) {
    try {
      return await Client.at(runId, 'again');
    } catch (error) {
      if (!(error instanceof RunRefused)) throw error;
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  }
}

async function ended(runId: string): Promise<string> {
  for await (const _ of at.runs.follow(runId));
  return (await at.runs.read(runId)).status;
}

async function hostOf(vm: string): Promise<string | undefined> {
  const { stdout } = await at.run(['inventory', '--format', 'json']);
  const { connections } = JSON.parse(stdout) as { connections: { vms: { name: string; host: string }[] }[] };
  return connections[0]!.vms.find(one => one.name === vm)?.host;
}

describe('a debugger', () => {
  it('holds a run at its entry, steps over it, looks at it and lets it go', async () => {
    const run = await submit('look', moves);
    const client = await Client.at(run);
    expect(await client.stopped()).toMatchObject({ thread: 1, stop: { reason: 'entry', key: 'snap', phase: 'step' } });
    expect(await at.runs.read(run)).toMatchObject({ status: 'waiting', paused: [{ thread: 1, key: 'snap' }] });
    expect(await at.runs.list()).toMatchObject([{ status: 'waiting', waitsFor: 'debugger' }]);
    expect(
      await client.ask({ do: 'breakpoints', breakpoints: [{ pointer: '/steps/2' }, { pointer: '/steps/9' }] }),
    ).toMatchObject([{ verified: true }, { verified: false, message: expect.stringContaining('no part of the run') }]);
    expect((await client.go('over')).stop).toMatchObject({ reason: 'step', key: 'move' });
    expect(await client.ask<FrameView[]>({ do: 'stack', thread: 1 })).toEqual([
      { index: 0, name: 'move in look', pointer: '/steps/1', key: 'move' },
    ]);
    const scope = await client.ask<FrameScope>({ do: 'scope', thread: 1, frame: 0 });
    expect(scope).toMatchObject({
      inputs: { to: 'hv2' },
      with: { vm: 'web2', to: 'hv2' },
      targets: expect.arrayContaining([{ kind: 'vm', name: 'web2' }]),
      editable: expect.arrayContaining([['inputs', 'to']]),
    });
    expect(await client.ask({ do: 'evaluate', thread: 1, frame: 0, expression: 'inputs.to + "!"' })).toBe('hv2!');
    expect(await client.ask({ do: 'live', kind: 'vm', name: 'web1' })).toMatchObject({ snapshotCount: 1 });
    expect(await client.ask({ do: 'live', kind: 'vm', name: 'nowhere' })).toBeNull();
    expect((await client.go('continue')).stop).toMatchObject({ reason: 'breakpoint', key: 'last', breakpoints: [0] });
    expect(await client.ask<ThreadView[]>({ do: 'threads' })).toMatchObject([{ id: 1, stopped: { key: 'last' } }]);
    await client.ask({ do: 'go', thread: 1, how: 'continue' });
    expect(await client.next('thread')).toMatchObject({ what: 'exited', thread: 1 });
    await client.session.closed;
    expect(await ended(run)).toBe('done');
  }, 30_000);

  it('steps back, jumps and sets a value that is checked, kept and shown', async () => {
    const run = await submit('steer', moves, `${inputs}`);
    const client = await Client.at(run);
    await client.stopped();
    await client.go('over');
    expect((await client.go('back')).stop).toMatchObject({ reason: 'back', key: 'snap@2' });
    expect(await client.ask({ do: 'live', kind: 'vm', name: 'web1' })).toMatchObject({ snapshotCount: 0 });
    const targets = await client.ask<JumpTarget[]>({ do: 'targets', thread: 1 });
    expect(targets.map(target => target.pointer)).toEqual(['/steps/1', '/steps/2']);
    await client.ask({ do: 'jump', thread: 1, pointer: '/steps/1' });
    expect((await client.stopped()).stop).toMatchObject({ reason: 'jump', key: 'move' });
    const put = (value: string) => client.ask({ do: 'set', thread: 1, frame: 0, path: ['inputs', 'to'], value });
    await expect(put('group:web')).rejects.toThrow('must be the name of one host');
    expect(await put('hv1')).toBe('hv1');
    expect(await put('hv2')).toBe('hv2');
    await client.session.detach();
    expect(await ended(run)).toBe('done');
    const shown = await at.run(['show', run]);
    expect(shown.stdout).toContain('tester set inputs.to to "hv1" before move; it was "hv2".');
    expect(await hostOf('web2')).toBe('hv2');
  }, 30_000);

  it('a target that was changed to is locked before it is touched, or refused where somebody else holds it', async () => {
    const steps = '- id: touch\n  uses: vm.snapshot\n  with: { vm: "${{ inputs.vm }}", name: mine }\n';
    const more = 'inputs:\n  vm: { type: vm, default: web1 }\n';
    const other = await submit('other', steps, more.replace('web1', 'web2'));
    const others = await Client.at(other);
    await others.stopped();
    const run = await submit('mine', steps, more);
    const client = await Client.at(run);
    await client.stopped();
    const put = (value: string) => client.ask({ do: 'set', thread: 1, frame: 0, path: ['inputs', 'vm'], value });
    await put('web3');
    await client.ask({ do: 'exceptions', on: ['failure'] });
    await put('web2');
    // The other run stands, and holds its lock all the while.
    expect((await client.go('continue')).stop).toMatchObject({ phase: 'failed', failure: { class: 'locked' } });
    await client.session.detach();
    expect(await ended(run)).toBe('failed');
    await others.session.detach();
    expect(await ended(other)).toBe('done');

    const third = await submit('third', steps, more);
    const free = await Client.at(third);
    await free.stopped();
    await free.ask({ do: 'set', thread: 1, frame: 0, path: ['inputs', 'vm'], value: 'web3' });
    await free.ask({ do: 'breakpoints', breakpoints: [] });
    await free.session.detach();
    expect(await ended(third)).toBe('done');
  }, 40_000);

  it('stops after a failure, before the rollback and before each undo', async () => {
    const run = await submit(
      'fails',
      `${moves}- id: bad\n  uses: guest.patch\n  with: { vm: web3, packages: [broken] }\n`,
    );
    const client = await Client.at(run);
    await client.stopped();
    await client.ask({ do: 'exceptions', on: ['failure', 'rollback'] });
    expect((await client.go('continue')).stop).toMatchObject({ phase: 'failed', key: 'bad' });
    expect((await client.go('continue')).stop).toMatchObject({ phase: 'rollback' });
    const undone: (string | undefined)[] = [];
    for (let stop = (await client.go('over')).stop; ; stop = (await client.go('over')).stop) {
      expect(stop.phase).toBe('undo');
      undone.push(stop.key);
      if (stop.key === 'snap') break;
    }
    expect(undone.slice(-2)).toEqual(['move', 'snap']);
    await client.session.detach();
    expect(await ended(run)).toBe('rolled-back');
  }, 30_000);
});

describe('a run that stands', () => {
  it('is let go by a detach; a lost connection leaves it standing for the next, and there is only one at a time', async () => {
    const run = await submit('lost', moves);
    const first = await at.runs.debug(run, 'first');
    expect(first).toBeDefined();
    await expect(at.runs.debug(run, 'second')).rejects.toThrow('first debugs this run already');
    await expect(first!.request({ do: 'stack', thread: 7 })).rejects.toThrow(RunRefused);
    await expect(first!.request({ do: 'jump', thread: 1 } as unknown as DebugRequest)).rejects.toThrow(
      'not well formed',
    );
    await expect(first!.request({ do: 'dance' } as unknown as DebugRequest)).rejects.toThrow("can't ask for `dance`");
    // As a window that is closed does.
    (first as unknown as { socket: { destroy(): void } }).socket.destroy();
    await first!.closed;
    const client = await again(run);
    await client.stopped();
    expect(await client.ask<ThreadView[]>({ do: 'threads' })).toMatchObject([{ id: 1, stopped: { key: 'snap' } }]);
    await client.session.detach();
    await client.session.closed;
    expect(await ended(run)).toBe('done');
    // When its runner has gone, too, there is nothing to debug.
    for (let late = await at.runs.debug(run, 'late'); late; late = await at.runs.debug(run, 'late')) {
      await late.detach();
    }
  }, 30_000);

  it('is cancelled at once, with what was done undone', async () => {
    const run = await submit('cancelled', moves);
    const client = await Client.at(run);
    await client.stopped();
    await client.go('over');
    await at.runs.cancel(run, 'rollback', 'ann');
    expect(await ended(run)).toBe('rolled-back');
    await client.session.closed;
  }, 30_000);

  it('whose runner is killed goes on when it is resumed, the way it was steered; held at its entry it is held again', async () => {
    const run = await submit('killed', moves);
    const held = await Client.at(run);
    await held.stopped();
    await at.kill(run);
    expect((await at.runs.read(run)).status).toBe('crashed');
    await at.runs.resume(run);
    const client = await Client.at(run);
    await client.stopped();
    await client.go('over');
    expect((await client.go('back')).stop.key).toBe('snap@2');
    await client.ask({ do: 'jump', thread: 1, pointer: '/steps/1' });
    await client.stopped();
    await at.kill(run);
    await at.runs.resume(run);
    expect(await ended(run)).toBe('done');
    const done = (await at.records(run)).filter(record => record.type === 'step.done');
    expect(done.map(record => ('key' in record ? record.key : ''))).toEqual(['snap', 'move', 'last']);
  }, 40_000);

  it('is paused and let go on from the command line, and shown as paused', async () => {
    const run = await at.start(at.runbook('pause', moves, inputs), '--hold');
    await at.waitFor(run, record => record.type === 'run.paused');
    expect((await at.run(['runs'])).stdout).toMatch(/paused/);
    expect((await at.run(['show', run])).stdout).toContain('Before snap. Held before the first step, as asked.');
    expect(await at.run(['continue', run])).toMatchObject({ code: 0 });
    expect(await at.run(['continue', run])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is not running (done)'),
    });
    expect(await at.run(['pause', run])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is not running (done)'),
    });

    at.resetLab();
    const slow = await at.start(
      at.runbook('slow', moves.replace('with: { vm: web2', 'with: { bandwidth: 20, vm: web2'), inputs),
    );
    await at.waitFor(slow, record => record.type === 'step.intent' && record.key === 'move');
    expect((await at.run(['pause', slow])).stdout).toContain(`virtbook continue ${slow}`);
    await at.waitFor(slow, record => record.type === 'run.paused' && record.key === 'last');
    expect(await at.run(['continue', slow])).toMatchObject({ code: 0 });
  }, 60_000);
});
