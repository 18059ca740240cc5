import { describe, expect, test } from 'vitest';
import { runbookDifferences } from '../../src/review/runbook-difference';
import { differences, runbook, told, withSteps } from './two-runbooks';

const start = '- uses: vm.start\n  with: { vm: web1 }';

/** What is told of these steps in place of those. */
function steps(base: string, head: string): string[] {
  return told(differences(withSteps(base), withSteps(head)));
}

/** What is told of these lines in place of those, above the same steps. */
function lines(base: string, head: string): string[] {
  return told(differences(withSteps(start, base && `${base}\n`), withSteps(start, head && `${head}\n`)));
}

describe('what is no difference', () => {
  test.each([
    [
      'comments and empty lines',
      '- uses: vm.start\n  with: { vm: web1 }',
      '# Why\n- uses: vm.start # what\n\n  with: { vm: web1 }',
    ],
    [
      'quotes and flow style',
      '- { uses: vm.start, with: { vm: web1 } }',
      '- uses: "vm.start"\n  with:\n    vm: \'web1\'',
    ],
    [
      'the order of keys',
      '- { uses: vm.start, with: { vm: web1, waitForGuest: 5 } }',
      '- { with: { waitForGuest: 5, vm: web1 }, uses: vm.start }',
    ],
    [
      'anchors',
      '- { uses: check.guest, with: &w { vm: web1, agent: true } }\n- { uses: check.guest, with: *w }',
      '- { uses: check.guest, with: { vm: web1, agent: true } }\n- { uses: check.guest, with: { vm: web1, agent: true } }',
    ],
    [
      'a condition that always holds',
      '- { uses: vm.start, with: { vm: web1 }, when: true }',
      '- { uses: vm.start, with: { vm: web1 }, when: "${{ true }}" }',
    ],
    [
      'no condition',
      '- { uses: vm.start, with: { vm: web1 }, when: true }',
      '- { uses: vm.start, with: { vm: web1 } }',
    ],
    ['braces around a condition', '- { assert: "run.id != \\"\\"" }', '- { assert: "${{ run.id != \'\' }}" }'],
    [
      'spaces in an expression',
      '- { uses: vm.start, with: { vm: "${{run.id}}" } }',
      '- { uses: vm.start, with: { vm: "${{  run . id }}" } }',
    ],
    [
      'a default that is written out',
      '- { uses: guest.patch, with: { vm: web1 } }',
      '- { uses: guest.patch, with: { vm: web1, snapshot: true } }',
    ],
    [
      'a setting of a loop that is written out',
      '- forEach: { vm: [a] }\n  steps: [{ wait: 5s }]',
      '- forEach: { vm: [a], batch: 1, maxFailures: 0 }\n  steps: [{ wait: 5s }]',
    ],
    [
      'another way to write a time',
      '- { uses: vm.start, with: { vm: web1 }, timeout: 90s }',
      '- { uses: vm.start, with: { vm: web1 }, timeout: 1m30s }',
    ],
  ])('%s', (_, base, head) => expect(steps(base, head)).toEqual([]));

  test('hours of a window written otherwise', () => {
    const window = (allow: string): string => `window: { allow: ${allow}, zone: UTC }`;
    expect(lines(window('"Sat,Sun 10:00-12:00"'), window('[Sun 10:00-12:00, "Sat 10:00 - 12:00"]'))).toEqual([]);
  });
});

