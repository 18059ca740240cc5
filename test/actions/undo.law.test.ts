import fc from 'fast-check';
import type { Static, TSchema } from 'typebox';
import { expect, test } from 'vitest';
import type { ActionDefinition } from '../../src/actions/action';
import { backupImage } from '../../src/actions/backup.image';
import { guestPatch } from '../../src/actions/guest.patch';
import { guestRun } from '../../src/actions/guest.run';
import { vmMigrate } from '../../src/actions/vm.migrate';
import { vmRevert } from '../../src/actions/vm.revert';
import { vmShutdown } from '../../src/actions/vm.shutdown';
import { vmSnapshot } from '../../src/actions/vm.snapshot';
import { vmStart } from '../../src/actions/vm.start';
import { type SimulatedWorld, simulatedWorld } from './simulated-world';

/** An action with inputs of its own type, closed over so that a list may hold several kinds. */
interface Case {
  text: string;
  [fc.toStringMethod](): string;
  run(world: SimulatedWorld, faultAt: number, kind: Kind): Promise<{ undo(): Promise<void>; reached: boolean }>;
}
type Kind = 'none' | 'fail-before' | 'fail-after' | 'fail-halfway' | 'unknown' | 'never-happened';

const vm = fc.constantFrom('web1', 'local1', 'app1', 'off1', 'mute1', 'kept1');
const quiesce = fc.constantFrom('require' as const, 'prefer' as const, 'no' as const);

function caseOf<I extends TSchema, O extends TSchema, B extends TSchema>(
  action: ActionDefinition<I, O, B>,
  inputs: fc.Arbitrary<Static<I>>,
): fc.Arbitrary<Case> {
  return inputs.map(values => ({
    text: `${action.name} ${JSON.stringify(values)}`,
    [fc.toStringMethod]() {
      return this.text;
    },
    async run(world, faultAt, kind) {
      const before = await action.prepare(world.context, values);
      let calls = 0;
      world.onCall(() => {
        if (++calls !== faultAt || kind === 'none') return undefined;
        return kind === 'never-happened' ? { kind: 'unknown', happened: false } : { kind };
      });
      let outputs: Static<O> | undefined;
      try {
        outputs = await action.apply(world.context, values, before);
      } catch {
        // Whatever became of it, the undo has to cope.
      }
      world.onCall(undefined);
      // A journal holds plain data, so that is all the undo gets.
      const kept = JSON.parse(JSON.stringify({ before, outputs })) as { before: typeof before; outputs?: Static<O> };
      return {
        reached: calls >= faultAt,
        undo: async () => action.undo!(world.context, values, kept.before, kept.outputs),
      };
    },
  }));
}

const cases = fc.oneof(
  caseOf(vmStart, fc.record({ vm, waitForGuest: fc.constantFrom(0, 30) })),
  caseOf(vmShutdown, fc.record({ vm, mode: fc.constantFrom('auto' as const, 'acpi' as const), force: fc.boolean() })),
  caseOf(vmSnapshot, fc.record({ vm, memory: fc.boolean(), quiesce, name: fc.constantFrom('fresh', 'old') })),
  caseOf(vmRevert, fc.record({ vm: fc.constant('kept1'), snapshot: fc.constant('old'), safety: fc.constant(true) })),
  caseOf(
    vmMigrate,
    fc.record({
      vm,
      to: fc.constantFrom('hv1', 'hv2', 'hv3'),
      live: fc.boolean(),
      storage: fc.constantFrom('auto' as const, 'shared' as const, 'copy' as const),
    }),
  ),
  caseOf(
    guestRun,
    fc.record({
      vm,
      argv: fc.constant(['systemctl', 'stop', 'nginx']),
      undo: fc.constant(['systemctl', 'start', 'nginx']),
      via: fc.constantFrom('agent' as const, 'ssh' as const),
    }),
  ).filter(({ text }) => /web1|local1|app1/.test(text)),
  caseOf(
    guestPatch,
    fc.record({ vm: fc.constantFrom('web1', 'local1', 'app1'), snapshot: fc.boolean(), memory: fc.boolean() }),
  ),
  caseOf(backupImage, fc.record({ vm, proxy: fc.constant('backup1'), quiesce })),
);

/** Installing old versions again leaves the guest's request for a reboot behind, as it does in reality; a boot clears it. */
function changes(world: SimulatedWorld): string[] {
  return world.changes().filter(line => !line.includes('/run/reboot-required'));
}

test('whatever goes wrong, wherever: after the undo the lab is where it was, and undoing twice changes nothing', async () => {
  let faulted = 0;
  await fc.assert(
    fc.asyncProperty(
      cases,
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom<Kind>('none', 'fail-before', 'fail-after', 'fail-halfway', 'unknown', 'never-happened'),
      async (example, faultAt, kind) => {
        const world = simulatedWorld();
        const { undo, reached } = await example.run(world, faultAt, kind);
        if (reached && kind !== 'none') faulted++;
        await undo();
        expect(changes(world), example.text).toEqual([]);
        await undo();
        expect(changes(world), `${example.text}, undone twice`).toEqual([]);
      },
    ),
    { numRuns: 1500, seed: 20260103 },
  );
  // The law says little when faults seldom hit.
  expect(faulted).toBeGreaterThan(200);
});

test('an undo that breaks off can be run again', async () => {
  await fc.assert(
    fc.asyncProperty(
      cases,
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom<'fail-before' | 'fail-after' | 'unknown'>('fail-before', 'fail-after', 'unknown'),
      async (example, faultAt, kind) => {
        const world = simulatedWorld();
        const { undo } = await example.run(world, 0, 'none');
        let calls = 0;
        world.onCall(() => (++calls === faultAt ? { kind } : undefined));
        await undo().catch(() => undefined);
        world.onCall(undefined);
        await undo();
        expect(changes(world), example.text).toEqual([]);
      },
    ),
    { numRuns: 800, seed: 20260103 },
  );
});
