import { describe, expect, it } from 'vitest';
import { planText } from '../../src/cli/plan-text';
import type { Terminal } from '../../src/cli/terminal';
import { makePlan } from '../../src/engine/make-plan';
import { timetableOf } from '../../src/engine/timetable';
import type { Runbook, Step } from '../../src/runbook/model';
import {
  approve,
  call,
  each,
  group,
  noReturn,
  parallel,
  set,
  testActions,
  Values,
  wait,
  withPointers,
} from '../engine/harness';

const definitions = testActions(new Values(), () => []);
const terminal: Terminal = {
  live: false,
  interactive: false,
  color: false,
  unicode: true,
  columns: () => 80,
  write: () => undefined,
};
const text = (steps: Step[], more: Partial<Runbook> = {}): string => {
  const { plan } = makePlan({
    runbook: { version: 1, name: 'test', inputs: {}, steps: withPointers(steps), ...more },
    action: name => definitions.get(name),
  });
  const whereIs = ({ name }: { name: string }) => ({ host: name === 'c' ? 'hv2' : 'hv1', datastores: ['nas'] });
  return planText(plan, 'a'.repeat(64), terminal, { timetable: timetableOf(plan, { whereIs }) });
};

describe('the text of a plan', () => {
  it('shows every kind of step, what they may do at once, and when each would run', () => {
    const steps = [
      approve({ by: 2, self: false, expires: '24h', message: 'All of it?' }),
      { ...parallel([set('a'), set('b'), group([set('c')], { id: 'g' })]), name: 'At once' } as Step,
      wait('5m'),
      call([set('d', { id: 'inner' })], { id: 'sub' }),
      { ...each(['x', 'y', 'z'], [set('${{ item }}')], { batch: 2, maxFailures: 1 }), canary: 1 } as Step,
    ];
    expect(
      text(steps, {
        inputs: { token: { type: 'secret' }, own: { type: 'secret', env: 'OWN' } },
        limits: { perHost: 1, total: 5 },
      }),
    ).toBe(`test  plan aaaaaaaaaaaa
  token = ‹secret token› from VIRTBOOK_SECRET_TOKEN, or asked for
  own = ‹secret own› from OWN, or asked for
Limits: at most 1 per host, 5 in all.

  1. approval by 2 people, not by who starts it, within 1d: All of it?
  2. At once (side by side)
     1. set a to 1  t.set
        undo: set a back to what it was
     2. set b to 1  t.set
        undo: set b back to what it was
     3. parallel#2/g
        1. set c to 1  t.set
           undo: set c back to what it was
  3. wait 5m
  4. sub  ./called.runbook.yaml
     1. set d to 1  t.set
        undo: set d back to what it was
  5. for 3 items as item, 2 at once, the first 1 before all others, up to 1 may fail
     x
       1. set x to 1  t.set
          undo: set x back to what it was
     y
       1. set y to 1  t.set
          undo: set y back to what it was
     z
       1. set z to 1  t.set
          undo: set z back to what it was

Timetable, if every step takes as long as estimated:
  from  to    step                                                               on
  0:00  0:00  approval by 2 people, not by who starts it, within 1d: All of it?
  0:00  0:01  set a to 1                                                         hv1, nas
  0:00  0:01  set c to 1                                                         hv2, nas
  0:01  0:02  set b to 1                                                         hv1, nas
  0:02  5:02  wait 5m
  5:02  5:03  set d to 1                                                         hv1, nas
  5:03  5:04  set x to 1                                                         hv1, nas
  5:04  5:05  set y to 1                                                         hv1, nas
  5:05  5:06  set z to 1                                                         hv1, nas
At most 2 steps at once: hv1 1, hv2 1; datastore nas 2.

Changes VMs a, b, c, d, x, y, z. About 5 min 06 s in all.
`);
  });

  it('says where there is no way back any more, and offers none after it', () => {
    const shown = text([set('a'), noReturn({ message: 'The old array goes.' }), set('b')], {
      finally: withPointers([set('c')], '/finally'),
    });
    expect(shown).toContain(`  2. point of no return: The old array goes.
     After this nothing is undone: when a step fails, the run can only go on or stop there.
  3. set b to 1  t.set

At the end, whatever became of it, and not undone:
  1. set c to 1  t.set

Changes VMs a, b, c. About 3.0 s in all.
After "point of no return: The old array goes." nothing is undone.
`);
  });

  it('has no timetable where everything goes one after another', () => {
    expect(text([set('a'), set('b')])).not.toContain('Timetable');
  });
});
