import { describe, expect, test } from 'vitest';
import { codes, runbook, squiggles } from './marked';

const check = (steps: string, inputs = '') => squiggles(runbook(steps, inputs)).split('\n').slice(2).join('\n');
const head = (text: string) => squiggles(`version: 1\nname: Sample\n${text}`).split('\n').slice(2).join('\n');

describe('parallel', () => {
  test('a branch sees what ran before, not what runs beside it; after it all is seen', () => {
    expect(
      check(
        [
          '  - id: before',
          '    uses: guest.patch',
          '    with: { vm: a }',
          '  - id: both',
          '    parallel:',
          '      - id: left',
          '        uses: guest.patch',
          '        with: { vm: "${{ steps.before.outputs.kernel }}", packages: ["${{ steps.right.outputs.kernel }}"] }',
          '      - steps:',
          '          - id: right',
          '            uses: guest.patch',
          '            with: { vm: b, packages: ["${{ steps.left.outputs.kernel }}"] }',
          '          - name: ${{ steps.right.outputs.upgraded }}',
          '            forEach: { vm: [a] }',
          '            steps:',
          '              - id: item',
          '                wait: 1m',
          '  - name: ${{ steps.left.outputs.upgraded }} ${{ steps.both.outputs.right.upgraded }} ${{ steps.item.outputs }}',
          '    when: steps.right.outputs.rebootRequired',
          '    wait: 1m',
        ].join('\n'),
      ),
    ).toMatchInlineSnapshot(`
      "steps:
        - id: before
          uses: guest.patch
          with: { vm: a }
        - id: both
          parallel:
            - id: left
              uses: guest.patch
              with: { vm: "\${{ steps.before.outputs.kernel }}", packages: ["\${{ steps.right.outputs.kernel }}"] }
                                                    ^^^^^^ unknown-output: \`guest.patch\` has no output \`kernel\`. There is \`upgraded\` or \`rebootRequired\`.
                                                                                      ^^^^^ out-of-scope: Step \`right\` runs in another branch of the same \`parallel\`, maybe later. Use it below the \`parallel\`, or put both in one branch.
            - steps:
                - id: right
                  uses: guest.patch
                  with: { vm: b, packages: ["\${{ steps.left.outputs.kernel }}"] }
                                                       ^^^^ out-of-scope: Step \`left\` runs in another branch of the same \`parallel\`, maybe later. Use it below the \`parallel\`, or put both in one branch.
                - name: \${{ steps.right.outputs.upgraded }}
                  forEach: { vm: [a] }
                  steps:
                    - id: item
                      wait: 1m
        - name: \${{ steps.left.outputs.upgraded }} \${{ steps.both.outputs.right.upgraded }} \${{ steps.item.outputs }}
                                                                          ^^^^^ unknown-output: Outputs has no \`right\`. There is \`left\`.
                                                                                                      ^^^^ out-of-scope: Step \`item\` can't be seen from here. Give the \`forEach\` around it an id and read \`steps.EACH.outputs[item].item\`.
          when: steps.right.outputs.rebootRequired
          wait: 1m"
    `);
  });
});

describe('finally', () => {
  test("can't rely on what the steps gave", () => {
    expect(
      head(
        [
          'steps:',
          '  - id: patch',
          '    uses: guest.patch',
          '    with: { vm: a }',
          'finally:',
          '  - id: note',
          '    name: ${{ steps.patch.outputs.upgraded }} ${{ steps.patch.outputs.?upgraded.orValue([]) }}',
          '    when: has(steps.patch.outputs.upgraded) && steps.patch.outputs["rebootRequired"] && steps.later.outputs == 1',
          '    uses: guest.run',
          '    with: { vm: a, argv: [x] }',
          '  - id: later',
          '    name: ${{ steps.note.outputs.stdout }}',
          '    steps:',
          '      - id: one',
          '        uses: guest.run',
          '        with: { vm: a, argv: [x] }',
          '      - name: ${{ steps.one.outputs.stdout }}',
          '        wait: 1m',
        ].join('\n'),
      ),
    ).toMatchInlineSnapshot(`
      "steps:
        - id: patch
          uses: guest.patch
          with: { vm: a }
      finally:
        - id: note
          name: \${{ steps.patch.outputs.upgraded }} \${{ steps.patch.outputs.?upgraded.orValue([]) }}
                                        ^^^^^^^^ unsure-output: Step \`patch\` may not have run when \`finally\` does. Write \`.?upgraded.orValue(…)\` with what to take then.
          when: has(steps.patch.outputs.upgraded) && steps.patch.outputs["rebootRequired"] && steps.later.outputs == 1
                                                                         ^^^^^^^^^^^^^^^^ unsure-output: Step \`patch\` may not have run when \`finally\` does. Write \`.?rebootRequired.orValue(…)\` with what to take then.
                                                                                                    ^^^^^ use-before-definition: Step \`later\` has not run yet here. Move it above this step, or use it below.
          uses: guest.run
          with: { vm: a, argv: [x] }
        - id: later
          name: \${{ steps.note.outputs.stdout }}
                                       ^^^^^^ unsure-output: Step \`note\` may not have run when \`finally\` does. Write \`.?stdout.orValue(…)\` with what to take then.
          steps:
            - id: one
              uses: guest.run
              with: { vm: a, argv: [x] }
            - name: \${{ steps.one.outputs.stdout }}
              wait: 1m"
    `);
  });
});