describe('above the steps', () => {
  test('name, description and inventory', () => {
    expect(
      told(
        differences(
          'version: 1\nname: One\ninventory: ./a.inventory.yaml\nsteps: [{ wait: 5s }]',
          'version: 1\nname: Two\ndescription: What\nsteps: [{ wait: 5s }]',
        ),
      ),
    ).toEqual(['Name One → Two', 'Description added: What', 'Inventory removed (was ./a.inventory.yaml)']);
  });

  test('inputs, with places', () => {
    const base = 'inputs:\n  vm: { type: vm, default: web1 }\n  old: { type: string }';
    const head = 'inputs:\n  vm: { type: vm, default: web2, prompt: Which? }\n  more: { type: list, default: [a] }';
    const found = differences(withSteps(start, `${base}\n`), withSteps(start, `${head}\n`));
    expect(told(found)).toEqual([
      'Input more added: list, default a',
      'Input vm: default web1 → web2',
      'Input vm: prompt added: Which?',
      'Input old removed (was string)',
    ]);
    expect(found[1]).toMatchObject({
      kind: 'input',
      field: 'inputs.vm.default',
      before: 'web1',
      after: 'web2',
      base: { line: 4 },
      head: { line: 4 },
    });
    expect(found[3]).toMatchObject({ change: 'removed', base: { line: 5 } });
    expect(found[3]).not.toHaveProperty('head');
  });

  test('a secret is shown nowhere, even one with a value that it must not have', () => {
    const input = (text: string): ReturnType<typeof runbook> => ({
      ...runbook(withSteps(start)),
      inputs: { token: { type: 'secret', default: text } },
    });
    const places = { base: () => undefined, head: () => undefined };
    expect(runbookDifferences(input('hunter2'), input('correct horse'), places)).toEqual([]);
    const removed = runbookDifferences(input('hunter2'), runbook(withSteps(start)), places);
    expect(removed).toHaveLength(1);
    expect(JSON.stringify(removed)).not.toContain('hunter2');
  });

  test('an input that is no secret any more: what stands there now was one', () => {
    const head = 'inputs: { token: { type: string, default: hunter2 } }';
    expect(lines('inputs: { token: { type: secret } }', head)).toEqual([
      'Input token: type secret → string [riskier]',
      'Input token: default added: ‹secret token›',
    ]);
  });

  test('outputs', () => {
    expect(lines('outputs: { a: 1, b: 2 }', 'outputs: { a: 3 }')).toEqual([
      'Output a 1 → 3',
      'Output b removed (was 2)',
    ]);
  });

  test('limits: more at once is riskier', () => {
    expect(
      lines('limits: { perHost: 1, total: 4, perProxy: 2 }', 'limits: { perHost: 3, total: 2, perDatastore: 1 }'),
    ).toEqual([
      'Limit perHost 1 → 3 [riskier]',
      'Limit perDatastore added: 1 [safer]',
      'Limit perProxy removed (was 2) [riskier]',
      'Limit total 4 → 2 [safer]',
    ]);
  });

  test('window', () => {
    const window = (fields: string): string => `window: { allow: ["Sat 22:00-04:00"], zone: UTC${fields} }`;
    expect(lines(window(''), '')).toEqual(['Window removed: Sat 22:00-04:00 UTC [riskier]']);
    expect(lines('', window(''))).toEqual(['Window added: Sat 22:00-04:00 UTC [safer]']);
    expect(
      lines(window(''), window(', closing: ignore, outside: refuse').replace('zone: UTC', 'zone: Europe/London')),
    ).toEqual([
      'Window: zone UTC → Europe/London',
      'Window: outside wait → refuse',
      'Window: closing drain → ignore [riskier]',
    ]);
    expect(lines(window(''), window('').replace('04:00', '06:00'))).toEqual([
      'Window: allow Sat 22:00-04:00 → Sat 22:00-06:00 (wider) [riskier]',
    ]);
    expect(lines(window(''), window('').replace('22:00-04:00', '23:00-05:00'))).toEqual([
      'Window: allow Sat 22:00-04:00 → Sat 23:00-05:00',
    ]);
  });
});

