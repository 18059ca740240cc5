import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { actionNamed } from '../../src/actions/catalogue';
import type { Plan } from '../../src/engine/plan';
import { rehearse } from '../../src/engine/rehearse';
import type { Inventory } from '../../src/inventory/model';
import { doTheSame } from '../../src/review/same-plan';
import type { Step } from '../../src/runbook/model';
import { planOf, smallInventory } from '../engine/rehearse-lab';
import { anyPlan } from '../engine/rehearse-runbooks';
import { type SideOptions, sideOf } from './sides';
import { withSteps } from './two-runbooks';

function same(base: string, head: string, options: { base?: SideOptions; head?: SideOptions } = {}): boolean {
  const { plan } = sideOf(base, options.base);
  const other = sideOf(head, options.head).plan;
  const found = doTheSame(plan, other);
  expect(doTheSame(other, plan)).toBe(found);
  return found;
}

const patch = `- id: patch
  uses: guest.patch
  with: { vm: web1 }
- uses: vm.shutdown
  when: \${{ steps.patch.outputs.rebootRequired }}
  with: { vm: web1 }`;

const loop = `- id: all
  forEach: { vm: [web1, web2] }
  steps:
    - id: look
      uses: guest.run
      with: { vm: "\${{ vm }}", argv: [hostname], changes: false }
    - uses: guest.run
      with: { vm: "\${{ vm }}", argv: [echo, "\${{ steps.look.outputs.stdout + vm }}"], changes: false }
- assert: "\${{ steps.all.outputs['web1'].look.code == 0 }}"`;

describe('two plans do the same', () => {
  test.each([
    ['when a step has another name', patch, patch.replace('uses: guest.patch', 'name: Patch it\n  uses: guest.patch')],
    [
      'when an id is another one in what names it too',
      patch,
      patch.replaceAll('patch\n', 'fix\n').replace('steps.patch', 'steps.fix').replace('guest.fix', 'guest.patch'),
    ],
    [
      'when an id needs quotes now',
      patch,
      patch.replace('id: patch', 'id: pa-tch').replace('steps.patch', "steps['pa-tch']"),
    ],
    [
      'when an expression is written otherwise',
      patch,
      patch.replace('steps.patch.outputs', 'steps . patch["outputs"]'),
    ],
    ['when a condition stands without its braces', patch, patch.replace(/\$\{\{ (steps.*) \}\}/, '$1')],
    ['when steps are held together by a group', patch, `- name: Both\n  steps:\n${patch.replace(/^/gm, '    ')}`],
    [
      'when a loop, its variable and its steps have other names',
      loop,
      loop
        .replace('id: all', 'id: each')
        .replace('{ vm: [', '{ one: [')
        .replaceAll('{ vm }', '{ one }')
        .replaceAll('${{ vm }}', '${{ one }}')
        .replace('+ vm }', '+ one }')
        .replaceAll('look', 'see')
        .replace('steps.all', 'steps.each'),
    ],
    ['when a wait is written otherwise', '- wait: 1h', '- wait: 60m'],
    [
      'when messages are others',
      '- approve: { message: Go? }\n- pointOfNoReturn: Gone',
      '- approve: { message: Shall we? }\n- pointOfNoReturn: Over',
    ],
  ])('%s', (_, base, head) => {
    expect(head).not.toBe(base);
    expect(same(withSteps(base), withSteps(head))).toBe(true);
  });

  test('when what is told of the runbook and its inputs is another, and an input is there that nobody uses', () => {
    const inputs = 'inputs:\n  vm: { type: vm, default: web1 }\n';
    const others =
      'description: New\ninputs:\n  vm: { type: vm, default: web1, description: Which, prompt: Which? }\n  why: { type: string, default: "-" }\n';
    const step = '- uses: vm.shutdown\n  with: { vm: "${{ inputs.vm }}" }';
    expect(same(withSteps(step, inputs), withSteps(step, others))).toBe(true);
  });

  test('when a called runbook has another path', () => {
    const called = withSteps('- uses: vm.shutdown\n  with: { vm: web1 }');
    const call = (path: string) => withSteps(`- uses: ./${path}`);
    const one = { others: { 'one.runbook.yaml': called } };
    const two = { others: { 'sub/two.runbook.yaml': called } };
    expect(same(call('one.runbook.yaml'), call('sub/two.runbook.yaml'), { base: one, head: two })).toBe(true);
  });
});