test('outputs see all steps, and nothing else', () => {
  expect(
    head(
      [
        'outputs:',
        '  good: ${{ steps.one.outputs.stdout }} of ${{ steps.each.outputs["a"].two.code }}',
        '  nested: { list: ["${{ steps.two.outputs }}", "${{ steps.three.outputs }}"] }',
        '  wrong: ${{ steps.one.outputs.stdot }}',
        '  last: ${{ steps.last.outputs }}',
        '  item: ${{ vm }}',
        'steps:',
        '  - id: one',
        '    uses: guest.run',
        '    with: { vm: a, argv: [x] }',
        '  - id: each',
        '    forEach: { vm: [a] }',
        '    steps:',
        '      - id: two',
        '        uses: guest.run',
        '        with: { vm: "${{ vm }}", argv: [x] }',
        'finally:',
        '  - id: last',
        '    wait: 1m',
      ].join('\n'),
    ),
  ).toMatchInlineSnapshot(`
    "outputs:
      good: \${{ steps.one.outputs.stdout }} of \${{ steps.each.outputs["a"].two.code }}
      nested: { list: ["\${{ steps.two.outputs }}", "\${{ steps.three.outputs }}"] }
                                  ^^^ out-of-scope: Step \`two\` ran once per item. Read \`steps.each.outputs[item].two\`.
                                                              ^^^^^ unknown-step: No step before this one has the id \`three\`. There are \`one\` or \`each\`.
      wrong: \${{ steps.one.outputs.stdot }}
                                   ^^^^^ unknown-output: \`guest.run\` has no output \`stdot\`. Did you mean \`stdout\`?
      last: \${{ steps.last.outputs }}
                      ^^^^ use-before-definition: Step \`last\` has not run yet here. Move it above this step, or use it below.
      item: \${{ vm }}
                ^^ unknown-name: Nothing is named \`vm\` here. There are \`inputs\`, \`steps\` or \`run\`.
    steps:
      - id: one
        uses: guest.run
        with: { vm: a, argv: [x] }
      - id: each
        forEach: { vm: [a] }
        steps:
          - id: two
            uses: guest.run
            with: { vm: "\${{ vm }}", argv: [x] }
    finally:
      - id: last
        wait: 1m"
  `);
});

describe('pointOfNoReturn', () => {
  test('stands in the outermost steps only', () => {
    expect(
      head(
        [
          'steps:',
          '  - pointOfNoReturn: here',
          '  - steps:',
          '      - pointOfNoReturn: here',
          '  - parallel:',
          '      - pointOfNoReturn: here',
          '  - forEach: { vm: [a, b] }',
          '    steps:',
          '      - pointOfNoReturn: here ${{ vm }}',
          '  - uses: vm.start',
          '    with: { vm: a }',
          '    rollback:',
          '      - pointOfNoReturn: here',
          'finally:',
          '  - pointOfNoReturn: here',
        ].join('\n'),
      ),
    ).toMatchInlineSnapshot(`
      "steps:
        - pointOfNoReturn: here
        - steps:
            - pointOfNoReturn: here
              ^^^^^^^^^^^^^^^ misplaced-no-return: It ends the undo of the whole run, so it can only stand in the outermost \`steps\`. Move it there.
        - parallel:
            - pointOfNoReturn: here
              ^^^^^^^^^^^^^^^ misplaced-no-return: It ends the undo of the whole run, so it can only stand in the outermost \`steps\`. Move it there.
        - forEach: { vm: [a, b] }
          steps:
            - pointOfNoReturn: here \${{ vm }}
              ^^^^^^^^^^^^^^^ misplaced-no-return: It ends the undo of the whole run, so it can only stand in the outermost \`steps\`. Move it there.
        - uses: vm.start
          with: { vm: a }
          rollback:
            - pointOfNoReturn: here
              ^^^^^^^^^^^^^^^ misplaced-no-return: It ends the undo of the whole run, so it can only stand in the outermost \`steps\`. Move it there.
      finally:
        - pointOfNoReturn: here
          ^^^^^^^^^^^^^^^ misplaced-no-return: It ends the undo of the whole run, so it can only stand in the outermost \`steps\`. Move it there."
    `);
  });
});

