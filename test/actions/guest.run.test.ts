import { describe, expect, test } from 'vitest';
import { guestRun } from '../../src/actions/guest.run';
import { applied, blockersOf, isIdempotent, simulatedWorld, undoClassOf } from './simulated-world';

describe('guest.run', () => {
  test('runs argv, never a shell line, and gives what it printed', async () => {
    const world = simulatedWorld();
    const step = await applied(world, guestRun, { vm: 'web1', argv: ['echo', 'a  b', '$HOME; false'] });
    expect(step.outputs).toEqual({ code: 0, stdout: 'a  b $HOME; false\n', stderr: '' });
    expect(world.log).toEqual(['a  b $HOME; false\n']);
  });
  test('passes stdin on, and reaches the guest by agent or ssh', async () => {
    const world = simulatedWorld();
    for (const via of ['auto', 'agent', 'ssh'] as const) {
      const seen: string[] = [];
      world.onCall(call => void seen.push(call.at));
      const step = await guestRun.apply(
        world.context,
        { vm: 'web1', argv: ['tee', `/tmp/${via}`], stdin: via, via },
        { uuid: '' },
      );
      expect(step.stdout).toBe(via);
      expect(seen).toContain(via === 'ssh' ? 'ssh.exec' : 'guestAgent.exec');
      expect(world.vm('web1').guest.files[`/tmp/${via}`]).toBe(via);
    }
  });
  test('an unexpected exit code fails the step and names the command and what it said', async () => {
    const world = simulatedWorld();
    const step = await applied(world, guestRun, { vm: 'web1', argv: ['cat', '/nowhere'] });
    expect(step.error?.message).toMatch(
      /cat \/nowhere in web1 ended with code 1 \(expected 0\): cat: \/nowhere: No such file/,
    );
    const wanted = { vm: 'web1', argv: ['false'], expectCode: [0, 1] };
    expect((await applied(world, guestRun, wanted)).outputs?.code).toBe(1);
  });
  test('undo runs the given command, also after a failure halfway', async () => {
    const inputs = { vm: 'web1', argv: ['systemctl', 'stop', 'nginx'], undo: ['systemctl', 'start', 'nginx'] };
    const world = simulatedWorld();
    const step = await applied(world, guestRun, inputs);
    expect(world.vm('web1').guest.services.nginx).toBe('inactive');
    await step.undo();
    expect(world.changes()).toEqual([]);
    const broken = await applied(world, guestRun, inputs, { at: 'guestAgent.exec', kind: 'fail-after' });
    await broken.undo();
    expect(world.changes()).toEqual([]);
  });
  test('an undo that fails is said', async () => {
    const world = simulatedWorld();
    const step = await applied(world, guestRun, { vm: 'web1', argv: ['true'], undo: ['false'] });
    await expect(step.undo()).rejects.toThrow('The undo false in web1 ended with code 1');
  });
  test('its undo class and whether it may be repeated follow from its inputs', () => {
    const inputs = { vm: 'web1', argv: ['true'] };
    expect(undoClassOf(guestRun, inputs)).toBe('irreversible');
    expect(undoClassOf(guestRun, { ...inputs, undo: ['true'] })).toBe('reversible');
    expect(undoClassOf(guestRun, { ...inputs, changes: false })).toBe('none');
    expect(isIdempotent(guestRun, inputs)).toBe(false);
    expect(isIdempotent(guestRun, { ...inputs, changes: false })).toBe(true);
  });
  test('probe: only looking can be done again, a given probe decides, otherwise a person is asked', async () => {
    const world = simulatedWorld();
    const lost = { at: 'guestAgent.exec', kind: 'unknown' } as const;
    const write = { vm: 'web1', argv: ['tee', '/tmp/x'], stdin: 'x' };
    expect(await (await applied(world, guestRun, write, lost)).probe()).toMatchObject({ outcome: 'unknown' });
    expect(await (await applied(world, guestRun, { ...write, changes: false }, lost)).probe()).toMatchObject({
      outcome: 'not-done',
    });
    const probed = { ...write, argv: ['tee', '/tmp/y'], probe: ['test', '-e', '/tmp/y'] };
    expect(await (await applied(world, guestRun, probed, lost)).probe()).toMatchObject({ outcome: 'done' });
    const never = { ...write, argv: ['tee', '/tmp/z'], probe: ['test', '-e', '/tmp/z'] };
    const step = await applied(world, guestRun, never, { ...lost, happened: false });
    expect(await step.probe()).toMatchObject({ outcome: 'not-done' });
  });
  test('is blocked when the VM is off or no way leads into it', async () => {
    const world = simulatedWorld();
    const argv = ['true'];
    expect(await blockersOf(world, guestRun, { vm: 'off1', argv })).toContain('off1 is shutoff; start it');
    expect(await blockersOf(world, guestRun, { vm: 'mute1', argv })).toContain('No command can be run in mute1');
    world.change('web1', { guest: { agent: 'hung' } });
    expect(await blockersOf(world, guestRun, { vm: 'web1', argv, via: 'agent' })).toContain('does not answer');
    expect(await blockersOf(world, guestRun, { vm: 'web1', argv, via: 'ssh' })).toBe('');
  });
  test('a command that takes too long leaves its outcome unknown', async () => {
    const world = simulatedWorld();
    const step = await applied(world, guestRun, { vm: 'web1', argv: ['sleep', '60'], timeout: 5 });
    expect(step.error).toMatchObject({ kind: 'timeout', outcomeUnknown: true });
  });
});
