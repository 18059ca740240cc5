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
          ^^^^ missing-key: A step needs \`uses: ACTION\`, or one of \`forEach\`, \`parallel\`, \`approve\`, \`wait\`, \`assert\`, \`pointOfNoReturn\` or \`steps\`.
        -
        ^ wrong-type: A step is empty. Write a map with \`uses\`, \`forEach\`, \`steps\` or another kind of step, or remove it.
        - vm.start
          ^^^^^^^^ wrong-type: A step must be a map with \`uses\`, \`forEach\`, \`steps\` or another kind of step, but this is the string "vm.start".
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
  test('two kinds of step in one', () => {
    expect(
      squiggles(
        runbook(
          '  - uses: vm.start\n    with: { vm: a }\n    forEach: { vm: [a] }\n  - forEach: { vm: [a] }\n    wait: 5m\n    steps: [{ wait: 1m }]\n  - wait: 5m\n    assert: true\n  - parallel: [{ wait: 1m }]\n    steps: [{ wait: 1m }]',
        ),
      ),
    ).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: vm.start
          with: { vm: a }
          forEach: { vm: [a] }
          ^^^^^^^ unknown-key: A step has either \`uses\` or \`forEach\`. Put \`uses\` in a step under \`steps:\`.
        - forEach: { vm: [a] }
          wait: 5m
          ^^^^ unknown-key: A step has either \`forEach\` or \`wait\`. Put \`wait\` in a step under \`steps:\`.
          steps: [{ wait: 1m }]
        - wait: 5m
          assert: true
          ^^^^^^ unknown-key: A step has either \`wait\` or \`assert\`. Make two steps of it.
        - parallel: [{ wait: 1m }]
          steps: [{ wait: 1m }]
          ^^^^^ unknown-key: A step has either \`parallel\` or \`steps\`. Put \`steps\` in a step under \`parallel:\`."
    `);
  });
  test('the other kinds of step', () => {
    expect(
      squiggles(
        runbook(
          [
            '  - approve: { by: 0, expires: 1 day, who: me }',
            '  - approve: yes',
            '  - approve:',
            '  - wait: 5',
            '  - wait: soon',
            '  - wait: 5m',
            '    timeout: 3m',
            '  - assert:',
            '  - assert: 3',
            '  - pointOfNoReturn: true',
            '  - parallel: []',
            '  - parallel:',
            '      uses: vm.start',
            '  - forEach: { vm: [a], canary: 0 }',
            '    steps:',
            '      - wait: ${{ "5m" }}',
          ].join('\n'),
        ),
      ),
    ).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - approve: { by: 0, expires: 1 day, who: me }
                         ^ wrong-value: \`by\` must be at least 1.
                                     ^^^^^ bad-duration: \`expires\` must be a duration such as \`30s\`, \`5m\` or \`1h30m\`, not \`1 day\`.
                                            ^^^ unknown-key: \`approve\` has no key \`who\`. It has \`by\`, \`expires\`, \`message\` and \`self\`.
        - approve: yes
                   ^^^ wrong-type: \`approve\` must be a map, but this is the string "yes".
        - approve:
          ^^^^^^^ wrong-type: \`approve\` is empty. Write a map, or remove it.
        - wait: 5
                ^ wrong-type: \`wait\` must be a duration such as \`30s\`, \`5m\` or \`1h30m\`, or an expression that gives one, but this is the number 5.
        - wait: soon
                ^^^^ bad-duration: \`wait\` must be a duration such as \`30s\`, \`5m\` or \`1h30m\`, or an expression that gives one, not \`soon\`.
        - wait: 5m
          timeout: 3m
          ^^^^^^^ unknown-key: A step has no key \`timeout\`. It has \`id\`, \`name\`, \`when\` and \`wait\`.
        - assert:
          ^^^^^^ wrong-type: \`assert\` is empty. Write a CEL expression, or remove it.
        - assert: 3
                  ^ wrong-type: \`assert\` must be a CEL expression, but this is the number 3.
        - pointOfNoReturn: true
                           ^^^^ wrong-type: \`pointOfNoReturn\` must be a string, but this is the boolean true. Quote it: "true".
        - parallel: []
          ^^^^^^^^ wrong-value: \`parallel\` is empty. Add at least one step.
        - parallel:
          ^^^^^^^^ wrong-type: \`parallel\` must be a list of steps, but this is a map.
            uses: vm.start
        - forEach: { vm: [a], canary: 0 }
                                      ^ wrong-value: \`canary\` must be at least 1.
          steps:
            - wait: \${{ "5m" }}"
    `);
  });
  test('a runbook in place of an action', () => {
    expect(
      squiggles(
        runbook(
          '  - uses: other.runbook.yaml\n  - uses: ./other.runbook.yaml\n    timeout: 5m\n  - uses: ../other.runbook.yaml\n    with: [a]\n    wiht: {}',
        ),
      ),
    ).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      steps:
        - uses: other.runbook.yaml
                ^^^^^^^^^^^^^^^^^^ unknown-action: To call a runbook, write its path relative to this file: \`./other.runbook.yaml\`.
        - uses: ./other.runbook.yaml
          timeout: 5m
          ^^^^^^^ unknown-key: A step that calls a runbook has no \`timeout\`. Write it at the steps of that runbook, or remove it.
        - uses: ../other.runbook.yaml
          with: [a]
          ^^^^ wrong-type: \`with\` must be a map, but this is a list.
          wiht: {}
          ^^^^ unknown-key: A step that calls a runbook has no \`wiht\`. Write it at the steps of that runbook, or remove it."
    `);
  });
  test('limits, window, outputs and finally', () => {
    expect(
      squiggles(
        [
          'version: 1',
          'name: Sample',
          'limits: { perHost: 0, perVm: 2, total: many }',
          'window: { allow: 22, zone: [UTC], outside: stop, closes: drain }',
          'outputs: { 2nd: x }',
          'steps:',
          '  - wait: 5m',
          'finally: []',
        ].join('\n'),
      ),
    ).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      limits: { perHost: 0, perVm: 2, total: many }
                         ^ wrong-value: \`perHost\` must be at least 1.
                            ^^^^^ unknown-key: \`limits\` has no key \`perVm\`. It has \`perHost\`, \`perDatastore\`, \`perProxy\`, \`perConnection\` and \`total\`.
                                             ^^^^ wrong-type: \`total\` must be a whole number, but this is the string "many".
      window: { allow: 22, zone: [UTC], outside: stop, closes: drain }
                       ^^ wrong-type: \`allow\` must be days and hours such as \`Sat 22:00-04:00\`, or a list of them, but this is the number 22.
                           ^^^^ wrong-type: \`zone\` must be a string, but this is a list.
                                                 ^^^^ wrong-value: \`outside\` must be \`wait\` or \`refuse\`, not \`stop\`.
                                                       ^^^^^^ unknown-key: \`window\` has no key \`closes\`. It has \`allow\`, \`zone\`, \`outside\` and \`closing\`.
      outputs: { 2nd: x }
                 ^^^ bad-id: \`2nd\` can't be named in an expression. Use letters, digits, \`_\` and \`-\`, a letter first.
      steps:
        - wait: 5m
      finally: []
      ^^^^^^^ wrong-value: \`finally\` is empty. Add at least one step."
    `);
    expect(
      squiggles('version: 1\nname: Sample\nwindow:\nlimits:\nsteps:\n  - wait: 5m\nfinally:'),
    ).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      window:
      ^^^^^^ wrong-type: \`window\` is empty. Write a map with \`allow\` and \`zone\`, or remove it.
      limits:
      ^^^^^^ wrong-type: \`limits\` is empty. Write a map, or remove it.
      steps:
        - wait: 5m
      finally:
      ^^^^^^^ wrong-type: \`finally\` is empty. Write a list of steps, or remove it."
    `);
    expect(
      squiggles('version: 1\nname: Sample\nwindow: {}\nsteps:\n  - wait: 5m\nfinally:\n  - vm.start'),
    ).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      window: {}
      ^^^^^^ missing-key: \`window\` needs \`allow\`. Days and hours, one or several: \`Sat 22:00-04:00\`, \`Mon-Fri 20:00-23:30\`, \`22:00-04:00\` (every day).
      ^^^^^^ missing-key: \`window\` needs \`zone\`. Time zone of these hours, e.g. \`Europe/London\`.
      steps:
        - wait: 5m
      finally:
        - vm.start
          ^^^^^^^^ wrong-type: A step must be a map with \`uses\`, \`forEach\`, \`steps\` or another kind of step, but this is the string "vm.start"."
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
                   ^^^ wrong-value: \`type\` must be \`string\`, \`number\`, \`boolean\`, \`list\`, \`host\`, \`hosts\`, \`vm\`, \`vms\` or \`secret\`, not \`int\`.
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
