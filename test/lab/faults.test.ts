import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { faultsOf, type Outcome, rehearsed, type SimulatedStrike } from './fault-rehearsal';
import { FaultWorld, type SeenWorld } from './fault-world';
import type { Vm } from './lab';
import { until } from './processes';

/**
 * The same fault on real hosts and in a rehearsal: the run must end the same way, with the same class of failure, and with the inventory
 * in the same place. Where it ends is written down here too, so that both can't be wrong together.
 */

// Emulated guests on a busy machine are slow; what hangs is still told from what is slow.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const faults = [
  'kill QEMU',
  'kill libvirtd',
  'cut the network',
  'fill the datastore',
  'hang the agent',
  'kill the runner',
] as const;
type Fault = (typeof faults)[number];

/** Where a fault can't strike, and why. */
const beside: Record<string, Partial<Record<Fault, string>>> = {
  'vm.migrate': { 'hang the agent': 'A migration asks the agent nothing, so there is no call of it that could fail.' },
};

interface Case {
  fault: Fault;
  /** Which, where there are several. */
  detail?: string;
  /** Steps of the runbook; the first one is struck. */
  steps: string;
  vm: () => Vm;
  /** Brings the world to the moment of the fault; called before the run. Gives what is done once the run has begun. */
  strike: () => Promise<(run: string) => Promise<void>>;
  /** The same in the simulation. */
  simulated: SimulatedStrike;
  outcome: Outcome;
  /** What the step does when it is done, for outcomes where it is. */
  done?: (before: SeenWorld) => SeenWorld;
  /** Puts back what the fault or the step did. */
  restore?: (run: string) => Promise<void>;
}

let world: FaultWorld;
let patchWorld: FaultWorld;
/** How each patch ends, by its fault. */
const patching = new Map<Fault, Promise<void>>();
let web1: Vm;
let data1: Vm;

beforeAll(async () => {
  patchWorld = await FaultWorld.start();
  const app1 = await patchWorld.makeVm({ name: 'app1', guest: 'debian', pool: { small: 256 } });
  await app1.guestExec('ln -sfn v11 /srv/repo/current; sync');
  let last: Promise<unknown> = Promise.resolve();
  for (const one of patches(patchWorld, app1)) {
    const played = last.then(() => play(patchWorld, 'guest.patch', one));
    patching.set(one.fault, played);
    last = played.catch(() => undefined);
  }
  world = await FaultWorld.start();
  web1 = await world.makeVm({ name: 'web1', guest: 'tiny', pool: 'shared' });
  data1 = await world.makeVm({ name: 'data1', guest: 'tiny', pool: { small: 64 } });
  for (const [vm, size] of [
    [web1, 30],
    [data1, 12],
  ] as const)
    await vm.guestExec(`dd if=/dev/urandom of=/data/blob bs=1M count=${size} 2>/dev/null; sync`);
});
afterAll(async () => {
  await Promise.all([world?.stop(), patchWorld?.stop()]);
});

function strikeWith(cases: readonly Case[], action: string): void {
  it('every fault strikes, or it is said why it can not', () => {
    const struck = new Set<string>(cases.map(one => one.fault));
    for (const fault of faults) expect(struck.has(fault), fault).toBe(beside[action]?.[fault] === undefined);
  });
  for (const one of cases) it(nameOf(one), () => play(world, action, one));
}

function nameOf({ fault, detail }: Case): string {
  return [fault, detail].filter(Boolean).join(' ');
}

