import { describe, expect, test } from 'vitest';
import { checkGuest } from '../../src/actions/check.guest';
import { applied, blockersOf, simulatedWorld, warningsOf } from './simulated-world';

describe('check.guest', () => {
  const everything = {
    vm: 'web1',
    agent: true,
    tcp: { port: 80 },
    http: { url: 'http://192.0.2.11/health', contains: 'well' },
    systemd: ['nginx'],
    command: ['test', '-e', '/etc/motd'],
  };
  test('a healthy guest passes at the first look, and nothing is changed', async () => {
    const world = simulatedWorld();
    const step = await applied(world, checkGuest, everything);
    expect(step.outputs).toEqual({
      attempts: 1,
      checks: ['agent', 'tcp 80', 'http://192.0.2.11/health', 'services nginx', 'test -e /etc/motd'],
    });
    expect(world.changes()).toEqual([]);
  });
  test('looks again until it is healthy', async () => {
    const world = simulatedWorld();
    const { hypervisor, vm } = await world.fleet.locate('off1');
    await hypervisor.power!.start(vm.uuid);
    const step = await applied(world, checkGuest, { vm: 'off1', agent: true, tcp: { port: 80 }, timeout: 60 });
    expect(step.outputs?.attempts).toBeGreaterThan(1);
  });
  test.each([
    ['a service that is down', { systemd: ['nginx', 'cron'] }, /services nginx, cron: cron is inactive/],
    ['a closed port', { tcp: { port: 443 } }, /tcp 443: .*192\.0\.2\.11:443/],
    ['a wrong status', { http: { url: 'http://192.0.2.11/nowhere' } }, /answered 404 instead of 200/],
    ['a wrong answer', { http: { url: 'http://192.0.2.11/health', contains: 'sick' } }, /the answer has no "sick"/],
    ['a command that fails', { command: ['cat', '/nowhere'] }, /ended with code 1: cat: \/nowhere/],
  ])('after the time it fails for %s, and says what it saw', async (_, what, message) => {
    const world = simulatedWorld();
    const from = world.lab.clock.now();
    const step = await applied(world, checkGuest, { vm: 'web1', ...what, timeout: 30, interval: 5 });
    expect(step.error?.message).toMatch(message);
    expect(step.error?.message).toContain('not healthy after 30 s');
    expect(world.lab.clock.now() - from).toBeGreaterThanOrEqual(30_000);
  });
  test('an agent that hangs counts as unhealthy', async () => {
    const world = simulatedWorld();
    world.change('web1', { guest: { agent: 'hung' } });
    const step = await applied(world, checkGuest, { vm: 'web1', agent: true, timeout: 5 });
    expect(step.error?.message).toContain('agent: The guest agent of web1 does not answer');
  });
  test('a VM without an address needs one for tcp; a check of nothing is refused', async () => {
    const world = simulatedWorld();
    expect(await blockersOf(world, checkGuest, { vm: 'mute1', tcp: { port: 22 } })).toContain('tcp.address');
    expect(await blockersOf(world, checkGuest, { vm: 'web1' })).toContain('Nothing to check');
    expect(await warningsOf(world, checkGuest, { vm: 'off1', agent: true })).toContain('shutoff now');
  });
});