describe('steps', () => {
  test('added and removed, where they stand', () => {
    const found = differences(
      withSteps(`- { id: a, uses: vm.start, with: { vm: web1 } }\n- { id: b, wait: 5s }\n- { id: c, wait: 6s }`),
      withSteps(
        `- { id: a, uses: vm.start, with: { vm: web1 } }\n- { id: c, wait: 6s }\n- { id: d, uses: vm.start, with: { vm: db1 } }`,
      ),
    );
    expect(told(found)).toEqual(['Wait b removed', 'Step d (vm.start) added after c']);
    expect(found[0]).toMatchObject({
      change: 'removed',
      step: { base: { pointer: '/steps/1', title: 'b' } },
      base: { line: 5 },
    });
    expect(found[1]).toMatchObject({
      change: 'added',
      step: { head: { pointer: '/steps/2', uses: 'vm.start' } },
      head: { line: 6 },
    });
  });

  test('moved', () => {
    const [a, b, c] = ['a', 'b', 'c'].map(id => `- { id: ${id}, uses: vm.start, with: { vm: ${id} } }`);
    expect(steps(`${a}\n${b}\n${c}`, `${c}\n${a}\n${b}`)).toEqual([
      'Step c (vm.start) moved: now at the beginning, was after b',
    ]);
  });

  test('several that were moved are told against what was not', () => {
    const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map(id => `- { id: ${id}, uses: vm.start, with: { vm: ${id} } }`);
    expect(steps([a, b, c, d, e].join('\n'), [d, e, a, b, c].join('\n'))).toEqual([
      'Step d (vm.start) moved: now at the beginning, was after c',
      'Step e (vm.start) moved: now at the beginning, was after c',
    ]);
  });

  test('moved and changed gives both', () => {
    const [a, b] = ['a', 'b'].map(id => `- { id: ${id}, uses: vm.start, with: { vm: ${id} } }`);
    const c = (vm: string): string => `- { id: c, uses: vm.start, with: { vm: ${vm} } }`;
    const found = differences(withSteps(`${a}\n${b}\n${c('x')}`), withSteps(`${c('y')}\n${a}\n${b}`));
    expect(found.map(({ change }) => change)).toEqual(['moved', 'changed']);
  });

  test('wrapped: the block is added, the steps are moved into it', () => {
    expect(steps(start, `- parallel:\n    - uses: vm.start\n      with: { vm: web1 }`)).toEqual([
      'Parallel steps added at the beginning',
      'Step vm.start of web1 moved: now at the beginning of parallel steps, was at the beginning',
    ]);
  });

  test('inputs of actions one by one, lists by what came and went', () => {
    const base = '- { id: p, uses: guest.patch, with: { vm: web1, packages: [nginx, curl] } }';
    expect(
      steps(base, '- { id: p, uses: guest.patch, with: { vm: web2, packages: [nginx, openssl, zlib1g] } }'),
    ).toEqual([
      'Step p (guest.patch): input vm web1 → web2',
      'Step p (guest.patch): input packages added openssl, zlib1g, removed curl',
    ]);
    expect(steps(base, '- { id: p, uses: guest.patch, with: { vm: web1 } }')).toEqual([
      'Step p (guest.patch): input packages removed (was nginx, curl)',
    ]);
  });

  test('nested inputs by dotted names', () => {
    const [found] = differences(
      withSteps('- { id: c, uses: check.guest, with: { vm: web1, tcp: { port: 80 } } }'),
      withSteps('- { id: c, uses: check.guest, with: { vm: web1, tcp: { port: 443 } } }'),
    );
    expect(found).toMatchObject({ field: 'with.tcp.port', before: 80, after: 443, kind: 'step' });
  });

  test('the safety snapshot of a patch is left out', () => {
    expect(
      steps(
        '- { id: p, uses: guest.patch, with: { vm: web1 } }',
        '- { id: p, uses: guest.patch, with: { vm: web1, snapshot: false } }',
      ),
    ).toEqual(['Step p (guest.patch): input snapshot true (default) → false [riskier]']);
  });

  test('a check that looks at less', () => {
    expect(
      steps(
        '- { id: c, uses: check.guest, with: { vm: web1, agent: true, systemd: [nginx] } }',
        '- { id: c, uses: check.guest, with: { vm: web1, agent: true } }',
      ),
    ).toEqual(['Step c (check.guest): input systemd removed (was nginx) [riskier]']);
  });

  test.each([
    ['check', '- { uses: check.guest, with: { vm: web1, agent: true } }'],
    ['snapshot', '- { uses: vm.snapshot, with: { vm: web1, name: before } }'],
    ['backup', '- { uses: backup.image, with: { vm: web1, proxy: backup1 } }'],
    ['assertion', '- { assert: "run.id != \\"\\"" }'],
    ['approval', '- { approve: { message: Go? } }'],
  ])('a %s that is removed is a safeguard less', (_, safeguard) => {
    expect(differences(withSteps(`${safeguard}\n${start}`), withSteps(start))).toMatchObject([
      { change: 'removed', effect: 'riskier' },
    ]);
    expect(differences(withSteps(start), withSteps(`${safeguard}\n${start}`))).toMatchObject([
      { change: 'added', effect: 'safer' },
    ]);
  });

  test('conditions', () => {
    const step = (when: string): string =>
      `- { id: a, uses: vm.start, with: { vm: web1 }${when && `, when: '${when}'`} }`;
    expect(steps(step(''), step('inputs.x'))).toEqual(['Step a (vm.start): condition added: inputs.x']);
    expect(steps(step('1 == 1'), step('1 == 2'))).toEqual(['Step a (vm.start): condition 1 == 1 → 1 == 2']);
    expect(steps('- { id: go, approve: {} }', '- { id: go, when: "1 == 2", approve: {} }')).toEqual([
      'Approval go: condition added: 1 == 2 [riskier]',
    ]);
  });

  test('retry and timeout', () => {
    const step = (more: string): string => `- { id: a, uses: vm.start, with: { vm: web1 }${more} }`;
    expect(
      steps(step(', retry: { attempts: 2, delay: 5s }, timeout: 5m'), step(', retry: { attempts: 3, delay: 10s }')),
    ).toEqual([
      'Step a (vm.start): attempts 2 → 3',
      'Step a (vm.start): delay between attempts 5s → 10s',
      'Step a (vm.start): timeout removed (was 5m)',
    ]);
    expect(steps(step(''), step(', retry: { attempts: 3, delay: 10s }'))).toEqual([
      'Step a (vm.start): retry added: 3 attempts, 10s between them',
    ]);
  });

  test('rollback', () => {
    const step = (rollback: string): string =>
      `- { id: a, uses: vm.start, with: { vm: web1 }${rollback && `, rollback: ${rollback}`} }`;
    const own = '[{ uses: vm.shutdown, with: { vm: web1 } }]';
    expect(steps(step(own), step(''))).toEqual([
      "Step a (vm.start): rollback removed: the action's own undo now, was steps of its own (vm.shutdown) [riskier]",
    ]);
    expect(steps(step(''), step('none'))).toEqual([
      "Step a (vm.start): rollback is none now, was the action's own undo [riskier]",
    ]);
    expect(steps(step('none'), step(own))).toEqual([
      'Step a (vm.start): rollback is steps of its own (vm.shutdown) now, was none [safer]',
    ]);
    expect(steps(step(own), step(own.replace('[', '[{ wait: 5s }, ')))).toEqual([
      'Wait 5s added at the beginning of the rollback of a [safer]',
    ]);
  });

  test('nothing is taken away where there was no undo', () => {
    const check = '- { id: c, uses: check.guest, with: { vm: web1, agent: true }';
    expect(steps(`${check} }`, `${check}, rollback: none }`)).toEqual([
      'Step c (check.guest): rollback is none now, was no undo',
    ]);
  });

  test('loops', () => {
    const loop = (settings: string): string => `- id: each\n  forEach: { ${settings} }\n  steps: [{ wait: 5s }]`;
    expect(steps(loop('vm: [a, b], batch: 1, canary: 1'), loop('vm: [a, b, c], batch: 4, maxFailures: 2'))).toEqual([
      'Loop each: items added c',
      'Loop each: items at once (batch) 1 → 4 [riskier]',
      'Loop each: items that go first (canary) removed (was 1) [riskier]',
      'Loop each: items that may fail (maxFailures) 0 → 2 [riskier]',
    ]);
  });

  test('approvals', () => {
    const approve = (settings: string): string => `- { id: go, approve: { ${settings} } }`;
    expect(steps(approve('by: 2, expires: 1h, self: false, message: Go?'), approve('by: 1, message: Now?'))).toEqual([
      'Approval go: people who have to approve 2 → 1 [riskier]',
      'Approval go: who starts the run may approve it now [riskier]',
      'Approval go: expires removed (was 1h)',
      'Approval go: message Go? → Now?',
    ]);
  });

  test('waits and assertions', () => {
    expect(steps('- { id: w, wait: 5s }', '- { id: w, wait: 1m }')).toEqual(['Wait w: 5s → 1m']);
    expect(steps('- { id: a, assert: 1 == 2 }', '- { id: a, assert: true }')).toEqual([
      'Assertion a: 1 == 2 → true [riskier]',
    ]);
  });

  test('a step of finally', () => {
    const base = `${withSteps(start)}finally:\n  - { id: end, uses: vm.start, with: { vm: web1 } }\n`;
    expect(differences(base, withSteps(start))).toMatchObject([
      { kind: 'finally', change: 'removed', effect: 'neutral' },
    ]);
    expect(told(differences(withSteps(start), base))).toEqual([
      'Step end (vm.start) added at the beginning of finally',
    ]);
  });
});