async function play(world: FaultWorld, action: string, one: Case): Promise<void> {
  const name = `${action}-${nameOf(one)}`.toLowerCase().replace(/[^a-z]+/g, '-');
  const { virtbook } = world;
  const before = await world.look();
  const file = virtbook.write(name, one.steps);
  const { plan, planHash, inventory } = await world.captured(file);
  const begin = await one.strike();
  const run = await virtbook.start(file);
  try {
    await begin(run);
    const { asked } = await world.end(run);
    const [submitted] = virtbook.journal(run);
    if (submitted?.type !== 'run.submitted') throw new Error('the journal begins with no submission');
    expect(submitted.planHash).toBe(planHash);
    const expected = await rehearsed(plan, inventory, one.simulated);
    const after = await world.look();
    const real = outcomeOf(world, run, asked, before, after, one);
    if (process.env.FAULTS) console.log(name, JSON.stringify({ real, expected }), JSON.stringify(ending(world, run)));
    expect(real, JSON.stringify({ ending: ending(world, run), before, after }, undefined, 1)).toEqual(one.outcome);
    expect(expected, 'the rehearsal').toEqual(one.outcome);
  } finally {
    await world.source.restoreNetwork();
    await world.slowReader(false);
    // Only after a failure: what it left must not fail the others too.
    if (virtbook.end(run) === 'needs-operator') await virtbook.command('rollback', run);
    if ((await one.vm().state()) === 'shut off') await one.vm().start();
    await one.restore?.(run);
    await one.vm().waitAgent();
  }
  expect(await world.look()).toEqual(before);
}

function ending(world: FaultWorld, run: string) {
  return world.virtbook.journal(run).filter(record => /failed|ended|question/.test(record.type));
}

function outcomeOf(
  world: FaultWorld,
  run: string,
  asked: boolean,
  before: SeenWorld,
  after: SeenWorld,
  one: Case,
): Outcome {
  const ended = world.virtbook.journal(run).findLast(record => record.type === 'run.ended');
  if (ended?.type !== 'run.ended') throw new Error(`${run} has not ended`);
  const lost = Object.entries(after.vms)
    .filter(([name, vm]) => vm.guest === 'off' && before.vms[name]!.guest !== 'off')
    .map(([name]) => name);
  const same = (goal: SeenWorld): boolean => {
    const but = structuredClone(goal);
    for (const name of lost) {
      const vm = but.vms[name]!;
      Object.assign(vm, { on: vm.on.map(on => on.replace('running', 'shut off')), guest: 'off', job: '', labapp: '' });
    }
    return JSON.stringify(but) === JSON.stringify(after);
  };
  return {
    status: ended.status,
    ...(ended.failure && { failure: ended.failure.class }),
    ...(asked && { asked: true }),
    inventory: same(before) ? 'back' : one.done && same(one.done(before)) ? 'done' : 'left',
    ...(lost.length > 0 && { lost }),
  };
}

const killRunner = async (world: FaultWorld, run: string): Promise<void> => {
  await world.virtbook.killRunner(run);
  const resumed = await world.virtbook.command('resume', run, '--detach');
  expect(resumed, resumed.stdout + resumed.stderr).toMatchObject({ code: 0 });
};
const rollBack = async (run: string): Promise<void> => {
  if (world.virtbook.end(run) !== 'done') return;
  const back = await world.virtbook.command('rollback', run);
  expect(back, back.stdout + back.stderr).toMatchObject({ code: 1 });
};
const empty = async (): Promise<void> => {
  await world.source.emptyDatastore();
  await world.target.emptyDatastore();
};
/** The agent of the guest hangs in the middle of the freeze, and comes to when everybody has given up on it. */
const agentHangs = '(sleep 24; killall -CONT qemu-ga) > /dev/null 2>&1 & killall -STOP qemu-ga; sleep 1';

const failedBack: Outcome = { status: 'rolled-back', failure: 'failed', inventory: 'back' };
const unreachableBack: Outcome = { status: 'rolled-back', failure: 'unreachable', inventory: 'back' };
const finished: Outcome = { status: 'done', inventory: 'done' };
const halfway = { do: 'fault', fault: { kind: 'fail-halfway' } } as const;
const lostVm = { do: 'fault', fault: { kind: 'vm-lost' } } as const;
const full = { do: 'fault', fault: { kind: 'datastore-full' } } as const;
const silent = { do: 'fault', fault: { kind: 'agent-silent' } } as const;
const unknown = (happened: boolean) => ({ do: 'fault', fault: { kind: 'unknown', happened } }) as const;

