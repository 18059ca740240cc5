import { describe, expect, test } from 'vitest';
import { guestPatch } from '../../src/actions/guest.patch';
import { applied, blockersOf, simulatedWorld, warningsOf } from './simulated-world';

const safety = 'virtbook-r1-steps-web1-do';

describe('guest.patch', () => {
  test('upgrades everything, and says what and whether a reboot is needed', async () => {
    const world = simulatedWorld();
    const step = await applied(world, guestPatch, { vm: 'web1' });
    expect(step.outputs).toEqual({
      upgraded: [
        { name: 'nginx', from: '1.0', to: '1.1' },
        { name: 'openssl', from: '3.0', to: '3.1' },
      ],
      rebootRequired: true,
    });
  });
  test('upgrades only the named packages', async () => {
    const world = simulatedWorld();
    const step = await applied(world, guestPatch, { vm: 'web1', packages: ['nginx'] });
    expect(step.outputs).toEqual({ upgraded: [{ name: 'nginx', from: '1.0', to: '1.1' }], rebootRequired: false });
  });
  test('asks nothing: every apt-get runs without a frontend and its own exit status counts', async () => {
    const world = simulatedWorld();
    const commands: string[][] = [];
    const guest = world.fleet.guest;
    world.fleet.guest = async (vm, via) => {
      const exec = await guest(vm, via);
      return {
        exec: (argv, options) => {
          commands.push(argv);
          return exec.exec(argv, options);
        },
      };
    };
    await applied(world, guestPatch, { vm: 'web1' });
    const apt = commands.filter(argv => argv.includes('apt-get') && argv[0] !== 'pidof');
    expect(apt.length).toBeGreaterThan(1);
    for (const argv of apt) expect(argv.slice(0, 2)).toEqual(['env', 'DEBIAN_FRONTEND=noninteractive']);
    expect(commands.flat().filter(word => /\|/.test(word))).toEqual([]);
  });
  test('keeps a safety snapshot until the run has succeeded, then removes it', async () => {
    const world = simulatedWorld();
    const step = await applied(world, guestPatch, { vm: 'web1' });
    expect(world.vm('web1').snapshots.map(snapshot => snapshot.name)).toEqual([safety]);
    await step.commit();
    await step.commit();
    expect(world.vm('web1').snapshots).toEqual([]);
    expect(world.vm('web1').guest.packages.nginx?.version).toBe('1.1');
  });
  test('undo goes back to the snapshot, waits for the guest and sees the old versions', async () => {
    const world = simulatedWorld();
    const step = await applied(world, guestPatch, { vm: 'web1' });
    await step.undo();
    await step.undo();
    expect(world.changes()).toEqual([]);
  });
  test("a package whose own script fails makes the step fail, with apt's words; undo heals the guest", async () => {
    const world = simulatedWorld();
    const step = await applied(world, guestPatch, { vm: 'app1' });
    expect(step.error?.message).toMatch(
      /apt-get upgrade failed in app1 \(code 100\): .*shaky.*post-installation script/,
    );
    expect(world.vm('app1').guest.packages.shaky).toEqual({ version: '1.2', status: 'half-configured' });
    await step.undo();
    expect(world.changes()).toEqual([]);
  });
  test('without a snapshot, undo installs the old versions again', async () => {
    for (const vm of ['web1', 'app1']) {
      const world = simulatedWorld();
      const packages = vm === 'web1' ? ['nginx'] : ['shaky'];
      const step = await applied(world, guestPatch, { vm, packages, snapshot: false });
      expect(world.vm(vm).snapshots).toEqual([]);
      await step.undo();
      await step.undo();
      expect(world.changes()).toEqual([]);
    }
  });
  test('an undo that does not bring the old versions back is said', async () => {
    const world = simulatedWorld();
    world.change('web1', { guest: { packages: { nginx: { version: '0.9', status: 'installed' } } } });
    const step = await applied(world, guestPatch, { vm: 'web1', snapshot: false });
    await expect(step.undo()).rejects.toThrow(
      /old versions can't be installed in web1 again.*'0.9' for 'nginx' was not found/,
    );
  });
  test('an undo looks whether the old versions are really back, and says so when they are not', async () => {
    const world = simulatedWorld();
    const step = await applied(world, guestPatch, { vm: 'web1' });
    const { snapshots, guest } = world.vm('web1');
    const wrong = {
      ...guest,
      packages: { ...guest.packages, nginx: { version: '0.5', status: 'installed' as const } },
    };
    world.change('web1', { snapshots: snapshots.map(snapshot => ({ ...snapshot, guest: wrong })) });
    await expect(step.undo()).rejects.toThrow('web1 is not back to its old packages: nginx is 0.5, was 1.0');
    expect(world.vm('web1').snapshots).toHaveLength(1);
  });
  test('undo leaves a guest alone in which nothing was changed yet, and removes the snapshot', async () => {
    const world = simulatedWorld();
    const step = await applied(world, guestPatch, { vm: 'web1' }, { at: 'guestAgent.exec', kind: 'fail-before' });
    expect(step.error).toMatchObject({ kind: 'failed' });
    const reverts: string[] = [];
    world.onCall(call => void reverts.push(call.at));
    await step.undo();
    expect(reverts).not.toContain('snapshots.revert');
    expect(world.changes()).toEqual([]);
  });
  test('interrupted in the middle of apt: not done, and done again it is whole', async () => {
    const world = simulatedWorld();
    const step = await applied(
      world,
      guestPatch,
      { vm: 'web1' },
      { at: 'guestAgent.exec', kind: 'fail-halfway', nth: 2 },
    );
    expect(world.vm('web1').guest.packages.nginx?.status).toBe('half-configured');
    expect((await step.probe()).outcome).toBe('not-done');
    await step.undo();
    expect(world.changes()).toEqual([]);
  });
  test('lost after apt had ended: the probe sees that it is done, and what was upgraded', async () => {
    const world = simulatedWorld();
    const step = await applied(world, guestPatch, { vm: 'web1' }, { at: 'guestAgent.exec', kind: 'unknown', nth: 2 });
    expect(await step.probe()).toMatchObject({
      outcome: 'done',
      outputs: { upgraded: [{ name: 'nginx' }, { name: 'openssl' }], rebootRequired: true },
    });
  });
  test('a connection that is lost at the probe, too, is one to look at again, and nothing for a person yet', async () => {
    const world = simulatedWorld();
    const step = await applied(world, guestPatch, { vm: 'web1' }, { at: 'guestAgent.exec', kind: 'unknown', nth: 2 });
    world.fault('guestAgent.exec', { kind: 'unknown' });
    await expect(step.probe()).rejects.toMatchObject({ kind: 'unreachable' });
    expect(await step.probe()).toMatchObject({ outcome: 'done' });
  });
  test('a guest that can not be looked at is left to a person', async () => {
    const world = simulatedWorld();
    const step = await applied(world, guestPatch, { vm: 'web1' });
    world.change('web1', { guest: { agent: 'hung' } });
    expect(await step.probe()).toMatchObject({ outcome: 'unknown' });
  });
  test('a repeated attempt keeps the first snapshot', async () => {
    const world = simulatedWorld();
    await applied(world, guestPatch, { vm: 'web1' }, { at: 'guestAgent.exec', kind: 'fail-before' });
    const again = await applied(world, guestPatch, { vm: 'web1' });
    expect(again.outputs?.upgraded).toHaveLength(2);
    expect(world.vm('web1').snapshots).toHaveLength(1);
    await again.undo();
    expect(world.changes()).toEqual([]);
  });
  test('is blocked by a VM that is off, a guest without dpkg, half-set-up packages and a package that is not there', async () => {
    const world = simulatedWorld();
    expect(await blockersOf(world, guestPatch, { vm: 'off1' })).toContain('start it');
    expect(await blockersOf(world, guestPatch, { vm: 'mute1' })).toContain('mute1');
    expect(await blockersOf(world, guestPatch, { vm: 'web1', packages: ['apache2'] })).toContain(
      'apache2 is not installed',
    );
    world.change('web1', { guest: { packages: { nginx: { version: '1.0', status: 'half-configured' } } } });
    expect(await blockersOf(world, guestPatch, { vm: 'web1' })).toContain('dpkg --configure -a');
    expect(await warningsOf(world, guestPatch, { vm: 'kept1' })).toContain('snapshot(s) already');
  });
});
