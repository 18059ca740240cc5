import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ActionDefinition } from '../../src/actions/action';
import { makePlan, PlanRefused, type PlanRequest } from '../../src/engine/make-plan';
import type { Plan } from '../../src/engine/plan';
import { planHash } from '../../src/engine/plan-hash';
import { missingInputs } from '../../src/engine/plan-inputs';
import { changesText } from '../../src/engine/plan-summary';
import { leavesOf, plannedActions } from '../../src/engine/planned-steps';
import type { MaintenanceWindow, Runbook, Step } from '../../src/runbook/model';
import { secretMark } from '../../src/runbook/secret';
import { each, group, set, testActions, Values, withPointers } from './harness';

const definitions = testActions(new Values(), () => []);

const runbook = (steps: Step[], more: Partial<Runbook> = {}): Runbook => ({
  version: 1,
  name: 'test',
  inputs: {},
  steps: withPointers(steps),
  ...more,
});
const plan = (made: Runbook, more: Partial<PlanRequest> = {}): Plan =>
  makePlan({ runbook: made, action: name => definitions.get(name), ...more }).plan;
const refusal = (...args: Parameters<typeof plan>): string[] => {
  try {
    plan(...args);
  } catch (error) {
    if (error instanceof PlanRefused) return error.problems;
    throw error;
  }
  throw new Error('It was not refused.');
};
const setTo = (target: string, id?: string): Step => set(target, id === undefined ? {} : { id });
const call = (made: Runbook | undefined, given: Record<string, string> = {}, more = {}): Step => ({
  kind: 'call',
  pointer: '',
  uses: './other.runbook.yaml',
  with: given,
  ...(made && { runbook: made }),
  ...more,
});
const keys = (steps: Plan['steps']) => plannedActions(steps).map(step => step.key);

