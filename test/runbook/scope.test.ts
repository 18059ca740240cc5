import { describe, expect, test } from 'vitest';
import { codes, runbook, squiggles } from './marked';

const say = (expression: string) => `uses: guest.run\n    with: { vm: a, argv: ["\${{ ${expression} }}"] }\n`;
const check = (steps: string) => squiggles(runbook(steps)).split('\n').slice(3).join('\n');

describe('steps by id', () => {
  test('the same id twice', () => {
    expect(check(`  - id: a\n    ${say("'x'")}  - id: a\n    ${say("'x'")}`)).toMatchInlineSnapshot(`
      "  - id: a
          uses: guest.run
          with: { vm: a, argv: ["\${{ 'x' }}"] }
        - id: a
              ^ duplicate-id: Another step has the id \`a\` already. Rename one of them.
          uses: guest.run
          with: { vm: a, argv: ["\${{ 'x' }}"] }"
    `);
  });
  test('a step that does not exist', () => {
    expect(check(`  - id: patch\n    ${say("'x'")}  - ${say('steps.pach.outputs.stdout')}`)).toMatchInlineSnapshot(`
      "  - id: patch
          uses: guest.run
          with: { vm: a, argv: ["\${{ 'x' }}"] }
        - uses: guest.run
          with: { vm: a, argv: ["\${{ steps.pach.outputs.stdout }}"] }
                                           ^^^^ unknown-step: No step before this one has the id \`pach\`. Did you mean \`patch\`?"
    `);
  });
  test('an output that its action does not have', () => {
    expect(check(`  - id: a\n    ${say("'x'")}  - ${say('steps.a.outputs.stout')}`)).toMatchInlineSnapshot(`
      "  - id: a
          uses: guest.run
          with: { vm: a, argv: ["\${{ 'x' }}"] }
        - uses: guest.run
          with: { vm: a, argv: ["\${{ steps.a.outputs.stout }}"] }
                                                     ^^^^^ unknown-output: \`guest.run\` has no output \`stout\`. Did you mean \`stdout\`?"
    `);
    expect(check(`  - id: a\n    ${say("'x'")}  - ${say('steps.a.stdout')}`)).toMatchInlineSnapshot(`
      "  - id: a
          uses: guest.run
          with: { vm: a, argv: ["\${{ 'x' }}"] }
        - uses: guest.run
          with: { vm: a, argv: ["\${{ steps.a.stdout }}"] }
                                             ^^^^^^ unknown-output: Step \`a\` has no \`stdout\`. Did you mean \`outputs.stdout\`?"
    `);
  });
  test('before it has run', () => {
    expect(
      check(`  - ${say('steps.later.outputs.stdout')}  - id: later\n    ${say('steps.later.outputs.stdout')}`),
    ).toMatchInlineSnapshot(`
      "  - uses: guest.run
          with: { vm: a, argv: ["\${{ steps.later.outputs.stdout }}"] }
                                           ^^^^^ use-before-definition: Step \`later\` has not run yet here. Move it above this step, or use it below.
        - id: later
          uses: guest.run
          with: { vm: a, argv: ["\${{ steps.later.outputs.stdout }}"] }
                                           ^^^^^ use-before-definition: Step \`later\` has not run yet here. Move it above this step, or use it below."
    `);
  });
  test('from outside a forEach, and the way in', () => {
    const loop = `  - id: each\n    forEach: { vm: [a, b] }\n    steps:\n      - id: inner\n        uses: guest.run\n        with: { vm: "\${{ vm }}", argv: ["\${{ string(index) }}"] }\n`;
    expect(check(`${loop}  - ${say('steps.inner.outputs.stdout')}`)).toMatchInlineSnapshot(`
      "  - id: each
          forEach: { vm: [a, b] }
          steps:
            - id: inner
              uses: guest.run
              with: { vm: "\${{ vm }}", argv: ["\${{ string(index) }}"] }
        - uses: guest.run
          with: { vm: a, argv: ["\${{ steps.inner.outputs.stdout }}"] }
                                           ^^^^^ out-of-scope: Step \`inner\` ran once per item. Read \`steps.each.outputs[item].inner\`."
    `);
    expect(check(`${loop}  - ${say("steps.each.outputs['a'].inner.stdout")}`)).not.toContain('^');
    expect(check(`${loop}  - ${say("steps.each.outputs['a'].inner.stdot")}`)).toMatchInlineSnapshot(`
      "  - id: each
          forEach: { vm: [a, b] }
          steps:
            - id: inner
              uses: guest.run
              with: { vm: "\${{ vm }}", argv: ["\${{ string(index) }}"] }
        - uses: guest.run
          with: { vm: a, argv: ["\${{ steps.each.outputs['a'].inner.stdot }}"] }
                                                                   ^^^^^ unknown-output: \`guest.run\` has no output \`stdot\`. Did you mean \`stdout\`?"
    `);
    expect(check(`${loop}  - ${say('string(index) + vm')}`)).toMatchInlineSnapshot(`
      "  - id: each
          forEach: { vm: [a, b] }
          steps:
            - id: inner
              uses: guest.run
              with: { vm: "\${{ vm }}", argv: ["\${{ string(index) }}"] }
        - uses: guest.run
          with: { vm: a, argv: ["\${{ string(index) + vm }}"] }
                                            ^^^^^ unknown-name: Nothing is named \`index\` here. There are \`inputs\`, \`steps\` or \`run\`; \`index\` exists inside \`forEach\` only.
                                                     ^^ unknown-name: Nothing is named \`vm\` here. There are \`inputs\`, \`steps\` or \`run\`."
    `);
  });
  test('inside a group, and after it', () => {
    const group = `  - id: group\n    steps:\n      - id: inner\n        uses: guest.run\n        with: { vm: a, argv: [b] }\n`;
    expect(check(`${group}  - ${say('steps.inner.outputs.stdout + steps.group.outputs.inner.stdout')}`)).not.toContain(
      '^',
    );
  });
  test('in a rollback the step itself has outputs; nobody sees into it', () => {
    const step =
      '  - id: a\n    uses: guest.run\n    with: { vm: a, argv: [b] }\n    rollback:\n      - id: back\n        uses: guest.run\n        with: { vm: a, argv: ["${{ steps.a.outputs.stdout }}"] }\n';
    expect(check(step)).not.toContain('^');
    expect(codes(runbook(`${step}  - ${say('steps.back.outputs.stdout')}`))).toEqual(['out-of-scope']);
  });
  test('loop variables', () => {
    const loop = (variable: string) =>
      `  - forEach: { ${variable}: [a] }\n    steps:\n      - uses: vm.start\n        with: { vm: "\${{ ${variable} }}" }\n`;
    expect(codes(runbook(loop('vm')))).toEqual([]);
    expect(check(loop('steps'))).toContain('reserved-name');
    expect(
      codes(
        runbook(
          '  - forEach: { a: [x] }\n    steps:\n      - forEach: { a: [y] }\n        steps:\n          - uses: vm.start\n            with: { vm: "${{ a }}" }',
        ),
      ),
    ).toEqual(['reserved-name']);
  });
});

