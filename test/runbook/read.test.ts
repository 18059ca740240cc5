import { expect, test } from 'vitest';
import { everyStep, innerSteps } from '../../src/runbook/model';
import { parseRunbook } from '../../src/runbook/parse';

const text = `version: 1
name: x
inputs:
  token: { type: secret, prompt: "Token?", env: TOKEN }
outputs: { a: "\${{ steps.s.outputs.to }}" }
limits: { perHost: 2, total: 5 }
window: { allow: Sat 22:00-04:00, zone: Europe/London, outside: refuse, closing: rollback }
steps:
  - approve: {}
  - id: gate
    approve: { by: 2, expires: 24h, message: Go, self: false }
  - wait: 5m
  - assert: inputs.token == ""
    message: No
  - assert: false
  - pointOfNoReturn: Why
  - parallel:
      - wait: 1s
      - steps:
          - wait: 2s
  - id: s
    when: false
    uses: ../a.runbook.yaml
    with: { b: 1 }
  - forEach: { vm: [a], batch: 2, canary: 1, maxFailures: 3 }
    steps:
      - uses: vm.start
        with: { vm: a }
        rollback:
          - wait: 3s
finally:
  - wait: 4s
`;

test('every key is read', () => {
  const { runbook } = parseRunbook(text);
  expect(runbook).toEqual({
    version: 1,
    name: 'x',
    inputs: { token: { type: 'secret', prompt: 'Token?', env: 'TOKEN' } },
    outputs: { a: '${{ steps.s.outputs.to }}' },
    limits: { perHost: 2, total: 5 },
    window: { allow: ['Sat 22:00-04:00'], zone: 'Europe/London', outside: 'refuse', closing: 'rollback' },
    steps: [
      { kind: 'approve', pointer: '/steps/0', by: 1, self: true, message: 'May this run go on?' },
      { kind: 'approve', pointer: '/steps/1', id: 'gate', by: 2, self: false, message: 'Go', expiresMs: 86_400_000 },
      { kind: 'wait', pointer: '/steps/2', duration: '5m' },
      { kind: 'assert', pointer: '/steps/3', condition: 'inputs.token == ""', message: 'No' },
      { kind: 'assert', pointer: '/steps/4', condition: false },
      { kind: 'pointOfNoReturn', pointer: '/steps/5', message: 'Why' },
      {
        kind: 'parallel',
        pointer: '/steps/6',
        steps: [
          { kind: 'wait', pointer: '/steps/6/parallel/0', duration: '1s' },
          {
            kind: 'steps',
            pointer: '/steps/6/parallel/1',
            steps: [{ kind: 'wait', pointer: '/steps/6/parallel/1/steps/0', duration: '2s' }],
          },
        ],
      },
      { kind: 'call', pointer: '/steps/7', id: 's', when: false, uses: '../a.runbook.yaml', with: { b: 1 } },
      {
        kind: 'forEach',
        pointer: '/steps/8',
        variable: 'vm',
        in: ['a'],
        batch: 2,
        canary: 1,
        maxFailures: 3,
        steps: [
          {
            kind: 'action',
            pointer: '/steps/8/steps/0',
            uses: 'vm.start',
            with: { vm: 'a' },
            rollback: [{ kind: 'wait', pointer: '/steps/8/steps/0/rollback/0', duration: '3s' }],
          },
        ],
      },
    ],
    finally: [{ kind: 'wait', pointer: '/finally/0', duration: '4s' }],
  });
});

test('what is not given is not there, or has its default', () => {
  const { runbook } = parseRunbook(
    'version: 1\nname: x\nwindow: { allow: [22:00-04:00], zone: UTC }\nsteps: [{ wait: 1m }]',
  );
  expect(Object.keys(runbook!)).toEqual(['version', 'name', 'inputs', 'steps', 'window']);
  expect(runbook?.window).toEqual({ allow: ['22:00-04:00'], zone: 'UTC', outside: 'wait', closing: 'drain' });
});

test('every step of the document, in its order', () => {
  const { draft } = parseRunbook(text);
  const pointers = everyStep(draft).map(step => step.pointer);
  expect(pointers).toEqual([
    ...Array.from({ length: 7 }, (_, index) => `/steps/${index}`),
    '/steps/6/parallel/0',
    '/steps/6/parallel/1',
    '/steps/6/parallel/1/steps/0',
    '/steps/7',
    '/steps/8',
    '/steps/8/steps/0',
    '/steps/8/steps/0/rollback/0',
    '/finally/0',
  ]);
  expect(draft.steps.map(step => innerSteps(step).length)).toEqual([0, 0, 0, 0, 0, 0, 2, 0, 1]);
});

test('what does not fit is left out, whatever it is', () => {
  const { draft } = parseRunbook(
    'limits: { perHost: many, total: 2 }\nwindow: { allow: [3, 22:00-04:00] }\noutputs: 3\nfinally: 3\nsteps:\n  - approve:\n  - wait: [5]\n  - assert: {}\n  - parallel: x\n  - forEach: x\n',
  );
  expect(draft.limits).toEqual({ total: 2 });
  expect(draft.window).toEqual({ allow: ['22:00-04:00'], zone: '', outside: 'wait', closing: 'drain' });
  expect([draft.outputs, draft.finally]).toEqual([undefined, undefined]);
  expect(draft.steps.map(step => step.kind)).toEqual(['approve', 'wait', 'assert', 'parallel', 'forEach']);
});
