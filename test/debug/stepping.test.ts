import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Workspace } from '../runner/built';
import { Debugging } from './client';

// `virtbook dap` over the real runner on the simulated lab: where it stops, and how it goes on.

let at: Workspace;
let debug: Debugging;
let moves: string;
let calls: string;
beforeAll(async () => {
  at = await Workspace.create();
  moves = at.runbook(
    'moves',
    `
- id: snapshot
  uses: vm.snapshot
  with: { vm: web2, name: before, quiesce: "no" }
- id: move
  uses: vm.migrate
  with: { vm: web1, to: hv2 }
- id: each
  forEach: { vm: [web2, web3] }
  steps:
    - id: look
      uses: guest.run
      with: { vm: "\${{ vm }}", argv: [echo, hello], changes: false }
- id: last
  wait: 1ms
`,
  );
  at.write(
    'part.runbook.yaml',
    `version: 1
name: Part
inputs: { vm: { type: vm } }
steps:
  - id: first
    uses: guest.run
    with: { vm: "\${{ inputs.vm }}", argv: [echo, first], changes: false }
  - id: second
    wait: 1ms
`,
  );
  calls = at.runbook(
    'calls',
    `
- id: call
  uses: ./part.runbook.yaml
  with: { vm: web1 }
- id: after
  wait: 1ms
`,
  );
});
afterAll(() => at.remove());
beforeEach(async () => {
  at.resetLab();
  debug = await Debugging.start(at);
});
afterEach(() => debug.close());

const hostOf = async (vm: string) => {
  const { stdout } = await at.run(['inventory', 'lab.inventory.yaml', '--format', 'json']);
  const { connections } = JSON.parse(stdout) as { connections: { vms: { name: string; host: string }[] }[] };
  return connections.flatMap(one => one.vms).find(one => one.name === vm)?.host;
};

describe('launch', () => {
  it('stops on entry, steps over, and ends with the exit code of the run', async () => {
    await debug.launch({ runbook: moves, stopOnEntry: true });
    expect(await debug.stop()).toMatchObject({ reason: 'entry', thread: 1, at: 'moves.runbook.yaml:5' });
    expect(debug.output()).toContain('SIMULATED: moves, plan ');
    await debug.go('next');
    expect(await debug.stop()).toMatchObject({ reason: 'step', at: 'moves.runbook.yaml:8' });
    await debug.go('next');
    expect(await debug.stop()).toMatchObject({ reason: 'step', at: 'moves.runbook.yaml:11' });
    expect(await hostOf('web1')).toBe('hv2');
    // Over the loop as a whole.
    await debug.go('next');
    expect(await debug.stop()).toMatchObject({ at: 'moves.runbook.yaml:17' });
    await debug.go('continue');
    expect(await debug.end()).toBe(0);
    expect(debug.output('stdout')).toBe('hello\nhello\n');
    const said = debug.seen('output').find(event => event.body.output.startsWith('hello'));
    expect(said?.body).toMatchObject({ source: { path: moves }, line: 14 });
  });

  it('steps into the items of a loop, and out of them', async () => {
    await debug.launch({ runbook: moves, from: 'each', stopOnEntry: true });
    expect(await debug.stop()).toMatchObject({ at: 'moves.runbook.yaml:11' });
    await debug.go('stepIn');
    const item = await debug.stop();
    expect(item.frames[0]).toContain('look');
    expect(item.at).toBe('moves.runbook.yaml:14');
    expect(item.frames.length).toBeGreaterThan(1);
    await debug.go('stepOut', item.thread);
    expect(await debug.stop()).toMatchObject({ at: 'moves.runbook.yaml:17' });
    await debug.go('continue');
    expect(await debug.end()).toBe(0);
  });

  it('steps into a called runbook in its own file, and out of it', async () => {
    await debug.launch({ runbook: calls, stopOnEntry: true });
    expect(await debug.stop()).toMatchObject({ at: 'calls.runbook.yaml:5' });
    await debug.go('stepIn');
    const inside = await debug.stop();
    expect(inside.at).toBe('part.runbook.yaml:5');
    expect(inside.frames.at(-1)).toContain('(calls.runbook.yaml:5)');
    const { sources } = (await debug.dc.customRequest('loadedSources')).body;
    expect(sources.map((one: { name: string }) => one.name)).toEqual(['calls.runbook.yaml', 'part.runbook.yaml']);
    await debug.go('stepOut', inside.thread);
    expect(await debug.stop()).toMatchObject({ at: 'calls.runbook.yaml:8' });
    await debug.go('continue');
    expect(await debug.end()).toBe(0);
  });

  it('says what is wrong with a runbook or a configuration, and starts nothing', async () => {
    const wrong = at.write('wrong.runbook.yaml', 'version: 1\nname: Wrong\nsteps:\n  - uses: vm.snapshoot\n');
    await expect(debug.launch({ runbook: wrong })).rejects.toThrow(/vm\.snapshoot/);
    await expect(debug.dc.launchRequest({ runbook: moves, target: 'prod' } as object)).rejects.toThrow(
      '`target` must be one of',
    );
    expect((await at.runs.list()).filter(run => run.name === 'Wrong')).toEqual([]);
  });
});

describe('going back', () => {
  it('undoes the step before, which can be done again', async () => {
    await debug.launch({ runbook: moves }, { breakpoints: { [moves]: [11] } });
    const stop = await debug.stop();
    expect(await hostOf('web1')).toBe('hv2');
    await debug.go('stepBack');
    expect(await debug.stop()).toMatchObject({ reason: 'step', at: 'moves.runbook.yaml:8', thread: stop.thread });
    expect(await hostOf('web1')).toBe('hv1');
    expect(debug.seen('progressStart').map(event => event.body.title)).toHaveLength(1);
    await debug.go('next');
    expect(await debug.stop()).toMatchObject({ at: 'moves.runbook.yaml:11' });
    expect(await hostOf('web1')).toBe('hv2');
    await debug.go('continue');
    expect(await debug.end()).toBe(0);
  });

  it('goes back to the first step with reverse, or to a breakpoint', async () => {
    await debug.launch({ runbook: moves }, { breakpoints: { [moves]: [11] } });
    await debug.stop();
    await debug.dc.reverseContinueRequest({ threadId: 1 });
    expect(await debug.stop()).toMatchObject({ at: 'moves.runbook.yaml:5' });
    expect(await hostOf('web1')).toBe('hv1');
    await expect(debug.dc.stepBackRequest({ threadId: 1 })).rejects.toThrow();
    await debug.go('continue');
    expect(await debug.stop()).toMatchObject({ at: 'moves.runbook.yaml:11' });
    await debug.go('continue');
    expect(await debug.end()).toBe(0);
  });
});

describe('jumping', () => {
  it('leaves steps out, and warns of it', async () => {
    await debug.launch({ runbook: moves, stopOnEntry: true });
    await debug.stop();
    const { targets } = (await debug.dc.gotoTargetsRequest({ source: { path: moves }, line: 14 })).body;
    expect(targets).toEqual([]);
    const found = (await debug.dc.gotoTargetsRequest({ source: { path: moves }, line: 17 })).body.targets;
    expect(found).toMatchObject([{ line: 17 }]);
    await debug.dc.gotoRequest({ threadId: 1, targetId: found[0]?.id ?? 0 });
    expect(await debug.stop()).toMatchObject({ reason: 'goto', at: 'moves.runbook.yaml:17' });
    expect(debug.output('important')).toMatch(/Jumping to .*snapshot/s);
    await debug.go('continue');
    expect(await debug.end()).toBe(0);
    expect(await hostOf('web1')).toBe('hv1');
  });
});