describe('points of no return and approvals', () => {
  const [a, b, c] = ['a', 'b', 'c'].map(id => `- { id: ${id}, uses: vm.start, with: { vm: ${id} } }`);
  const point = '- { id: point, pointOfNoReturn: No way back }';
  const gate = '- { id: gate, approve: { message: Go? } }';

  test('added and removed', () => {
    expect(steps(`${a}\n${b}`, `${a}\n${point}\n${b}`)).toEqual(['Point of no return point added after a [riskier]']);
    expect(steps(`${a}\n${point}\n${b}`, `${a}\n${b}`)).toEqual(['Point of no return point removed [safer]']);
  });

  test('one that says what is so anyway, before steps that can not be undone, is neither better nor worse', () => {
    const drop = '- { id: drop, uses: vm.snapshot.delete, with: { vm: a, snapshot: old } }';
    const loop = `- id: each\n  forEach: { one: [1, 2] }\n  steps:\n    ${drop}`;
    for (const last of [drop, loop]) {
      expect(steps(`${a}\n${last}`, `${a}\n${point}\n${last}`)).toEqual(['Point of no return point added after a']);
      expect(steps(`${a}\n${point}\n${last}`, `${a}\n${last}`)).toEqual([
        "Point of no return point removed, though what follows can't be undone: drop",
      ]);
    }
    // It goes with what it was for, or after what can't be undone.
    expect(steps(`${a}\n${point}\n${drop}`, `${a}`)).toContain('Point of no return point removed [safer]');
    expect(steps(`${drop}\n${point}\n${a}`, `${drop}\n${a}`)).toEqual(['Point of no return point removed [safer]']);
  });

  test('what stands after it now', () => {
    expect(steps(`${a}\n${b}\n${point}\n${c}`, `${a}\n${point}\n${b}\n${c}`)).toEqual([
      'Point of no return point moved: now after a, was after b',
      'Point of no return point: b stands after it now [riskier]',
    ]);
  });

  test('a step that is moved before the approval', () => {
    expect(steps(`${gate}\n${a}\n${b}\n${c}`, `${b}\n${gate}\n${a}\n${c}`)).toEqual([
      'Step b (vm.start) moved: now at the beginning, was after a',
      'Approval gate: b stands before it now [riskier]',
    ]);
  });
});

