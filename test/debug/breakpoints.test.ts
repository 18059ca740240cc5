import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Workspace } from '../runner/built';
import { Debugging } from './client';

let at: Workspace;
let debug: Debugging;
let loop: string;
let branches: string;
let fails: string;
beforeAll(async () => {
  at = await Workspace.create();
  loop = at.runbook(
    'loop',
    `
- id: each
  forEach: { vm: [web1, web2, web3] }
  steps:
    - id: look
      uses: guest.run
      with: { vm: "\${{ vm }}", argv: [echo, hello], changes: false }
`,
  );
  branches = at.runbook(
    'branches',
    `
- parallel:
    - id: one
      uses: guest.run
      with: { vm: web1, argv: [echo, one], changes: false }
    - steps:
        - id: two
          uses: guest.run
          with: { vm: web2, argv: [echo, two], changes: false }
        - id: three
          wait: 1ms
- id: after
  wait: 1ms
`,
  );
  fails = at.runbook(
    'fails',
    `
- id: snapshot
  uses: vm.snapshot
  with: { vm: web1, name: before, quiesce: "no" }
- id: check
  uses: guest.run
  with: { vm: web1, argv: ["false"], changes: false }
`,
  );
});
afterAll(() => at.remove());
beforeEach(async () => {
  at.resetLab();
  debug = await Debugging.start(at);
});
afterEach(() => debug.close());

describe('breakpoints', () => {
  it('are set on the step of a line, and refused where there is none', async () => {
    await debug.dc.launchRequest({ runbook: loop } as object);
    await debug.event('initialized');
    const set = await debug.breakpoints(loop, [2, 10, { line: 8, condition: 'vm ==' }]);
    expect(set.map(({ verified, line }) => [verified, line])).toEqual([
      [false, 2],
      [true, 8],
      [false, 8],
    ]);
    expect(set[0]?.message).toBe('There is no step in this line. Set it on a step.');
    expect(set[2]?.message).toMatch(/condition|vm ==/);
    const places = (
      await debug.dc.customRequest('breakpointLocations', { source: { path: loop }, line: 1, endLine: 20 })
    ).body;
    expect(places.breakpoints).toEqual([
      { line: 5, column: 3 },
      { line: 8, column: 7 },
    ]);
    await debug.breakpoints(loop, []);
    await debug.dc.configurationDoneRequest();
    expect(await debug.end()).toBe(0);
  });

  it('count lines as the client does', async () => {
    await debug.close();
    debug = await Debugging.start(at, {}, false);
    await debug.launch({ runbook: loop }, { breakpoints: { [loop]: [9] } });
    const stop = await debug.stop();
    expect(stop.at).toBe('loop.runbook.yaml:7');
    await debug.breakpoints(loop, []);
    await debug.go('continue', stop.thread);
    expect(await debug.end()).toBe(0);
  });

  it('stop by condition, at a hit, and speak instead of stopping', async () => {
    await debug.launch({ runbook: loop }, { breakpoints: { [loop]: [{ line: 8, condition: '${{ vm == "web2" }}' }] } });
    const stop = await debug.stop();
    expect(stop).toMatchObject({ reason: 'breakpoint', at: 'loop.runbook.yaml:8' });
    expect(stop.body.hitBreakpointIds).toHaveLength(1);
    expect(await debug.evaluate('vm', stop.frameId)).toBe('"web2"');
    await debug.breakpoints(loop, [{ line: 8, logMessage: 'at {vm}, the {index + 1}. of all' }]);
    await debug.go('continue', stop.thread);
    expect(await debug.end()).toBe(0);
    expect(debug.output('console')).toContain('at web3, the 3. of all');
  });

  it('count hits', async () => {
    await debug.launch({ runbook: loop }, { breakpoints: { [loop]: [{ line: 8, hitCondition: '2' }] } });
    const stop = await debug.stop();
    expect(await debug.evaluate('vm', stop.frameId)).toBe('"web2"');
    await debug.go('continue', stop.thread);
    expect(await debug.end()).toBe(0);
  });

  it('stop in each branch on its own', async () => {
    await debug.launch({ runbook: branches }, { breakpoints: { [branches]: [6, 10] } });
    const stops = [await debug.stop(), await debug.stop()];
    expect(stops.map(stop => stop.at).sort()).toEqual(['branches.runbook.yaml:10', 'branches.runbook.yaml:6']);
    expect(new Set(stops.map(stop => stop.thread)).size).toBe(2);
    const { threads } = (await debug.dc.threadsRequest()).body;
    expect(threads.length).toBeGreaterThanOrEqual(2);
    const two = stops.find(stop => stop.at.endsWith(':10'));
    await debug.go('next', two?.thread);
    expect(await debug.stop(two?.thread)).toMatchObject({ at: 'branches.runbook.yaml:13' });
    await debug.go('continue');
    expect(await debug.end()).toBe(0);
  });
});

describe('failures', () => {
  it('are stopped at before anything is undone, and told with their story', async () => {
    await debug.launch({ runbook: fails }, { filters: ['failure'] });
    const stop = await debug.stop();
    expect(stop).toMatchObject({ reason: 'exception', at: 'fails.runbook.yaml:8' });
    const info = (await debug.dc.exceptionInfoRequest({ threadId: stop.thread })).body;
    expect(info.exceptionId).toBe('failed');
    expect(info.description).toMatch(/false/);
    expect(info.details?.stackTrace).toMatch(/What a rollback undoes, in this order:\n {2}.*before/);
    await debug.go('continue', stop.thread);
    expect(await debug.end()).toBe(1);
    expect(debug.output()).toContain('✓ snapshot is undone');
  });

  it('stop before a rollback and its undos when that is asked for', async () => {
    await debug.launch({ runbook: fails }, { filters: ['rollback'] });
    const before = await debug.stop();
    expect(before.reason).toBe('exception');
    expect(debug.output()).not.toContain('✓ snapshot is undone');
    await debug.go('continue', before.thread);
    expect(await debug.end()).toBe(1);
  });

  it('are not stopped at when nobody asked', async () => {
    await debug.launch({ runbook: fails });
    expect(await debug.end()).toBe(1);
  });
});
