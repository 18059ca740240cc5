import { describe, expect, test } from 'vitest';
import { runbook, squiggles } from './marked';

describe('one squiggle per mistake, where it is', () => {
  test('a mistyped key, which is then missing as well', () => {
    expect(
      squiggles('version: 1\nnam: Patch\nsteps:\n  - uses: vm.start\n    with: { vm: web1 }'),
    ).toMatchInlineSnapshot(`
      "version: 1
      nam: Patch
      ^^^ unknown-key: There is no key \`nam\`. Did you mean \`name\`?
      steps:
        - uses: vm.start
          with: { vm: web1 }"
    `);
  });
  test('an action that does not exist', () => {
    expect(squiggles(runbook('  - uses: vm.migrat\n    with: { vm: web1 }'))).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: vm.migrat
                ^^^^^^^^^ unknown-action: There is no action \`vm.migrat\`. Did you mean \`vm.migrate\`?
          with: { vm: web1 }"
    `);
    expect(squiggles(runbook('  - uses: snapshot\n    with: { vm: web1 }'))).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: snapshot
                ^^^^^^^^ unknown-action: There is no action \`snapshot\`. Did you mean \`vm.snapshot\`?
          with: { vm: web1 }"
    `);
  });
  test('inputs: missing, unknown, of a wrong type, out of bounds', () => {
    expect(squiggles(runbook('  - uses: vm.migrate\n    with:\n      vm: web1'))).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: vm.migrate
          with:
          ^^^^ missing-key: \`vm.migrate\` needs \`to\`. The host to move it to.
            vm: web1"
    `);
    expect(squiggles(runbook('  - uses: vm.migrate'))).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: vm.migrate
                ^^^^^^^^^^ missing-key: \`vm.migrate\` needs \`with:\` with \`vm\`, \`to\`."
    `);
    expect(squiggles(runbook('  - uses: vm.start\n    with:'))).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: vm.start
          with:
          ^^^^ wrong-type: \`with\` is empty. Write a map with \`vm\`, or remove it."
    `);
    expect(
      squiggles(
        runbook(
          '  - uses: vm.migrate\n    with:\n      vm: 12\n      to: hv2\n      autoconverge: true\n      live: maybe\n      bandwidth: -1\n      storage: shred',
        ),
      ),
    ).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: vm.migrate
          with:
            vm: 12
                ^^ wrong-type: \`vm\` must be a string, but this is the number 12. Quote it: "12".
            to: hv2
            autoconverge: true
            ^^^^^^^^^^^^ unknown-key: \`vm.migrate\` has no input \`autoconverge\`. Did you mean \`autoConverge\`?
            live: maybe
                  ^^^^^ wrong-type: \`live\` must be a boolean, but this is the string "maybe".
            bandwidth: -1
                       ^^ wrong-value: \`bandwidth\` must be at least 0.
            storage: shred
                     ^^^^^ wrong-value: \`storage\` must be \`auto\`, \`shared\` or \`copy\`, not \`shred\`."
    `);
  });
  test('lists', () => {
    expect(squiggles(runbook('  - uses: guest.run\n    with: { vm: web1, argv: uptime }'))).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: guest.run
          with: { vm: web1, argv: uptime }
                                  ^^^^^^ wrong-type: \`argv\` must be a list of strings, but this is the string "uptime"."
    `);
    expect(squiggles(runbook('  - uses: guest.run\n    with: { vm: web1, argv: [] }'))).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: guest.run
          with: { vm: web1, argv: [] }
                            ^^^^ wrong-value: \`argv\` is empty. Add at least one item, or remove it."
    `);
    expect(squiggles(runbook('  - uses: guest.run\n    with: { vm: web1, argv: [sleep, 5] }'))).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: guest.run
          with: { vm: web1, argv: [sleep, 5] }
                                          ^ wrong-type: Item 2 of \`argv\` must be a string, but this is the number 5. Quote it: "5"."
    `);
  });
  test('settings of a step', () => {
    expect(
      squiggles(
        runbook(
          '  - id: 1st\n    uses: vm.start\n    with: { vm: web1 }\n    timeout: 30 minutes\n    retry: { attempts: 0, delay: soon }\n    rollback: maybe',
        ),
      ),
    ).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - id: 1st
              ^^^ bad-id: \`id\` must be letters, digits, \`_\` and \`-\`, a letter first, not \`1st\`.
          uses: vm.start
          with: { vm: web1 }
          timeout: 30 minutes
                   ^^^^^^^^^^ bad-duration: \`timeout\` must be a duration such as \`30s\`, \`5m\` or \`1h30m\`, not \`30 minutes\`.
          retry: { attempts: 0, delay: soon }
                             ^ wrong-value: \`attempts\` must be at least 1.
                                       ^^^^ bad-duration: \`delay\` must be a duration such as \`30s\`, \`5m\` or \`1h30m\`, not \`soon\`.
          rollback: maybe
                    ^^^^^ wrong-type: \`rollback\` must be \`none\` or a list of steps, but this is the string "maybe"."
    `);
  });
  test('a step without an action, an empty one, and one that is no map', () => {
    expect(squiggles(runbook('  - name: Do something\n  -\n  - vm.start\n  - uses:'))).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - name: Do something
          ^^^^ missing-key: A step needs \`uses: ACTION\`, or \`forEach:\` or \`steps:\` with steps inside.
        -
        ^ wrong-type: A step is empty. Write a map with \`uses\`, \`forEach\` or \`steps\`, or remove it.
        - vm.start
          ^^^^^^^^ wrong-type: A step must be a map with \`uses\`, \`forEach\` or \`steps\`, but this is the string "vm.start".
        - uses:
          ^^^^ wrong-type: \`uses\` needs the name of an action, e.g. \`uses: vm.snapshot\`."
    `);
  });
  test('forEach', () => {
    expect(squiggles(runbook('  - forEach: { batch: 0 }\n    steps: []'))).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - forEach: { batch: 0 }
          ^^^^^^^ missing-key: \`forEach\` needs a loop variable and its list, e.g. \`forEach: { vm: "\${{ inputs.vms }}" }\`.
                            ^ wrong-value: \`batch\` must be at least 1.
          steps: []
          ^^^^^ wrong-value: \`steps\` is empty. Add at least one step."
    `);
    expect(
      squiggles(
        runbook('  - forEach: { vm: [a], host: [b] }\n    steps:\n      - uses: vm.start\n        with: { vm: a }'),
      ),
    ).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - forEach: { vm: [a], host: [b] }
                              ^^^^ unknown-key: \`forEach\` has one loop variable, and it is \`vm\` already. Remove \`host\`, or nest a second \`forEach\`.
          steps:
            - uses: vm.start
              with: { vm: a }"
    `);
    expect(
      squiggles(runbook('  - forEach: { vm: web1 }\n    steps:\n      - uses: vm.start\n        with: { vm: a }')),
    ).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - forEach: { vm: web1 }
                         ^^^^ wrong-type: \`vm\` must be a list, or an expression that gives one, but this is the string "web1".
          steps:
            - uses: vm.start
              with: { vm: a }"
    `);
  });
  test('what this version can not run yet must not be ignored', () => {
    expect(
      squiggles('version: 1\nname: Sample\nlimits: { total: 2 }\nsteps:\n  - approve: { by: 1 }'),
    ).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      limits: { total: 2 }
      ^^^^^^ not-supported-yet: \`limits\` is not supported yet. Remove it: it must not be silently ignored.
      steps:
        - approve: { by: 1 }
          ^^^^^^^ not-supported-yet: \`approve\` is not supported yet. Remove it: it must not be silently ignored."
    `);
  });
  test('inputs of the runbook', () => {
    expect(
      squiggles(
        runbook(
          '  - uses: vm.start\n    with: { vm: "${{ inputs.vm }}" }',
          'inputs:\n  vm: { type: vms, default: 3 }\n  n: { type: int }\n  2nd: { type: string }\n  mode: { type: string, enum: [a, b], default: c }\n',
        ),
      ),
    ).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      inputs:
        vm: { type: vms, default: 3 }
                         ^^^^^^^ wrong-type: The default of a \`vms\` input must be a name, \`group:NAME\`, \`tag:NAME\`, or a list of them.
        n: { type: int }
                   ^^^ wrong-value: \`type\` must be \`string\`, \`number\`, \`boolean\`, \`list\`, \`host\`, \`hosts\`, \`vm\` or \`vms\`, not \`int\`.
        2nd: { type: string }
        ^^^ bad-id: \`2nd\` can't be named in an expression. Use letters, digits, \`_\` and \`-\`, a letter first.
        mode: { type: string, enum: [a, b], default: c }
                                            ^^^^^^^ wrong-value: The default is not one of the values of \`enum\`.
      steps:
        - uses: vm.start
          with: { vm: "\${{ inputs.vm }}" }
                           ^^^^^^^^^ expression-type: \`vm\` of \`vm.start\` must be a string, but this gives a list of strings."
    `);
  });
  test('another version', () => {
    expect(
      squiggles('version: 2\nname: Sample\nsteps:\n  - uses: vm.start\n    with: { vm: a }'),
    ).toMatchInlineSnapshot(`
      "version: 2
               ^ wrong-version: This Virtbook reads \`version: 1\`, but this says the number 2.
      name: Sample
      steps:
        - uses: vm.start
          with: { vm: a }"
    `);
  });
  test('a template may stand for any value', () => {
    const text = runbook(
      '  - uses: vm.migrate\n    with: { vm: web1, to: hv2, live: "${{ inputs.live }}", storage: "${{ inputs.how }}" }',
      'inputs:\n  live: { type: boolean }\n  how: { type: string }\n',
    );
    expect(squiggles(text)).toBe(text);
  });
});