describe('wait, assert, approve', () => {
  test('what they say and wait for is checked like everything else', () => {
    expect(
      check(
        [
          '  - wait: ${{ size([1]) }}',
          '  - wait: ${{ inputs.pause }}',
          '  - assert: inputs.n',
          '    message: ${{ nothing }}',
          '  - assert: ${{ inputs.n == 1 }}',
          '  - assert: inputs.n == ${{ 1 }}',
          '  - approve: { message: "Go on with ${{ inputs.m }}?" }',
        ].join('\n'),
        'inputs:\n  pause: { type: string, prompt: "How ${{ long }}?" }\n  n: { type: number, env: N }\n',
      ),
    ).toMatchInlineSnapshot(`
      "inputs:
        pause: { type: string, prompt: "How \${{ long }}?" }
                                            ^^^^^^^^^^^^ expression-not-allowed: Expressions are not evaluated here. Write plain text.
        n: { type: number, env: N }
                           ^^^ unknown-key: Only a \`secret\` is read from the environment, and \`n\` is a \`number\`. Remove \`env\`.
      steps:
        - wait: \${{ size([1]) }}
                    ^^^^^^^^^ expression-type: \`wait\` must be a string, but this gives a whole number.
        - wait: \${{ inputs.pause }}
        - assert: inputs.n
                  ^^^^^^^^ expression-type: A condition must give true or false, but this gives a number.
          message: \${{ nothing }}
                       ^^^^^^^ unknown-name: Nothing is named \`nothing\` here. There are \`inputs\`, \`steps\` or \`run\`.
        - assert: \${{ inputs.n == 1 }}
        - assert: inputs.n == \${{ 1 }}
                  ^^^^^^^^^^^^^^^^^^^^ expression-syntax: A condition is one expression. Put one \`\${{ }}\` around all of it, or none.
        - approve: { message: "Go on with \${{ inputs.m }}?" }
                                                     ^ unknown-input: The runbook has no input \`m\`. Did you mean \`n\`?"
    `);
  });
});

test('a canary that takes in every item', () => {
  expect(
    check(
      '  - forEach: { vm: [a, b], canary: 2 }\n    steps: [{ wait: 1m }]\n  - forEach: { vm: [a, b], canary: 1 }\n    steps: [{ wait: 1m }]',
    ),
  ).toMatchInlineSnapshot(`
    "steps:
      - forEach: { vm: [a, b], canary: 2 }
                                       ^ pointless-canary: There are only 2 items, so every one is a canary. Choose fewer, or leave \`canary\` out.
        steps: [{ wait: 1m }]
      - forEach: { vm: [a, b], canary: 1 }
        steps: [{ wait: 1m }]"
  `);
});

