import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { YamlSource } from '../../src/runbook/yaml-source';
import { runbook, squiggles } from './marked';

const inputs =
  'inputs:\n  vms: { type: vms }\n  count: { type: number }\n  name: { type: string }\n  force: { type: boolean }\n';
const use =
  '  - uses: guest.run\n    with: { vm: "${{ inputs.name }}", argv: ["${{ string(inputs.count) }}", "${{ inputs.vms[0] }}", "${{ string(inputs.force) }}"] }\n';
const check = (steps: string) =>
  squiggles(runbook(`${use}${steps}`, inputs))
    .split('\n')
    .slice(10)
    .join('\n');

describe('expressions', () => {
  test('syntax, in every style of YAML string', () => {
    expect(check('  - uses: vm.start\n    with: { vm: "${{ inputs. }}" }')).toMatchInlineSnapshot(`
      "  - uses: vm.start
          with: { vm: "\${{ inputs. }}" }
                                  ^ expression-syntax: The expression is not finished."
    `);
    expect(check("  - uses: vm.start\n    with:\n      vm: 'it''s ${{ 1 + }}'")).toMatchInlineSnapshot(`
      "  - uses: vm.start
          with:
            vm: 'it''s \${{ 1 + }}'
                              ^ expression-syntax: The expression is not finished."
    `);
    expect(check('  - uses: vm.start\n    with:\n      vm: "a\\tb\\u0041 ${{ nope }}"')).toMatchInlineSnapshot(`
      "  - uses: vm.start
          with:
            vm: "a\\tb\\u0041 \${{ nope }}"
                                ^^^^ unknown-name: Nothing is named \`nope\` here. There are \`inputs\`, \`steps\` or \`run\`."
    `);
    expect(check('  - uses: vm.start\n    with:\n      vm: ${{ nope }}')).toMatchInlineSnapshot(`
      "  - uses: vm.start
          with:
            vm: \${{ nope }}
                    ^^^^ unknown-name: Nothing is named \`nope\` here. There are \`inputs\`, \`steps\` or \`run\`."
    `);
    expect(
      check(
        '  - uses: guest.run\n    with:\n      vm: a\n      argv: [a]\n      stdin: |\n        line one\n          ${{ nope }}\n',
      ),
    ).toMatchInlineSnapshot(`
      "  - uses: guest.run
          with:
            vm: a
            argv: [a]
            stdin: |
              line one
                \${{ nope }}
                    ^^^^ unknown-name: Nothing is named \`nope\` here. There are \`inputs\`, \`steps\` or \`run\`."
    `);
    expect(
      check(
        '  - uses: guest.run\n    with:\n      vm: a\n      argv: [a]\n      stdin: >-\n        line one\n        is folded ${{ nope }}\n',
      ),
    ).toMatchInlineSnapshot(`
      "  - uses: guest.run
          with:
            vm: a
            argv: [a]
            stdin: >-
              line one
              is folded \${{ nope }}
                            ^^^^ unknown-name: Nothing is named \`nope\` here. There are \`inputs\`, \`steps\` or \`run\`."
    `);
  });
  test('braces that are missing, empty, or part of the expression', () => {
    expect(check('  - uses: vm.start\n    with: { vm: "${{ inputs.name" }')).toMatchInlineSnapshot(`
      "  - uses: vm.start
          with: { vm: "\${{ inputs.name" }
                       ^^^^^^^^^^^^^^^ expression-syntax: The closing \`}}\` is missing."
    `);
    expect(check('  - uses: vm.start\n    with: { vm: "${{ }}" }')).toMatchInlineSnapshot(`
      "  - uses: vm.start
          with: { vm: "\${{ }}" }
                          ^ expression-syntax: There is no expression between the braces. Write one, or remove them."
    `);
    expect(check("  - uses: vm.start\n    with: { vm: \"${{ {'a': '}}'}.a }}\" }")).not.toContain('^');
    expect(check('  - uses: vm.start\n    with: { vm: "$${{ nope }}" }')).not.toContain('^');
  });
  test('names', () => {
    expect(
      check('  - uses: vm.start\n    with: { vm: "${{ input.name }} ${{ inputs.nmae }} ${{ name }} ${{ vm }}" }'),
    ).toMatchInlineSnapshot(`
      "  - uses: vm.start
          with: { vm: "\${{ input.name }} \${{ inputs.nmae }} \${{ name }} \${{ vm }}" }
                           ^^^^^ unknown-name: Nothing is named \`input\` here. Did you mean \`inputs\`?
                                                    ^^^^ unknown-input: The runbook has no input \`nmae\`. Did you mean \`name\`?
                                                                ^^^^ unknown-name: Nothing is named \`name\` here. Did you mean \`inputs.name\`?
                                                                            ^^ unknown-name: Nothing is named \`vm\` here. There are \`inputs\`, \`steps\` or \`run\`."
    `);
    expect(check('  - uses: vm.start\n    with: { vm: "${{ inputs.vms.map(x, x + y)[0] }}" }')).toMatchInlineSnapshot(`
      "  - uses: vm.start
          with: { vm: "\${{ inputs.vms.map(x, x + y)[0] }}" }
                                                 ^ unknown-name: Nothing is named \`y\` here. There are \`inputs\`, \`steps\` or \`run\`."
    `);
  });
  test('types inside an expression', () => {
    expect(check('  - uses: vm.start\n    with: { vm: "${{ inputs.name + 1 }}" }')).toMatchInlineSnapshot(`
      "  - uses: vm.start
          with: { vm: "\${{ inputs.name + 1 }}" }
                           ^^^^^^^^^^^^^^^ expression-type: These types don't go together: string + int. Convert one side with \`string(…)\`, \`int(…)\` or \`double(…)\`."
    `);
    expect(check('  - uses: vm.start\n    with: { vm: "${{ inputs.name.upper() }}" }')).toMatchInlineSnapshot(`
      "  - uses: vm.start
          with: { vm: "\${{ inputs.name.upper() }}" }
                           ^^^^^^^^^^^^^^^^^^^ expression-type: There is no such function for these types: 'string.upper()'."
    `);
    expect(check('  - uses: vm.start\n    with: { vm: "${{ inputs.vms.name }}" }')).toMatchInlineSnapshot(`
      "  - uses: vm.start
          with: { vm: "\${{ inputs.vms.name }}" }
                                      ^^^^ expression-type: This is a list of strings. Take one item with \`[0]\`, or all with \`.map(x, x.name)\`."
    `);
  });
  test('a number that may be whole or not is no text', () => {
    expect(
      check('  - when: inputs.count + "x" == "3x" || inputs.count > 2.5\n    uses: vm.start\n    with: { vm: a }'),
    ).toMatchInlineSnapshot(`
      "  - when: inputs.count + "x" == "3x" || inputs.count > 2.5
                ^^^^^^^^^^^^^^^^^^ expression-type: These types don't go together: number + string. Convert one side with \`string(…)\`, \`int(…)\` or \`double(…)\`.
          uses: vm.start
          with: { vm: a }"
    `);
    expect(
      check('  - when: inputs.count * 2 > 2.5 && inputs.count != null\n    uses: vm.start\n    with: { vm: a }'),
    ).not.toContain('^');
  });
  test('types against what the input takes', () => {
    expect(
      check('  - uses: vm.start\n    with: { vm: "${{ inputs.vms }}", waitForGuest: "${{ inputs.force }}" }'),
    ).toMatchInlineSnapshot(`
      "  - uses: vm.start
          with: { vm: "\${{ inputs.vms }}", waitForGuest: "\${{ inputs.force }}" }
                           ^^^^^^^^^^ expression-type: \`vm\` of \`vm.start\` must be a string, but this gives a list of strings.
                                                              ^^^^^^^^^^^^ expression-type: \`waitForGuest\` of \`vm.start\` must be a whole number, but this gives a boolean."
    `);
    expect(
      check('  - uses: vm.start\n    with: { vm: a, waitForGuest: "about ${{ inputs.count }}" }'),
    ).toMatchInlineSnapshot(`
      "  - uses: vm.start
          with: { vm: a, waitForGuest: "about \${{ inputs.count }}" }
                                       ^^^^^^^^^^^^^^^^^^^^^^^^^^^ expression-type: \`waitForGuest\` of \`vm.start\` must be a whole number, but text with an expression in it is a string. Write nothing around the \`\${{ }}\`."
    `);
    expect(check('  - uses: vm.start\n    with: { vm: a, waitForGuest: "${{ inputs.count }}" }')).not.toContain('^');
  });
  test('conditions give true or false', () => {
    expect(check('  - when: inputs.name\n    uses: vm.start\n    with: { vm: a }')).toMatchInlineSnapshot(`
      "  - when: inputs.name
                ^^^^^^^^^^^ expression-type: A condition must give true or false, but this gives a string.
          uses: vm.start
          with: { vm: a }"
    `);
    expect(
      check('  - when: ${{ inputs.force }} && true\n    uses: vm.start\n    with: { vm: a }'),
    ).toMatchInlineSnapshot(`
      "  - when: \${{ inputs.force }} && true
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^ expression-syntax: A condition is one expression. Put one \`\${{ }}\` around all of it, or none.
          uses: vm.start
          with: { vm: a }"
    `);
    expect(
      check('  - when: inputs.force && size(inputs.vms) > 2\n    uses: vm.start\n    with: { vm: a }'),
    ).not.toContain('^');
  });
  test('what is not known gives no diagnostic', () => {
    expect(
      check(
        '  - forEach: { item: "${{ [1, \'a\'] }}" }\n    steps:\n      - uses: vm.start\n        with: { vm: "${{ item.anything }}" }',
      ),
    ).not.toContain('^');
  });
  test('where none is evaluated', () => {
    const text = 'version: 1\nname: Patch ${{ inputs.vm }}\nsteps:\n  - uses: vm.start\n    with: { vm: a }';
    expect(squiggles(text)).toMatchInlineSnapshot(`
      "version: 1
      name: Patch \${{ inputs.vm }}
                  ^^^^^^^^^^^^^^^^ expression-not-allowed: Expressions are not evaluated here. Write plain text.
      steps:
        - uses: vm.start
          with: { vm: a }"
    `);
  });
  test('loops over loops over loops', () => {
    const loop = 'inputs.vms.all(a, inputs.vms.all(b, inputs.vms.all(c, inputs.vms.all(d, a + b + c + d != ""))))';
    expect(check(`  - when: ${loop}\n    uses: vm.start\n    with: { vm: a }`)).toContain('expression-too-costly');
  });
});

