import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Target } from '../../src/actions/action';
import { Admission } from '../../src/engine/admission';
import { keysOf, makeGate, type Whereabouts } from '../../src/engine/limits';
import type { Claim } from '../../src/engine/world';
import type { Limits } from '../../src/runbook/model';
import { testActions, Values } from './harness';

const definition = testActions(new Values(), () => []).get('t.set')!;
const claim = (...changes: Target[]): Claim => ({
  key: 'k',
  definition,
  inputs: {},
  targets: { reads: [], changes },
});
const vm = (name: string): Target => ({ kind: 'vm', name });

/** Who holds what, checked at every step against what may be held. */
interface Visit {
  keys: string[];
  number: number;
  in: boolean;
  out: boolean;
  gone: boolean;
}

const visits = fc.array(
  fc.record({
    keys: fc.uniqueArray(fc.constantFrom('host a', 'host b', 'host c', 'datastore x', 'datastore y', 'total'), {
      minLength: 1,
    }),
    /** How many of those that are in leave before the next one comes. */
    leaving: fc.integer({ min: 0, max: 3 }),
    withdraws: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40 },
);
const capacities = fc.record({
  host: fc.integer({ min: 1, max: 3 }),
  datastore: fc.integer({ min: 1, max: 3 }),
  total: fc.integer({ min: 1, max: 5 }),
});

describe('admission', () => {
  it('never lets in more than a key takes, lets everyone in, and equal ones in order', () => {
    fc.assert(
      fc.property(visits, capacities, fc.nat(), (plan, capacity, seed) => {
        const capacityOf = (key: string) => capacity[key.split(' ')[0] as keyof typeof capacity];
        const admission = new Admission(capacityOf);
        const all: Visit[] = [];
        const tickets = new Map<Visit, ReturnType<Admission['enter']>>();
        const entered: Visit[] = [];
        const check = () => {
          const held = new Map<string, number>();
          for (const visit of all.filter(one => one.in && !one.out))
            for (const key of visit.keys) held.set(key, (held.get(key) ?? 0) + 1);
          for (const [key, count] of held) expect(count).toBeLessThanOrEqual(capacityOf(key));
        };
        let random = seed;
        const leaveOne = (): boolean => {
          const inside = all.filter(one => one.in && !one.out);
          if (inside.length === 0) return false;
          random = (random * 1103515245 + 12345) % 2 ** 31;
          const visit = inside[random % inside.length]!;
          visit.out = true;
          admission.leave(tickets.get(visit)!);
          check();
          return true;
        };
        for (const { keys, leaving, withdraws } of plan) {
          const visit: Visit = { keys, number: all.length, in: false, out: false, gone: false };
          all.push(visit);
          tickets.set(
            visit,
            admission.enter(keys, () => {
              visit.in = true;
              entered.push(visit);
            }),
          );
          check();
          for (let count = 0; count < leaving; count++) leaveOne();
          const waiting = all.filter(one => !one.in && !one.gone);
          if (withdraws && waiting.length > 1) {
            const one = waiting[Math.floor(waiting.length / 2)]!;
            one.gone = admission.withdraw(tickets.get(one)!);
            expect(one.gone).toBe(true);
            check();
          }
        }
        // No deadlock: as long as someone waits, someone is in and can leave.
        while (leaveOne())
          expect(all.some(one => !one.in && !one.gone) ? all.some(o => o.in && !o.out) : true).toBe(true);
        for (const visit of all) expect(visit.in || visit.gone).toBe(true);
        const lines = new Map<string, number[]>();
        for (const { keys, number } of entered) {
          const line = [...keys].sort().join();
          lines.set(line, [...(lines.get(line) ?? []), number]);
        }
        for (const numbers of lines.values()) expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });

  it('lets others pass one that waits for another key', () => {
    const admission = new Admission(key => (key.startsWith('host') ? 1 : 2));
    const order: string[] = [];
    const enter = (name: string, host: string) =>
      admission.enter([`host ${host}`, 'datastore x'], () => order.push(name));
    enter('a1', 'a');
    enter('a2', 'a');
    enter('b1', 'b');
    expect(order).toEqual(['a1', 'b1']);
  });

  it('starves nobody: who needs two keys is not passed by for ever', () => {
    const admission = new Admission(() => 1);
    let isIn = false;
    let a = admission.enter(['a'], () => undefined);
    admission.enter(['a', 'b'], () => {
      isIn = true;
    });
    let rounds = 0;
    let b = admission.enter(['b'], () => undefined);
    // Ever more of those that need one key come, and leave in turn, so that a and b are never free together.
    while (!isIn && rounds++ < 20) {
      const nextA = admission.enter(['a'], () => undefined);
      admission.leave(a);
      a = nextA;
      const nextB = admission.enter(['b'], () => undefined);
      admission.leave(b);
      b = nextB;
    }
    expect(rounds).toBeLessThan(5);
  });
});

describe('the keys of an effect', () => {
  it('are its targets and the places where they are, as far as a limit counts on them', () => {
    const place: Whereabouts = { connection: 'c1', host: 'hv1', datastores: ['d1', 'd2'] };
    const targets: Target[] = [vm('web1'), { kind: 'host', name: 'hv2' }, { kind: 'proxy', name: 'p1' }];
    const whereIs = ({ kind }: Target): Whereabouts => (kind === 'vm' ? place : { connection: 'c2', host: 'hv2' });
    const all: Limits = { perHost: 1, perDatastore: 1, perProxy: 1, perConnection: 1, total: 1 };
    expect(keysOf(all, targets, whereIs).sort()).toEqual([
      'connection c1',
      'connection c2',
      'datastore d1',
      'datastore d2',
      'host hv1',
      'host hv2',
      'proxy p1',
      'total',
    ]);
    expect(keysOf({ perProxy: 1 }, targets, whereIs)).toEqual(['proxy p1']);
  });
});

describe('the gate', () => {
  const places: Record<string, Whereabouts> = { a1: { host: 'a' }, a2: { host: 'a' }, b1: { host: 'b' } };

  it('looks places up only for limits that count on them', async () => {
    let looks = 0;
    const whereIs = async ({ name }: Target) => {
      looks++;
      return places[name] ?? {};
    };
    for (const limits of [{ total: 1 }, { perProxy: 1 }]) (await makeGate(limits, whereIs).enter(claim(vm('a1'))))();
    expect(looks).toBe(0);
    (await makeGate({ perHost: 1 }, whereIs).enter(claim(vm('a1'))))();
    expect(looks).toBe(1);
  });

  it('lets one after another act on a host, and different hosts side by side', async () => {
    const gate = makeGate({ perHost: 1 }, async ({ name }) => places[name] ?? {});
    const order: string[] = [];
    const enter = (name: string) =>
      gate.enter(claim(vm(name))).then(leave => {
        order.push(name);
        return leave;
      });
    const [first, second, third] = [enter('a1'), enter('a2'), enter('b1')];
    const leave = await first;
    await third;
    expect(order).toEqual(['a1', 'b1']);
    leave();
    // Leaving twice is leaving once.
    leave();
    (await second)();
    expect(order).toEqual(['a1', 'b1', 'a2']);
  });

  it('is left by who is aborted while waiting, who then blocks nobody', async () => {
    const gate = makeGate({ total: 1 }, async () => ({}));
    const leave = await gate.enter(claim(vm('a1')));
    const controller = new AbortController();
    const waiting = gate.enter(claim(vm('a2')), controller.signal);
    const behind = gate.enter(claim(vm('b1')));
    await undefined;
    controller.abort(new Error('Enough.'));
    await expect(waiting).rejects.toThrow('Enough.');
    leave();
    (await behind)();
    await expect(gate.enter(claim(vm('a2')), controller.signal)).rejects.toThrow('Enough.');
  });

  it('lets what can not be found through, for its action to say so', async () => {
    const gate = makeGate({ perHost: 1 }, () => Promise.reject(new Error('There is no such VM.')));
    (await gate.enter(claim(vm('a1'))))();
  });
});