describe('a plan of', () => {
  it('parallel branches has each under its own key', () => {
    const branches: Step[] = [setTo('a', 'a'), group([setTo('b', 'b'), setTo('c', 'c')], { id: 'g' })];
    const made = plan(runbook([{ kind: 'parallel', pointer: '', id: 'p', steps: branches }]));
    expect(made.steps[0]?.kind).toBe('parallel');
    expect(keys(made.steps)).toEqual(['p/a', 'p/g/b', 'p/g/c']);
  });

  it('a call has the steps of the called runbook, planned with its own inputs', () => {
    const called = runbook([setTo('${{ inputs.target }}', 'inner')], {
      name: 'other',
      inputs: { target: { type: 'string' }, size: { type: 'number', default: 2 } },
    });
    const made = plan(
      runbook([call(called, { target: 'x-${{ inputs.target }}' }, { id: 'sub' })], {
        inputs: { target: { type: 'string', default: 'y' } },
      }),
    );
    const [inner] = plannedActions(made.steps);
    expect(inner).toMatchObject({ key: 'sub/inner', title: 'set x-y to 1' });
    expect(made.unknowns).toEqual([]);
  });

  it('a call with inputs that are only known later leaves what depends on them open, and no more', () => {
    const called = runbook(
      [
        setTo('${{ inputs.later }}', 'open'),
        setTo('${{ inputs.now }}', 'known'),
        setTo('${{ inputs["now"] }}', 'whole'),
      ],
      { inputs: { later: { type: 'string' }, now: { type: 'string' } } },
    );
    const made = plan(
      runbook([
        setTo('a', 'a'),
        call(called, { later: '${{ string(steps.a.outputs.now) }}', now: 'n' }, { id: 'sub' }),
      ]),
    );
    expect(plannedActions(made.steps).map(({ title }) => title)).toEqual(['set a to 1', 'open', 'set n to 1', 'whole']);
    expect(made.unknowns).toHaveLength(3);
  });

  it('control steps says what they do', () => {
    const made = plan(
      runbook(
        [
          { kind: 'approve', pointer: '', by: 2, self: true, message: 'Patch ${{ inputs.what }}?' },
          { kind: 'wait', pointer: '', duration: '5m' },
          { kind: 'wait', pointer: '', duration: '${{ inputs.pause }}' },
          { kind: 'assert', pointer: '', condition: '${{ inputs.what != "" }}' },
          { kind: 'pointOfNoReturn', pointer: '', message: 'The old array goes.' },
        ],
        { inputs: { what: { type: 'string', default: 'web' }, pause: { type: 'string', default: '90s' } } },
      ),
    );
    expect(made.steps.map(step => 'estimateSeconds' in step && [step.title, step.estimateSeconds])).toEqual([
      ['approval by 2 people: Patch web?', 0],
      ['wait 5m', 300],
      ['wait 90s', 90],
      ['make sure that inputs.what != ""', 0],
      ['point of no return: The old array goes.', 0],
    ]);
    expect(leavesOf(made.steps, { leftOut: true, anyItem: false })).toHaveLength(5);
  });

  it('finally has the steps of what is begun later first, and of called runbooks that are reached only', () => {
    const inner = runbook([setTo('a')], { finally: withPointers([setTo('i', 'clean')], '/finally') });
    const outer = runbook(
      [call(inner, {}, { id: 'one' }), call(inner, {}, { id: 'two' }), call(inner, {}, { id: 'no', when: false })],
      {
        finally: withPointers([setTo('o', 'clean')], '/finally'),
      },
    );
    const made = plan(outer);
    expect(keys(made.finally ?? [])).toEqual(['two/~finally/clean', 'one/~finally/clean', '~finally/clean']);
    expect(changesText(made)).toBe('Changes VMs a, i, o');
  });

  it('a whole takes the strictest limits and all windows of what it calls', () => {
    const window: MaintenanceWindow = {
      allow: ['22:00-04:00'],
      zone: 'Europe/London',
      outside: 'wait',
      closing: 'drain',
    };
    const other = { ...window, allow: ['Sat 00:00-24:00'] };
    const inner = runbook([setTo('a')], { limits: { perHost: 3, total: 1 }, window: other });
    const made = plan(
      runbook([each(['x'], [call(inner)]), call({ ...inner, window })], {
        limits: { perHost: 2, perProxy: 4 },
        window,
      }),
    );
    expect(made.limits).toEqual({ perHost: 2, perProxy: 4, total: 1 });
    expect(made.windows).toEqual([window, other]);
    const plain = plan(runbook([setTo('a')]));
    expect(['limits', 'windows', 'secrets', 'finally'].filter(name => name in plain)).toEqual([]);
  });

  it('secrets holds their marks and nothing else', () => {
    const inner = runbook([setTo('${{ inputs.key }}')], { inputs: { key: { type: 'secret' } } });
    const made = plan(
      runbook([setTo('${{ inputs.token }}'), call(inner, { key: '${{ inputs.token }}' })], {
        inputs: { token: { type: 'secret', env: 'TOKEN', prompt: 'Token?' } },
      }),
    );
    expect(made.secrets).toEqual(['token']);
    expect(made.inputs).toEqual({ token: secretMark('token') });
    expect(plannedActions(made.steps).map(step => step.inputs.target)).toEqual([
      secretMark('token'),
      secretMark('token'),
    ]);
  });

  it('a canary keeps how many go first', () => {
    const made = plan(runbook([{ ...each(['x', 'y'], [setTo('a')]), canary: 1 } as Step]));
    expect(made.steps[0]).toMatchObject({ kind: 'items', canary: 1 });
  });

  it('what is said of every item, once', () => {
    const made = plan(
      runbook([setTo('a', 'a'), each(['x', 'y', 'z'], [setTo('${{ item + string(steps.a.outputs.now) }}', 'b')])]),
    );
    expect(made.unknowns).toEqual(['forEach#2[x]/b (and 2 more like it): `target` is only known when it is reached.']);
  });

  it('a part keeps what must run at the end', () => {
    const whole = runbook([setTo('a', 'a'), setTo('b', 'b')], { finally: withPointers([setTo('c', 'c')], '/finally') });
    expect(keys(plan(whole, { only: 'b' }).finally ?? [])).toEqual(['~finally/c']);
    const needy = { ...whole, finally: withPointers([setTo('${{ string(steps.a.outputs.now) }}', 'c')], '/finally') };
    expect(refusal(needy, { only: 'b' })[0]).toContain('c needs the outputs of a, which would not run');
  });
});