describe('other names', () => {
  test('an id, with what refers to it', () => {
    const runbookOf = (id: string, member: string): string =>
      withSteps(
        `- { id: ${id}, uses: guest.patch, with: { vm: web1 } }\n- { name: '\${{ size(steps${member}.outputs.upgraded) }} done', wait: 5s }\n- { when: 'steps${member}.outputs.rebootRequired', wait: 6s }`,
      );
    expect(told(differences(runbookOf('patch', '.patch'), runbookOf('up-date', '["up-date"]')))).toEqual([
      'Step up-date (guest.patch): id patch → up-date; 2 references to it follow',
    ]);
  });

  test('an old id that means something else is a difference', () => {
    const wait = "- { id: w, name: '${{ size(steps.a.outputs) }}', wait: 5s }";
    const patch = (id: string): string => `{ id: ${id}, uses: guest.patch, with: { vm: web1 } }`;
    expect(steps(`- ${patch('a')}\n${wait}`, `- { id: a, steps: [${patch('c')}] }\n${wait}`)).toEqual([
      'Group a added at the beginning',
      'Step c (guest.patch) moved: now at the beginning of group a, was at the beginning',
      'Step c (guest.patch): id a → c',
      'Wait ${{ size(steps.a.outputs) }}: name: the names in it mean something else now',
    ]);
  });

  test('an input', () => {
    const runbookOf = (name: string): string =>
      withSteps(`- { uses: vm.start, with: { vm: "\${{ inputs.${name} }}" } }`, `inputs: { ${name}: { type: vm } }\n`);
    expect(told(differences(runbookOf('vm'), runbookOf('server')))).toEqual([
      'Input vm is called server now; 1 reference to it follows',
    ]);
  });

  test('a loop variable', () => {
    const loop = (name: string): string =>
      `- id: each\n  forEach: { ${name}: [web1] }\n  steps:\n    - { uses: vm.start, with: { vm: "\${{ ${name} }}" } }\n    - { uses: check.guest, with: { vm: "\${{ ${name} }}", agent: true } }`;
    expect(steps(loop('vm'), loop('server'))).toEqual([
      'Loop each: loop variable vm → server; 2 references to it follow',
    ]);
  });

  test('a called runbook', () => {
    const others = { 'p.runbook.yaml': withSteps(start), 'q.runbook.yaml': withSteps(start) };
    const places = { base: () => undefined, head: () => undefined };
    const call = (file: string) => runbook(withSteps(`- { id: one, uses: ./${file} }`), others);
    const found = runbookDifferences(call('p.runbook.yaml'), call('q.runbook.yaml'), places);
    expect(found).toMatchObject([{ kind: 'call', field: 'uses', effect: 'neutral' }]);
  });
});

