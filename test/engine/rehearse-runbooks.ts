import fc from 'fast-check';
import type { Plan } from '../../src/engine/plan';
import type { Limits, Step } from '../../src/runbook/model';
import { approve, assertThat, call, each, noReturn, parallel, wait } from './harness';
import { action, planOf } from './rehearse-lab';

const vms = fc.constantFrom('web1', 'web2');
const hosts = fc.constantFrom('hv1', 'hv2');
const stop = ['systemctl', 'stop', 'nginx'];
const start = ['systemctl', 'start', 'nginx'];

/** One that can be undone, and one or the other that can't. */
const actionOn = (vm: string): fc.Arbitrary<Step> =>
  fc.oneof(
    fc.boolean().map(memory => action('vm.snapshot', { vm, memory })),
    hosts.map(to => action('vm.migrate', { vm, to })),
    fc.constant(action('guest.run', { vm, argv: stop, undo: start })),
    fc.constant(action('guest.run', { vm, argv: ['rm', '-f', '/etc/motd'] })),
    fc.constant(action('guest.run', { vm, argv: stop }, { rollback: [action('guest.run', { vm, argv: start })] })),
    fc.constant(action('guest.run', { vm, argv: stop }, { rollback: 'none' })),
    fc.boolean().map(snapshot => action('guest.patch', { vm, snapshot })),
    fc.constant(action('check.guest', { vm, agent: true, timeout: 10 })),
    fc.constant(action('backup.image', { vm, proxy: 'backup1' })),
    fc.constant(action('vm.shutdown', { vm })),
  );
const one = vms.chain(actionOn);
const some = (most: number): fc.Arbitrary<Step[]> => fc.array(one, { minLength: 1, maxLength: most });

const loop: fc.Arbitrary<Step> = fc
  .record({
    body: fc.array(actionOn('${{ item }}'), { minLength: 1, maxLength: 2 }),
    batch: fc.integer({ min: 1, max: 2 }),
    maxFailures: fc.integer({ min: 0, max: 1 }),
    canary: fc.integer({ min: 0, max: 1 }),
  })
  .map(({ body, ...options }) => each(['web1', 'web2'], body, options));
const branches: fc.Arbitrary<Step> = fc
  .tuple(actionOn('web1'), actionOn('web2'))
  .map(([left, right]) => parallel([left, right]));
const called: fc.Arbitrary<Step> = fc
  .record({
    steps: some(2),
    last: fc.option(fc.constant<Step[]>([action('vm.snapshot', { vm: 'off1', name: 'called' })])),
  })
  .map(({ steps, last }) => call(steps, last ? { finally: last } : {}));
const control: fc.Arbitrary<Step> = fc.oneof(
  fc.constant(approve({ by: 2, expires: '1h' })),
  fc.constant(wait('5m')),
  fc.constant(assertThat('size(inputs) == 0')),
);
const block = fc.oneof(
  { weight: 4, arbitrary: one },
  { weight: 1, arbitrary: loop },
  { weight: 1, arbitrary: branches },
  { weight: 1, arbitrary: called },
  { weight: 1, arbitrary: control },
);

/** Any kind of step, with and without limits, `finally` and a point of no return. */
export const anyPlan: fc.Arbitrary<Plan> = fc
  .record({
    before: fc.array(block, { minLength: 1, maxLength: 3 }),
    after: fc.option(fc.array(block, { minLength: 1, maxLength: 2 }), { freq: 3 }),
    last: fc.option(fc.constant<Step[]>([action('vm.snapshot', { vm: 'off1', name: 'last' })]), { freq: 4 }),
    limits: fc.option(fc.constant<Limits>({ perHost: 1, total: 2 }), { freq: 3 }),
  })
  .map(({ before, after, last, limits }) =>
    planOf(after ? [...before, noReturn(), ...after] : before, {
      ...(last && { finally: last }),
      ...(limits && { limits }),
    }),
  );