test('windows: hours, days, zones', () => {
  expect(
    head(
      'window:\n  allow: [Sat 22:00-04:00, Sa 22:00-04:00, 22-04, "22:00-22:00", "${{ run.id }}"]\n  zone: Europe/Lodnon\nsteps:\n  - wait: 1m',
    ),
  ).toMatchInlineSnapshot(`
    "window:
      allow: [Sat 22:00-04:00, Sa 22:00-04:00, 22-04, "22:00-22:00", "\${{ run.id }}"]
                               ^^^^^^^^^^^^^^ bad-window: \`Sa 22:00-04:00\`: \`Sa\` is no day. Days are Mon, Tue, Wed, Thu, Fri, Sat, Sun; several as \`Mon-Fri\` or \`Sat,Sun\`.
                                               ^^^^^ bad-window: \`22-04\`: Write it as \`Sat 22:00-04:00\`, \`Mon-Fri 20:00-23:30\` or \`22:00-04:00\`.
                                                      ^^^^^^^^^^^^^ bad-window: \`22:00-22:00\`: It is never open: it begins and ends at the same time. For the whole day write \`00:00-24:00\`.
                                                                      ^^^^^^^^^^^^^ expression-not-allowed: Expressions are not evaluated here. Write plain text.
      zone: Europe/Lodnon
            ^^^^^^^^^^^^^ bad-window: There is no time zone \`Europe/Lodnon\`. Did you mean \`Europe/London\` or \`Europe/Lisbon\`?
    steps:
      - wait: 1m"
  `);
  expect(head('window: { allow: 25:00-26:00, zone: New York }\nsteps:\n  - wait: 1m')).toMatchInlineSnapshot(`
    "window: { allow: 25:00-26:00, zone: New York }
                     ^^^^^^^^^^^ bad-window: \`25:00-26:00\`: \`25:00\` is no time of day. Times go from 00:00 to 23:59, and a window may end at 24:00.
                                        ^^^^^^^^ bad-window: There is no time zone \`New York\`. Did you mean \`America/New_York\`?
    steps:
      - wait: 1m"
  `);
  expect(head('window: { allow: 22:00-04:00, zone: "+01:00" }\nsteps:\n  - wait: 1m')).toMatchInlineSnapshot(`
    "window: { allow: 22:00-04:00, zone: "+01:00" }
                                        ^^^^^^^^ bad-window: There is no time zone \`+01:00\`. Write its name, e.g. \`Europe/London\` or \`UTC\`.
    steps:
      - wait: 1m"
  `);
});

test('an empty zone is none', () => {
  expect(codes('version: 1\nname: x\nwindow: { allow: 22:00-04:00, zone: "" }\nsteps:\n  - wait: 1m')).toEqual([
    'bad-window',
  ]);
});