describe('a plan is refused', () => {
  it('when a called runbook was not read, or does not get what it needs', () => {
    expect(refusal(runbook([call(undefined)]))[0]).toContain('./other.runbook.yaml that it calls has not been read');
    const called = runbook([setTo('a')], { name: 'other', inputs: { n: { type: 'number' } } });
    const problems = refusal(runbook([call(called, { m: 'x' }, { id: 'sub' })]));
    expect(problems).toEqual([
      'sub: The runbook other has no input m. It has n.',
      'sub: The input n (number) of other has no value: it has no default, and `with` gives none.',
    ]);
    expect(refusal(runbook([call(called, { n: 'five' })]))[0]).toContain('must be a number');
  });

  it('not for what is in a part that is left out', () => {
    const made = plan(
      runbook([
        group([setTo('${{ inputs.none }}'), call(undefined, {}, { when: false })].slice(0, 1), { when: 'false' }),
      ]),
    );
    expect(made.steps[0]?.when).toBe(false);
  });

  it('when a secret is given as a value, which would be written down', () => {
    const made = runbook([setTo('a')], { inputs: { token: { type: 'secret' } } });
    const [problem] = refusal(made, { inputs: { token: 'hunter22' } });
    expect(problem).toContain('VIRTBOOK_SECRET_TOKEN');
    expect(problem).not.toContain('hunter22');
  });

  it('when a wait lasts no time', () => {
    expect(refusal(runbook([{ kind: 'wait', pointer: '', duration: '${{ "soon" }}' }]))[0]).toContain('no duration');
  });
});

describe('missing inputs', () => {
  it('are those without a value that a person could give', () => {
    const made = runbook([], {
      inputs: {
        reason: { type: 'string', prompt: 'Why?' },
        n: { type: 'number', default: 1 },
        token: { type: 'secret' },
        given: { type: 'string' },
      },
    });
    expect(missingInputs(made, { given: 'x' })).toEqual([
      { name: 'reason', definition: { type: 'string', prompt: 'Why?' } },
    ]);
  });
});

describe('the hash', () => {
  it('is that of the canonical JSON, whatever the plan', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), value => {
        const text = canonicalize(value)!;
        expect(planHash(value as unknown as Plan)).toBe(bytesToHex(sha256(utf8ToBytes(text))));
      }),
      { numRuns: 300 },
    );
    const long = {
      steps: Array.from({ length: 5_000 }, (_, at) => ({ key: `k${at}`, text: 'ä'.repeat(20), no: undefined })),
    };
    expect(planHash(long as unknown as Plan)).toBe(bytesToHex(sha256(utf8ToBytes(canonicalize(long)!))));
  });
});

describe('planning', () => {
  it('asks no more of an action per item when there are more items', () => {
    const calls = (count: number): number => {
      let asked = 0;
      const counting = (definition: ActionDefinition): ActionDefinition => ({
        ...definition,
        targets: given => {
          asked++;
          return definition.targets(given);
        },
        describe: given => {
          asked++;
          return definition.describe(given);
        },
      });
      const vms = Array.from({ length: count }, (_, at) => `vm${at}`);
      const steps = [
        each('${{ inputs.vms }}' as never, [setTo('${{ item }}', 'a'), set('${{ item }}', { when: 'item != "vm3"' })]),
      ];
      plan(runbook(steps, { inputs: { vms: { type: 'list', default: vms } }, limits: { total: 3 } }), {
        action: name => counting(definitions.get(name)!),
      });
      return asked / count;
    };
    expect(calls(300)).toBe(calls(30));
  });

  it('looks at a long list of inputs once, not once per item', () => {
    let reads = 0;
    const vms = Array.from({ length: 200 }, (_, at) => `vm${at}`);
    const watched = new Proxy(vms, {
      get(target, name, receiver) {
        if (typeof name === 'string' && /^\d+$/.test(name)) reads++;
        return Reflect.get(target, name, receiver) as unknown;
      },
    });
    const steps = [each('${{ inputs.vms }}' as never, [setTo('${{ item + inputs.x }}', 'a')])];
    plan(runbook(steps, { inputs: { vms: { type: 'list', default: watched }, x: { type: 'string', default: 'x' } } }));
    expect(reads).toBeLessThan(vms.length * 20);
  });
});
