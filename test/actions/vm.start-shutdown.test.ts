import { describe, expect, test } from 'vitest';
import { vmShutdown } from '../../src/actions/vm.shutdown';
import { vmStart } from '../../src/actions/vm.start';
import { applied, blockersOf, simulatedWorld, warningsOf } from './simulated-world';

describe('vm.start', () => {
  test('starts a VM that is off; undo shuts it down again', async () => {
    const world = simulatedWorld();
    const step = await applied(world, vmStart, { vm: 'off1' });
    expect(step.outputs).toEqual({ host: 'hv1', alreadyRunning: false });
    expect(world.vm('off1').state).toBe('running');
    await world.lab.clock.pass(30_000);
    await step.undo();
    expect(world.changes()).toEqual([]);
  });
  test('waits for the guest when told to', async () => {
    const world = simulatedWorld();
    const from = world.lab.clock.now();
    await applied(world, vmStart, { vm: 'off1', waitForGuest: 60 });
    expect(world.lab.clock.now() - from).toBeGreaterThanOrEqual(world.vm('off1').guest.bootSeconds * 1000);
  });
  test('gives up waiting for a guest that never comes up, and says where to look', async () => {
    const world = simulatedWorld();
    world.change('off1', { guest: { agent: 'hung' } });
    const step = await applied(world, vmStart, { vm: 'off1', waitForGuest: 20 });
    expect(step.error?.message).toMatch(/No command can be run in off1 after 20 s.*console/);
    await step.undo();
    expect(world.changes()).toEqual([]);
  });
  test('leaves a running VM alone, and so does its undo', async () => {
    const world = simulatedWorld();
    expect(await warningsOf(world, vmStart, { vm: 'web1' })).toContain('running already');
    const step = await applied(world, vmStart, { vm: 'web1' });
    expect(step.outputs).toEqual({ host: 'hv1', alreadyRunning: true });
    await step.undo();
    expect(world.changes()).toEqual([]);
  });
  test('is blocked by an unknown name, by missing memory and by a pause that a person has to look at', async () => {
    const world = simulatedWorld();
    expect(await blockersOf(world, vmStart, { vm: 'nobody' })).toContain('no VM nobody');
    world.change('off1', { memoryMiB: 20_000 });
    expect(await blockersOf(world, vmStart, { vm: 'off1' })).toMatch(
      /hv1 has \d+ MiB of memory left, off1 needs 20000/,
    );
    world.change('web1', { state: 'paused', stateReason: 'I/O error' });
    expect(await blockersOf(world, vmStart, { vm: 'web1' })).toContain('paused (I/O error)');
  });
  test('probe tells what happened when the connection was lost', async () => {
    for (const happened of [true, false]) {
      const world = simulatedWorld();
      const step = await applied(world, vmStart, { vm: 'off1' }, { at: 'power.start', kind: 'unknown', happened });
      expect(step.error?.outcomeUnknown).toBe(true);
      expect((await step.probe()).outcome).toBe(happened ? 'done' : 'not-done');
      await step.undo();
      expect(world.changes()).toEqual([]);
    }
  });
  test('undo cuts the power of a guest that does not go down, and says so', async () => {
    const world = simulatedWorld();
    world.change('off1', { guest: { ignoresShutdown: true } });
    const step = await applied(world, vmStart, { vm: 'off1' });
    await step.undo();
    expect(world.vm('off1').state).toBe('shutoff');
    expect(world.log.join()).toContain('power is cut');
  });
});

describe('vm.shutdown', () => {
  test('shuts a guest down; undo starts it', async () => {
    const world = simulatedWorld();
    const step = await applied(world, vmShutdown, { vm: 'web1' });
    expect(step.outputs).toEqual({ wasRunning: true, forced: false });
    expect(world.vm('web1').state).toBe('shutoff');
    await step.undo();
    await step.undo();
    expect(world.changes()).toEqual([]);
  });
  test('a guest that does not go down fails the step, and is cut off only with force', async () => {
    const world = simulatedWorld();
    world.change('web1', { guest: { ignoresShutdown: true } });
    const patient = await applied(world, vmShutdown, { vm: 'web1', timeout: 30 });
    expect(patient.error?.message).toContain('not off after 30 s');
    expect(world.vm('web1').state).toBe('running');
    const forced = await applied(world, vmShutdown, { vm: 'web1', timeout: 30, force: true });
    expect(forced.outputs).toEqual({ wasRunning: true, forced: true });
    expect(world.vm('web1').state).toBe('shutoff');
  });
  test('waits for a backup to end instead of hanging in shutdown', async () => {
    const world = simulatedWorld();
    const { hypervisor, vm } = await world.fleet.locate('web1');
    await hypervisor.imageBackup!.begin(vm.uuid, { quiesce: 'no', mark: 'm', transport: 'tcp' });
    const step = await applied(world, vmShutdown, { vm: 'web1' });
    expect(step.error).toMatchObject({ kind: 'busy' });
  });
  test('is blocked when it must go through an agent that is silent', async () => {
    const world = simulatedWorld();
    expect(await blockersOf(world, vmShutdown, { vm: 'mute1', mode: 'agent' })).toContain('mode: acpi');
    expect(await blockersOf(world, vmShutdown, { vm: 'mute1' })).toBe('');
    expect(await warningsOf(world, vmShutdown, { vm: 'off1' })).toContain('off already');
  });
  test('probe tells what happened when the connection was lost', async () => {
    for (const happened of [true, false]) {
      const world = simulatedWorld();
      const step = await applied(
        world,
        vmShutdown,
        { vm: 'web1' },
        { at: 'power.shutdown', kind: 'unknown', happened },
      );
      expect((await step.probe()).outcome).toBe(happened ? 'done' : 'not-done');
      await step.undo();
      expect(world.changes()).toEqual([]);
    }
  });
  test('undo leaves off what was off', async () => {
    const world = simulatedWorld();
    const step = await applied(world, vmShutdown, { vm: 'off1' });
    expect(step.outputs).toEqual({ wasRunning: false, forced: false });
    await step.undo();
    expect(world.changes()).toEqual([]);
  });
});