describe('vm.snapshot', () => {
  const at = 'snapshots.create';
  const snapshot = (vm: string) => `
- uses: vm.snapshot
  with: { vm: ${vm}, name: before, quiesce: require }
`;
  /** Strikes while the guest is about to be frozen, which takes `seconds`. */
  const freezing =
    (vm: () => Vm, hold: string, strike: (run: string) => Promise<void>): Case['strike'] =>
    async () => {
      const held = await world.holdFreeze(vm(), hold);
      return async run => {
        await held();
        await strike(run);
      };
    };
  const cases: Case[] = [
    {
      fault: 'kill QEMU',
      steps: snapshot('web1'),
      vm: () => web1,
      strike: freezing(
        () => web1,
        'sleep 5',
        () => web1.killQemu(),
      ),
      simulated: { at, how: lostVm },
      outcome: { ...failedBack, lost: ['web1'] },
    },
    {
      fault: 'kill libvirtd',
      steps: snapshot('web1'),
      vm: () => web1,
      strike: freezing(
        () => web1,
        'sleep 3',
        () => world.restartLibvirtd(world.source),
      ),
      simulated: { at, how: halfway },
      outcome: unreachableBack,
    },
    {
      fault: 'cut the network',
      steps: snapshot('web1'),
      vm: () => web1,
      strike: freezing(
        () => web1,
        'sleep 3',
        run => world.cutFrom(run, world.source),
      ),
      // The host goes on and finishes it, but nobody hears whether the freeze held.
      simulated: { at, how: unknown(true) },
      outcome: { status: 'rolled-back', failure: 'unknown', asked: true, inventory: 'back' },
    },
    {
      fault: 'fill the datastore',
      steps: snapshot('data1'),
      vm: () => data1,
      strike: freezing(
        () => data1,
        'sleep 3',
        () => world.source.fillDatastore(),
      ),
      simulated: { at, how: full },
      outcome: failedBack,
      restore: empty,
    },
    {
      fault: 'hang the agent',
      steps: snapshot('web1'),
      vm: () => web1,
      strike: freezing(
        () => web1,
        agentHangs,
        async () => undefined,
      ),
      simulated: { at, how: silent },
      outcome: failedBack,
    },
    {
      fault: 'kill the runner',
      steps: snapshot('web1'),
      vm: () => web1,
      strike: freezing(
        () => web1,
        'sleep 3',
        run => killRunner(world, run),
      ),
      simulated: { at, how: { do: 'kill' } },
      outcome: { status: 'rolled-back', failure: 'unknown', asked: true, inventory: 'back' },
    },
  ];
  strikeWith(cases, 'vm.snapshot');
});