describe('whole runbooks', () => {
  const text = withSteps(
    '- { approve: { message: Go? } }\n- { uses: vm.start, with: { vm: web1 }, rollback: [{ wait: 5s }] }',
    'limits: { total: 1 }\n',
  );

  test('a new one is told in full, and makes nothing safer', () => {
    expect(told(differences(undefined, text))).toEqual([
      'Name added: Test',
      'Limit total added: 1',
      'Approval added at the beginning',
      'Step vm.start of web1 added after approval, with a rollback of 1 step',
    ]);
  });

  test('a deleted one', () => {
    expect(
      differences(text, undefined).every(({ change, effect }) => change === 'removed' && effect === 'neutral'),
    ).toBe(true);
  });
});

test('what is taken out into a called runbook is moved', () => {
  const check = '- { uses: check.guest, with: { vm: web1, agent: true } }';
  const head = runbook(withSteps(`${start}\n- uses: ./p.runbook.yaml`), { 'p.runbook.yaml': withSteps(check) });
  const found = runbookDifferences(runbook(withSteps(`${start}\n${check}`)), head, {
    base: () => undefined,
    head: () => undefined,
  });
  expect(told(found)).toEqual([
    'Step check.guest of web1 moved: now at the beginning of p.runbook.yaml, was after vm.start',
    'Step ./p.runbook.yaml added after vm.start',
  ]);
});

test('what goes into a called runbook takes an input in place of a name, and is told with that file', () => {
  const check = (vm: string): string => `- { name: Well?, uses: check.guest, with: { vm: ${vm}, agent: true } }`;
  const inputs = 'inputs: { vm: { type: vm } }\n';
  const part = withSteps(check('"${{ inputs.vm }}"'), inputs);
  const places = { base: () => undefined, head: () => undefined };
  const flat = runbook(withSteps(check('web1')));
  const called = runbook(withSteps('- { uses: ./p.runbook.yaml, with: { vm: web1 } }'), { 'p.runbook.yaml': part });
  expect(told(runbookDifferences(flat, called, places))).toEqual([
    'Step Well? (check.guest) moved: now at the beginning of p.runbook.yaml, was at the beginning',
    'Step ./p.runbook.yaml of web1 added at the beginning',
  ]);
  expect(runbookDifferences(called, flat, places).map(({ change }) => change)).toEqual(['removed', 'moved']);
});
