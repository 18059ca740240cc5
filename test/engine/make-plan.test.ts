import { describe, expect, it } from 'vitest';
import { makePlan, PlanRefused } from '../../src/engine/make-plan';
import { planHash } from '../../src/engine/plan-hash';
import { inputFromText } from '../../src/engine/plan-inputs';
import { plannedActions } from '../../src/engine/planned-steps';
import type { Inventory } from '../../src/inventory/model';
import type { InputDefinition, Step } from '../../src/runbook/model';
import { each, group, set, testActions, Values, withPointers } from './harness';

const definitions = testActions(new Values(), () => []);
const inventory: Inventory = {
  version: 1,
  connections: {
    hv1: { type: 'libvirt', uri: 'qemu:///system', tags: ['edge'] },
    lab: { type: 'simulated', lab: 'x', tags: ['edge'] },
  },
  groups: { web: { vms: ['web1', 'web2'], hosts: ['hv1'] } },
  proxies: {},
  vms: { web1: { tags: ['shop'] }, db1: { tags: ['shop'] } },
};

interface Request {
  inputs?: Record<string, InputDefinition>;
  given?: Parameters<typeof makePlan>[0]['inputs'];
  only?: string;
  from?: string;
}

const plan = (steps: Step[], { inputs = {}, given, only, from }: Request = {}) =>
  makePlan({
    runbook: { version: 1, name: 'test', inputs, steps: withPointers(steps) },
    inventory,
    hosts: { lab: ['lab1', 'lab2'] },
    action: name => definitions.get(name),
    ...(given && { inputs: given }),
    ...(only !== undefined && { only }),
    ...(from !== undefined && { from }),
  });
const refusal = (...args: Parameters<typeof plan>) => {
  try {
    plan(...args);
  } catch (error) {
    if (error instanceof PlanRefused) return error.problems;
    throw error;
  }
  throw new Error('It was not refused.');
};
const expression = (text: string, id?: string): Step =>
  ({ ...set('x', id ? { id } : {}), with: { target: text, value: 1 } }) as Step;

describe('a plan', () => {
  it('is equal for equal runbooks, whatever the order of keys, and differs by any value', () => {
    const one = plan([set('a', { value: 1 })]);
    expect(plan([set('a', { value: 1 })]).hash).toBe(one.hash);
    const reordered = JSON.parse(
      JSON.stringify(one.plan, (_key, value: unknown) =>
        value && typeof value === 'object' && !Array.isArray(value)
          ? Object.fromEntries(Object.entries(value).reverse())
          : value,
      ),
    ) as typeof one.plan;
    expect(planHash(reordered)).toBe(one.hash);
    expect(plan([set('a', { value: 2 })]).hash).not.toBe(one.hash);
    expect(one.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('resolves groups and tags into names', () => {
    const { plan: made } = plan([set('a')], {
      inputs: {
        vms: { type: 'vms', default: ['group:web', 'tag:shop', 'web1'] },
        hosts: { type: 'hosts', default: 'tag:edge' },
      },
    });
    expect(made.inputs).toEqual({ vms: ['web1', 'web2', 'db1'], hosts: ['hv1', 'lab1', 'lab2'] });
  });

  it('unrolls loops whose items are known', () => {
    const { plan: made } = plan([each(['p', 'q'], [expression('${{ item }}')], { id: 'loop' })]);
    expect(plannedActions(made.steps).map(step => [step.key, step.title])).toEqual([
      ['loop[p]/t.set#1', 'set p to 1'],
      ['loop[q]/t.set#1', 'set q to 1'],
    ]);
    expect(made.unknowns).toEqual([]);
  });

  it('says what it does not know', () => {
    const { plan: made } = plan([
      set('a', { id: 'a' }),
      expression('${{ string(steps.a.outputs.now) }}'),
      set('b', { when: 'steps.a.outputs.now > 1' }),
    ]);
    expect(made.unknowns).toHaveLength(2);
    expect(plannedActions(made.steps).map(step => step.when)).toEqual([true, true, 'unknown']);
  });

  it('of a part has that part only', () => {
    const steps = [
      set('a', { id: 'a' }),
      group([set('b', { id: 'b' }), set('c', { id: 'c' })], { id: 'g' }),
      set('d', { id: 'd' }),
    ];
    const keys = (request: Request) => plannedActions(plan(steps, request).plan.steps).map(step => step.key);
    expect(keys({ only: 'c' })).toEqual(['g/c']);
    expect(keys({ from: 'c' })).toEqual(['g/c', 'd']);
    expect(keys({ from: '/steps/2' })).toEqual(['d']);
    expect(keys({ only: 'g' })).toEqual(['g/b', 'g/c']);
  });
});

describe('a plan is refused', () => {
  it('when a part needs outputs of a step that would not run', () => {
    const steps = [set('a', { id: 'a' }), expression('${{ string(steps.a.outputs.now) }}', 'b')];
    expect(refusal(steps, { only: 'b' })[0]).toContain('b needs the outputs of a, which would not run');
    expect(refusal(steps, { from: 'nothing' })[0]).toContain('no step nothing');
  });

  it('when inputs are missing, unknown or of the wrong type', () => {
    const inputs: Record<string, InputDefinition> = { n: { type: 'number' }, v: { type: 'vm', default: 'group:web' } };
    const problems = refusal([set('a')], { inputs, given: { other: 1 } });
    expect(problems).toHaveLength(3);
    expect(problems.join()).toContain('no input other');
    expect(refusal([set('a')], { inputs: { g: { type: 'vms', default: 'group:nope' } } })[0]).toContain(
      'no group nope',
    );
    expect(refusal([set('a')], { inputs: { e: { type: 'string', enum: ['x'], default: 'y' } } })[0]).toContain(
      'one of "x"',
    );
  });

  it('when a value does not fit an action, or an expression fails', () => {
    expect(refusal([{ ...set('a'), with: { target: 5 } } as Step])[0]).toContain('t.set#1');
    expect(refusal([expression('${{ inputs.nope }}')])[0]).toContain('inputs.nope');
    expect(refusal([set('a', { uses: 't.none' })])[0]).toContain('no action t.none');
  });
});

describe('text for an input', () => {
  it('becomes what its type wants, or stays text and is refused', () => {
    expect(inputFromText('5', { type: 'number' })).toBe(5);
    expect(inputFromText('five', { type: 'number' })).toBe('five');
    expect(inputFromText('true', { type: 'boolean' })).toBe(true);
    expect(inputFromText('a, b', { type: 'vms' })).toEqual(['a', 'b']);
    expect(inputFromText('["a,b"]', { type: 'list' })).toEqual(['a,b']);
    expect(inputFromText('5', { type: 'string' })).toBe('5');
  });
});