describe('about operations', () => {
  test('a retry of what is not safe to repeat', () => {
    expect(
      check('  - uses: vm.migrate\n    with: { vm: a, to: b }\n    retry: { attempts: 3 }'),
    ).toMatchInlineSnapshot(`
      "  - uses: vm.migrate
          with: { vm: a, to: b }
          retry: { attempts: 3 }
          ^^^^^ retry-not-idempotent: \`vm.migrate\` does more when it is run twice, so a retry may do harm. Leave \`retry\` out, or make sure that repeating is safe."
    `);
    expect(codes(runbook('  - uses: vm.start\n    with: { vm: a }\n    retry: { attempts: 3 }'))).toEqual([]);
  });
  test('an input that nothing uses', () => {
    const unused = 'inputs:\n  vm: { type: vm }\n  other: { type: vm }\n';
    expect(
      squiggles(runbook('  - uses: vm.start\n    with: { vm: "${{ inputs.vm }}" }', unused)),
    ).toMatchInlineSnapshot(`
      "version: 1
      name: Sample
      inputs:
        vm: { type: vm }
        other: { type: vm }
        ^^^^^ unused-input: Nothing uses the input \`other\`. Remove it, or use it as \`\${{ inputs.other }}\`.
      steps:
        - uses: vm.start
          with: { vm: "\${{ inputs.vm }}" }"
    `);
    expect(
      codes(
        runbook(
          '  - uses: guest.run\n    with: { vm: "${{ inputs.vm }}", argv: ["${{ inputs[\'oth\' + \'er\'] }}"] }',
          unused,
        ),
      ),
    ).toEqual([]);
  });
});