describe('vm.migrate', () => {
  const at = 'migration.migrate';
  const move = (vm: string, bandwidth: number) => `
- uses: vm.migrate
  with: { vm: ${vm}, to: hv2, autoConverge: false, bandwidth: ${bandwidth} }
`;
  const moving = (strike: (run: string) => Promise<void>): Case['strike'] => {
    const progress = (run: string) => world.virtbook.waitFor(run, 'the move', one => one.type === 'step.progress');
    return async () => async run => {
      await progress(run);
      await strike(run);
    };
  };
  const cases: Case[] = [
    {
      fault: 'kill QEMU',
      steps: move('web1', 16),
      vm: () => web1,
      strike: moving(() => web1.killQemu()),
      simulated: { at, how: lostVm },
      outcome: { ...failedBack, lost: ['web1'] },
    },
    {
      fault: 'kill libvirtd',
      steps: move('web1', 16),
      vm: () => web1,
      strike: moving(() => world.restartLibvirtd(world.source)),
      simulated: { at, how: unknown(false) },
      outcome: unreachableBack,
    },
    {
      fault: 'kill libvirtd',
      detail: 'while the disk is copied',
      steps: move('data1', 2),
      vm: () => data1,
      strike: moving(() => world.restartLibvirtd(world.source)),
      simulated: { at, how: unknown(false) },
      outcome: unreachableBack,
    },
    {
      fault: 'cut the network',
      steps: move('web1', 16),
      vm: () => web1,
      strike: moving(run => world.cutFrom(run, world.source)),
      simulated: { at, how: unknown(false) },
      outcome: unreachableBack,
    },
    {
      fault: 'fill the datastore',
      detail: 'that the disk is copied to',
      steps: move('data1', 2),
      vm: () => data1,
      strike: moving(() => world.target.fillDatastore()),
      simulated: { at, how: full },
      outcome: failedBack,
      restore: empty,
    },
    {
      fault: 'kill the runner',
      steps: move('web1', 16),
      vm: () => web1,
      strike: moving(run => killRunner(world, run)),
      simulated: { at, how: { do: 'kill', halfway: true } },
      outcome: finished,
      done: before => changed(before, 'web1', { on: ['hv2: running'] }),
      restore: rollBack,
    },
  ];
  strikeWith(cases, 'vm.migrate');

  it('is not struck by a silent agent in a rehearsal either', async () => {
    const { inventory, plan } = await world.captured(world.virtbook.write('move', move('web1', 16)));
    expect(await faultsOf(plan, inventory)).not.toContain('agent-silent');
  });
});

describe('backup.image', () => {
  const backup = (vm: string) => `
- uses: backup.image
  with: { vm: ${vm}, proxy: px1, quiesce: require }
`;
  /** Strikes in the middle of the reading. */
  const reading =
    (strike: (run: string) => Promise<void>): Case['strike'] =>
    async () => {
      await world.slowReader(true);
      return async run => {
        await world.reading();
        await strike(run);
        await world.slowReader(false);
      };
    };
  const at = 'proxy.readImage';
  const cases: Case[] = [
    {
      fault: 'kill QEMU',
      steps: backup('web1'),
      vm: () => web1,
      strike: reading(() => web1.killQemu()),
      simulated: { at, how: lostVm },
      outcome: { ...failedBack, lost: ['web1'] },
    },
    {
      fault: 'kill libvirtd',
      steps: backup('web1'),
      vm: () => web1,
      // The image is read without it; it is missed when the export is to be ended.
      strike: reading(run =>
        world.restartLibvirtd(world.source, () =>
          world.virtbook.waitFor(run, 'the failure', record => record.type === 'step.failed'),
        ),
      ),
      simulated: { at: 'imageBackup.end', how: unknown(false) },
      outcome: unreachableBack,
    },
    {
      fault: 'cut the network',
      steps: backup('web1'),
      vm: () => web1,
      strike: reading(run => world.cutFrom(run, world.source)),
      simulated: { at, how: halfway },
      outcome: unreachableBack,
    },
    {
      fault: 'fill the datastore',
      detail: 'of the VM',
      steps: backup('data1'),
      vm: () => data1,
      strike: async () => {
        const held = await world.holdFreeze(data1, 'sleep 3');
        return async () => {
          await held();
          await world.source.fillDatastore();
        };
      },
      simulated: { at: 'imageBackup.begin', how: full },
      outcome: failedBack,
      restore: empty,
    },
    {
      fault: 'fill the datastore',
      detail: 'of the proxy',
      steps: backup('web1'),
      vm: () => web1,
      strike: reading(() => world.fillProxy()),
      simulated: { at, how: full },
      outcome: failedBack,
      restore: () => world.emptyProxy(),
    },
    {
      fault: 'hang the agent',
      steps: backup('web1'),
      vm: () => web1,
      strike: async () => world.holdFreeze(web1, agentHangs),
      simulated: { at: 'imageBackup.begin', how: silent },
      outcome: failedBack,
    },
    {
      fault: 'kill the runner',
      steps: backup('web1'),
      vm: () => web1,
      strike: reading(run => killRunner(world, run)),
      simulated: { at, how: { do: 'kill', halfway: true } },
      outcome: finished,
      done: before => ({ ...before, backups: ['', '/manifest.json', '/vda.qcow2'].map(file => `BACKUP${file}`) }),
      restore: rollBack,
    },
  ];
  strikeWith(cases, 'backup.image');
});