describe('from a place in a string to its place in the text', () => {
  const letters = fc.stringMatching(/^[a-z ${}'"\\\n:#-]{0,40}$/);
  const style = fc.constantFrom('PLAIN', 'QUOTE_DOUBLE', 'QUOTE_SINGLE', 'BLOCK_LITERAL', 'BLOCK_FOLDED');
  test('each character of a value stands where its offset says', () => {
    fc.assert(
      fc.property(letters, style, fc.boolean(), (value, defaultStringType, crlf) => {
        let text = stringify(
          { before: 1, list: [{ key: value }] },
          { defaultStringType: defaultStringType as 'PLAIN', lineWidth: 30 },
        );
        if (crlf) text = text.replaceAll('\n', '\r\n');
        const source = new YamlSource(text);
        const scalar = source.scalar('/list/0/key');
        if (!scalar) return;
        for (let index = 0; index < scalar.value.length; index++) {
          const char = scalar.value[index]!;
          const there = text[scalar.offset(index)]!;
          if (/[a-z${}:#-]/.test(char)) expect(there).toBe(char);
          else if (char === '"' || char === '\\') expect(['"', '\\']).toContain(there);
          expect(scalar.offset(index)).toBeLessThan(scalar.end);
          if (index > 0) expect(scalar.offset(index)).toBeGreaterThanOrEqual(scalar.offset(index - 1));
        }
      }),
      // The first line of text comes after one of spaces only.
      { numRuns: 2000, examples: [[' \n  \\', 'PLAIN', false]] },
    );
  });
});