describe('secrets', () => {
  const inputs =
    'inputs:\n  token: { type: secret, prompt: "Token?", env: TOKEN }\n  other: { type: string, default: x }\n';

  test('no default, no enum', () => {
    expect(
      check(
        '  - wait: ${{ inputs.a + inputs.b }}',
        'inputs:\n  a: { type: secret, default: x }\n  b: { type: secret, enum: [x] }\n',
      ),
    ).toMatchInlineSnapshot(`
      "inputs:
        a: { type: secret, default: x }
                           ^^^^^^^ secret-default: What stands in the file is no secret. Remove \`default\`: \`a\` is taken from the environment variable \`VIRTBOOK_SECRET_A\`, or asked for.
        b: { type: secret, enum: [x] }
                           ^^^^ secret-default: What stands in the file is no secret. Remove \`enum\`: \`b\` is taken from the environment variable \`VIRTBOOK_SECRET_B\`, or asked for.
      steps:
        - wait: \${{ inputs.a + inputs.b }}
                    ^^^^^^^^ secret-misused: \`a\` is a secret, and what stands here is shown. A secret may stand in \`with\` only.
                               ^^^^^^^^ secret-misused: \`b\` is a secret, and what stands here is shown. A secret may stand in \`with\` only."
    `);
  });

  test('may be handed on in `with`, whole or joined to other text', () => {
    const text = [
      '  - uses: guest.run',
      '    with:',
      '      vm: a',
      '      argv: [run, "${{ inputs.token }}", "--token=${{ inputs[\'token\'] }}", "${{ \'Bearer \' + inputs.token }}"]',
      '  - uses: guest.run',
      "    with: { vm: a, argv: \"${{ ['run', inputs.other == '' ? inputs.token : inputs.other] }}\" }",
    ].join('\n');
    expect(check(text, inputs)).toBe(`${inputs}steps:\n${text}`);
  });

  test('nowhere else, and in no other form', () => {
    expect(
      head(
        [
          inputs.trimEnd(),
          'outputs: { token: "${{ inputs.token }}" }',
          'steps:',
          '  - name: With ${{ inputs.token }}',
          '    when: inputs.token != ""',
          '    uses: guest.run',
          '    with: { vm: "${{ inputs.token }}", argv: ["${{ inputs.token.substring(0, 3) }}", "${{ size(inputs.token) }}", "${{ inputs }}"] }',
          '  - uses: guest.run',
          '    with: { vm: "vm-${{ inputs.token }}", argv: ["${{ inputs.token == \'x\' ? \'a\' : inputs.other }}"] }',
          '  - forEach: { x: ["${{ inputs.token }}"] }',
          '    steps:',
          '      - wait: ${{ inputs.token }}',
          '  - assert: inputs.token == "x"',
          '    message: ${{ inputs.token }}',
          '  - approve: { message: "${{ inputs.token }}" }',
          '  - pointOfNoReturn: ${{ inputs.token }}',
        ].join('\n'),
      ),
    ).toMatchInlineSnapshot(`
      "inputs:
        token: { type: secret, prompt: "Token?", env: TOKEN }
        other: { type: string, default: x }
      outputs: { token: "\${{ inputs.token }}" }
                             ^^^^^^^^^^^^ secret-misused: \`token\` is a secret, and what stands here is shown. A secret may stand in \`with\` only.
      steps:
        - name: With \${{ inputs.token }}
                         ^^^^^^^^^^^^ secret-misused: \`token\` is a secret, and what stands here is shown. A secret may stand in \`with\` only.
          when: inputs.token != ""
                ^^^^^^^^^^^^ secret-misused: \`token\` is a secret, and what stands here is shown. A secret may stand in \`with\` only.
          uses: guest.run
          with: { vm: "\${{ inputs.token }}", argv: ["\${{ inputs.token.substring(0, 3) }}", "\${{ size(inputs.token) }}", "\${{ inputs }}"] }
                      ^^^^^^^^^^^^^^^^^^^^^ secret-misused: \`vm\` of \`guest.run\` is shown in plans, so a secret can't name it.
                                                         ^^^^^^^^^^^^ secret-misused: \`token\` is a secret. Hand it on as it is, or join it to other text with \`+\`: what else is made of it could not be struck from logs.
                                                                                                ^^^^^^^^^^^^^^^^^^ expression-type: An item of \`argv\` of \`guest.run\` must be a string, but this gives a whole number.
                                                                                                     ^^^^^^^^^^^^ secret-misused: \`token\` is a secret. Hand it on as it is, or join it to other text with \`+\`: what else is made of it could not be struck from logs.
                                                                                                                             ^^^^^^ secret-misused: There are secrets among the inputs. Name the one input that is meant.
                                                                                                                             ^^^^^^ expression-type: An item of \`argv\` of \`guest.run\` must be a string, but this gives an inputs.
        - uses: guest.run
          with: { vm: "vm-\${{ inputs.token }}", argv: ["\${{ inputs.token == 'x' ? 'a' : inputs.other }}"] }
                      ^^^^^^^^^^^^^^^^^^^^^^^^ secret-misused: \`vm\` of \`guest.run\` is shown in plans, so a secret can't name it.
                                                            ^^^^^^^^^^^^ secret-misused: \`token\` is a secret. Hand it on as it is, or join it to other text with \`+\`: what else is made of it could not be struck from logs.
        - forEach: { x: ["\${{ inputs.token }}"] }
                              ^^^^^^^^^^^^ secret-misused: \`token\` is a secret, and what stands here is shown. A secret may stand in \`with\` only.
          steps:
            - wait: \${{ inputs.token }}
                        ^^^^^^^^^^^^ secret-misused: \`token\` is a secret, and what stands here is shown. A secret may stand in \`with\` only.
        - assert: inputs.token == "x"
                  ^^^^^^^^^^^^ secret-misused: \`token\` is a secret, and what stands here is shown. A secret may stand in \`with\` only.
          message: \${{ inputs.token }}
                       ^^^^^^^^^^^^ secret-misused: \`token\` is a secret, and what stands here is shown. A secret may stand in \`with\` only.
        - approve: { message: "\${{ inputs.token }}" }
                                   ^^^^^^^^^^^^ secret-misused: \`token\` is a secret, and what stands here is shown. A secret may stand in \`with\` only.
        - pointOfNoReturn: \${{ inputs.token }}
                               ^^^^^^^^^^^^ secret-misused: \`token\` is a secret, and what stands here is shown. A secret may stand in \`with\` only."
    `);
  });
});