/** In a world of its own, so that they go on beside the others: emulated Debian takes its time. */
function patches(world: FaultWorld, app1: Vm): Case[] {
  const patch = `
- uses: guest.patch
  with: { vm: app1, packages: [labapp] }
`;
  const upgrading =
    (strike: (run: string) => Promise<void>): Case['strike'] =>
    async () =>
    async run => {
      const message = 'upgrading labapp';
      await world.virtbook.waitFor(run, message, one => one.type === 'step.progress' && one.message === message);
      await until('apt at work in app1', 60_000, async () => {
        const found = await app1.guestExec("grep -lz '[-]-only-upgrade' /proc/[0-9]*/cmdline");
        return found.stdout === '' ? undefined : true;
      });
      await strike(run);
    };
  const done = (before: SeenWorld) => changed(before, 'app1', { labapp: '1.1 installed' });
  const goBack = async (): Promise<void> => {
    await app1.waitAgent();
    const back = await app1.guestExec('dpkg -i /srv/repo/v10/labapp_*.deb');
    expect(back.stdout + back.stderr).toContain('labapp (1.0)');
  };
  const vm = () => app1;
  const at = 'guestAgent.exec';
  return [
    {
      fault: 'kill QEMU',
      steps: patch,
      vm,
      strike: upgrading(() => app1.killQemu()),
      simulated: { at, nth: 2, how: lostVm },
      outcome: failedBack,
    },
    {
      fault: 'kill libvirtd',
      steps: patch,
      vm,
      strike: upgrading(() => world.restartLibvirtd(world.source)),
      simulated: { at, nth: 2, how: unknown(true) },
      outcome: finished,
      done,
      restore: goBack,
    },
    {
      fault: 'cut the network',
      steps: patch,
      vm,
      strike: upgrading(run => world.cutFrom(run, world.source)),
      simulated: { at, nth: 2, how: unknown(true) },
      outcome: finished,
      done,
      restore: goBack,
    },
    {
      fault: 'fill the datastore',
      steps: patch,
      vm,
      strike: async () => {
        const held = await world.holdFreeze(app1, 'sleep 3');
        return async () => {
          await held();
          await world.source.fillDatastore();
        };
      },
      simulated: { at: 'snapshots.create', how: full },
      outcome: failedBack,
      restore: () => world.source.emptyDatastore(),
    },
    {
      fault: 'hang the agent',
      steps: patch,
      vm,
      strike: upgrading(() => app1.hangAgent()),
      simulated: { at, nth: 2, how: { do: 'fault', fault: { kind: 'agent-silent', happened: true } } },
      // apt may go on in the guest, where nobody can look.
      outcome: { status: 'rolled-back', failure: 'unknown', asked: true, inventory: 'back' },
    },
    {
      fault: 'kill the runner',
      steps: patch,
      vm,
      strike: upgrading(run => killRunner(world, run)),
      simulated: { at, nth: 2, how: { do: 'kill' } },
      outcome: finished,
      done,
      restore: goBack,
    },
  ];
}

describe('guest.patch', () => {
  for (const fault of faults) {
    it(fault, async () => {
      expect(patching.has(fault)).toBe(true);
      await patching.get(fault);
    });
  }
});

function changed(before: SeenWorld, vm: string, change: Partial<SeenWorld['vms'][string]>): SeenWorld {
  return { ...before, vms: { ...before.vms, [vm]: { ...before.vms[vm]!, ...change } } };
}
