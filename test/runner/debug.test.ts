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
    return new Client(session);
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
});