describe('two plans do not do the same', () => {
  test.each([
    ['when a value is another', patch, patch.replace('vm: web1', 'vm: web2')],
    ['when a condition is another', patch, patch.replace('rebootRequired', 'rebootRequired == false')],
    [
      'when a condition is of another step',
      `- id: other\n  uses: guest.patch\n  with: { vm: web1 }\n${patch}`,
      `- id: other\n  uses: guest.patch\n  with: { vm: web1 }\n${patch}`.replace('steps.patch', 'steps.other'),
    ],
    [
      'when steps change places',
      '- wait: 1m\n- uses: vm.start\n  with: { vm: off1 }',
      '- uses: vm.start\n  with: { vm: off1 }\n- wait: 1m',
    ],
    ['when a step is there twice', '- wait: 1m', '- wait: 1m\n- wait: 1m'],
    ['when steps go on side by side', '- wait: 1m\n- wait: 2m', '- parallel:\n    - wait: 1m\n    - wait: 2m'],
    ['when another variable is used', loop.replace('+ vm }', "+ 'vm' }"), loop],
    [
      'when a group has a condition',
      `- steps:\n${patch.replace(/^/gm, '    ')}`,
      `- when: \${{ false }}\n  steps:\n${patch.replace(/^/gm, '    ')}`,
    ],
    ['when a step has no undo', patch, patch.replace('uses: vm.shutdown', 'rollback: none\n  uses: vm.shutdown')],
    [
      'when it is tried again',
      patch,
      patch.replace('uses: vm.shutdown', 'retry: { attempts: 2 }\n  uses: vm.shutdown'),
    ],
    ['when it has less time', patch, patch.replace('uses: vm.shutdown', 'timeout: 1m\n  uses: vm.shutdown')],
    ['when more people approve', '- approve: { message: Go? }', '- approve: { message: Go?, by: 2 }'],
    [
      'when a text is a template',
      '- uses: guest.run\n  with: { vm: web1, argv: [echo, "$${{ string(1) }}"] }',
      '- uses: guest.run\n  with: { vm: web1, argv: [echo, "${{ string(1) }}"] }',
    ],
    ['when a loop has more items', loop, loop.replace('web2]', 'web2, off1]')],
    ['when a loop is wider', loop, loop.replace('web2] }', 'web2], batch: 2 }')],
  ])('%s', (_, base, head) => {
    expect(head).not.toBe(base);
    expect(same(withSteps(base), withSteps(head))).toBe(false);
  });

  test.each([
    ['limits', 'limits: { total: 1 }\n'],
    ['a window', 'window: { allow: ["22:00-23:00"], zone: UTC }\n'],
    ['a secret', 'inputs:\n  token: { type: secret }\n'],
  ])('when one has %s', (_, before) => {
    expect(same(withSteps(patch), withSteps(patch, before))).toBe(false);
  });

  test('when it comes to other VMs', () => {
    const text = withSteps('- uses: vm.shutdown\n  with: { vm: "${{ inputs.vm }}" }', 'inputs:\n  vm: { type: vm }\n');
    expect(same(text, text, { base: { inputs: { vm: 'web1' } }, head: { inputs: { vm: 'web2' } } })).toBe(false);
  });

  test('when a called runbook does something else', () => {
    const call = withSteps('- uses: ./one.runbook.yaml');
    const others = (vm: string) => ({
      others: { 'one.runbook.yaml': withSteps(`- uses: vm.start\n  with: { vm: ${vm} }`) },
    });
    expect(same(call, call, { base: others('web1'), head: others('web2') })).toBe(false);
  });
});

describe('of an inventory counts', () => {
  const text = withSteps(
    '- uses: backup.image\n  with: { vm: web1, proxy: backup1 }',
    'inventory: lab.inventory.yaml\n',
  );
  const inventory: Inventory = {
    version: 1,
    connections: { east: { type: 'simulated', lab: 'lab' } },
    groups: { web: { vms: ['web1'] } },
    proxies: { backup1: { ssh: 'backup1', directory: '/srv' } },
    vms: { web1: { address: '192.0.2.1' } },
  };
  const changed = (more: Partial<Inventory>): boolean =>
    same(text, text, { base: { inventory }, head: { inventory: { ...inventory, ...more } } });

  test('not what it does not use', () => {
    expect(changed({ groups: {}, vms: { ...inventory.vms, web2: { address: '192.0.2.2' } } })).toBe(true);
    expect(changed({ proxies: { ...inventory.proxies, other: { ssh: 'other', directory: '/' } } })).toBe(true);
    expect(changed({ vms: { web1: { address: '192.0.2.1', owner: 'web', tags: ['web'] } } })).toBe(true);
  });

  test('how hosts, its proxies and its VMs are reached', () => {
    expect(changed({ connections: { east: { type: 'libvirt', uri: 'qemu:///system' } } })).toBe(false);
    expect(changed({ proxies: { backup1: { ssh: 'backup2', directory: '/srv' } } })).toBe(false);
    expect(changed({ vms: { web1: { address: '192.0.2.9' } } })).toBe(false);
  });
});

test('what does the same comes to the same: names, ids and groups make no difference to a rehearsal', async () => {
  const rehearsed = async (plan: Plan) => {
    const { clean, counts } = await rehearse({ plan, action: actionNamed, inventory: smallInventory() });
    return { ended: clean.status, ms: clean.durationMs, outages: clean.outages, counts };
  };
  let failures = 0;
  await fc.assert(
    fc.asyncProperty(anyPlan, async plan => {
      const { steps, finally: last, limits } = plan.program;
      const held = steps.map((step, at): Step => {
        const named = { ...step, id: `other${at}`, name: 'Other' };
        return step.kind === 'pointOfNoReturn' ? named : { kind: 'steps', pointer: '', steps: [named] };
      });
      const other = planOf(held, { ...(last && { finally: last }), ...(limits && { limits }) });
      expect(doTheSame(plan, other)).toBe(true);
      const found = await rehearsed(plan);
      expect(await rehearsed(other)).toEqual(found);
      failures += found.counts.left;
    }),
    { numRuns: 12, seed: 20261124 },
  );
  expect(failures).toBeGreaterThan(0);
}, 120_000);
