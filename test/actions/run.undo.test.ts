import { describe, expect, test } from 'vitest';
import { actionNamed } from '../../src/actions/catalogue';
import { guestRun } from '../../src/actions/guest.run';
import { vmSnapshot } from '../../src/actions/vm.snapshot';
import { applied, blockersOf, type SimulatedWorld, simulatedWorld } from './simulated-world';

const runUndo = actionNamed('run.undo')!;

/** What a journal would have of a snapshot of web1, taken in the run r1 of the world. */
async function snapshotOf(world: SimulatedWorld) {
  const { before, outputs } = await applied(world, vmSnapshot, { vm: 'web1' });
  const recorded = JSON.parse(JSON.stringify({ before, outputs })) as object;
  const { runId: run, stepKey: step } = world.context;
  return { run, step, action: 'vm.snapshot', inputs: { vm: 'web1' }, ...recorded };
}

describe('run.undo', () => {
  test('takes back a step of another run, found by the name of that run, once or twice', async () => {
    const world = simulatedWorld();
    const given = await snapshotOf(world);
    expect(world.vm('web1').snapshots).toHaveLength(1);
    const other = { ...world.context, runId: 'r2', stepKey: 'steps/run.undo#1' };
    for (let times = 1; times <= 2; times++) {
      expect(await runUndo.preflight(other, given)).toEqual([]);
      await runUndo.apply(other, given, await runUndo.prepare(other, given));
      expect(world.changes()).toEqual([]);
    }
  });

  test('acts on, needs and says what the undo of that step does', async () => {
    const given = await snapshotOf(simulatedWorld());
    expect(runUndo.targets(given)).toEqual(vmSnapshot.targets({ vm: 'web1' }));
    expect(runUndo.requires(given)).toEqual(vmSnapshot.requires({ vm: 'web1' }));
    expect(runUndo.describe(given)).toBe(
      'delete the snapshot virtbook-r1-steps-web1-do of web1 (undo of steps[web1]/do)',
    );
  });

  test('copes with a step that never ended well, and with one that a person said had happened', async () => {
    const { outputs: _, ...never } = (await snapshotOf(simulatedWorld())) as Record<string, unknown>;
    for (const given of [never, { ...never, outputs: {} }])
      expect(await blockersOf(simulatedWorld(), runUndo, given)).toBe('');
  });

  test('is blocked by what it does not know, before it does anything', async () => {
    const world = simulatedWorld();
    const given = await snapshotOf(world);
    const refused = async (change: object, why: string) => {
      const wrong = { ...given, ...change };
      expect(await blockersOf(world, runUndo, wrong)).toContain(why);
      await expect(runUndo.apply(world.context, wrong, {})).rejects.toThrow(why);
      expect(runUndo.targets(wrong)).toEqual({ reads: [], changes: [] });
      expect(runUndo.describe(wrong)).toContain(`of run ${given.run}`);
    };
    await refused({ action: 'vm.fly' }, 'There is no action vm.fly');
    await refused({ action: 'vm.snapshot.delete' }, 'vm.snapshot.delete has no undo');
    await refused({ inputs: { vm: 3 } }, '`inputs.vm` must be string');
    await refused({ before: { uuid: 'x' } }, '`before`');
    await refused({ before: undefined }, '`before`');
    await refused({ outputs: { snapshot: 1 } }, '`outputs');
    expect(world.vm('web1').snapshots).toHaveLength(1);
  });

  test('an undo that fails is a step that fails', async () => {
    const world = simulatedWorld();
    const inputs = { vm: 'web1', argv: ['true'], undo: ['false'] };
    const { before, outputs } = await applied(world, guestRun, inputs);
    const given = { run: 'r1', step: 's', action: 'guest.run', inputs, before, outputs };
    await expect(runUndo.apply(world.context, given, {})).rejects.toThrow('The undo false in web1 ended with code 1');
  });
});
