import { describe, expect, test } from 'vitest';
import { actions } from '../../src/actions/catalogue';
import { calledPath } from '../../src/runbook/calls';
import { checkRunbook } from '../../src/runbook/check';
import { linkRunbooks } from '../../src/runbook/link';
import { type CallStep, everyStep, type Runbook } from '../../src/runbook/model';
import { parseRunbook } from '../../src/runbook/parse';
import { marked, runbook } from './marked';

type Files = Record<string, string>;

const check = (text: string, files: Files) => {
  const runbooks = (path: string) => (Object.hasOwn(files, path) ? parseRunbook(files[path]!) : null);
  const found = checkRunbook(parseRunbook(text), { actions, runbooks, path: 'main.runbook.yaml' });
  return marked(text, found).split('\n').slice(2).join('\n');
};

const link = async (text: string, files: Files, asked: string[] = []) => {
  const read = async (path: string) => {
    asked.push(path);
    return files[path];
  };
  return linkRunbooks(parseRunbook(text).draft, '/home/me/books/main.runbook.yaml', read, { actions });
};

const call = (path: string, more = '') => runbook(`  - uses: ${path}\n${more}`);
const leaf = runbook('  - wait: 1m\n');
const called = (runbook: Runbook | undefined, index = 0) => (runbook?.steps[index] as CallStep | undefined)?.runbook;

test('paths are relative to the file they stand in, and then to the outermost', () => {
  expect(calledPath('main.runbook.yaml', './a.runbook.yaml')).toBe('a.runbook.yaml');
  expect(calledPath('parts/a.runbook.yaml', './b.runbook.yaml')).toBe('parts/b.runbook.yaml');
  expect(calledPath('parts/a.runbook.yaml', '../b.runbook.yaml')).toBe('b.runbook.yaml');
  expect(calledPath('a.runbook.yaml', '../../b.runbook.yaml')).toBe('../../b.runbook.yaml');
  expect(calledPath('../x/a.runbook.yaml', './.././/b.runbook.yaml')).toBe('../b.runbook.yaml');
});

describe('linking', () => {
  test('fills in what is called, with pointers that name the file', async () => {
    const asked: string[] = [];
    const part = [
      'version: 1',
      'name: Part',
      'steps:',
      '  - parallel:',
      '      - uses: ../deep.runbook.yaml',
      '      - steps: [{ wait: 1m }]',
      '  - uses: vm.start',
      '    with: { vm: web1 }',
      '    rollback:',
      '      - uses: vm.shutdown',
      '        with: { vm: web1 }',
      'finally:',
      '  - uses: ../deep.runbook.yaml',
    ].join('\n');
    const { runbook: linked, problems } = await link(
      call('./parts/part.runbook.yaml'),
      { 'parts/part.runbook.yaml': part, 'deep.runbook.yaml': leaf },
      asked,
    );
    expect(problems).toEqual([]);
    expect(asked).toEqual(['parts/part.runbook.yaml', 'deep.runbook.yaml']);
    expect(linked.steps[0]!.pointer).toBe('/steps/0');
    const inner = called(linked)!;
    expect(everyStep(inner).map(step => step.pointer)).toEqual([
      'parts/part.runbook.yaml#/steps/0',
      'parts/part.runbook.yaml#/steps/0/parallel/0',
      'parts/part.runbook.yaml#/steps/0/parallel/1',
      'parts/part.runbook.yaml#/steps/0/parallel/1/steps/0',
      'parts/part.runbook.yaml#/steps/1',
      'parts/part.runbook.yaml#/steps/1/rollback/0',
      'parts/part.runbook.yaml#/finally/0',
    ]);
    const deep = everyStep(inner).flatMap(step => (step.kind === 'call' ? [step.runbook!] : []));
    expect(deep.map(one => one.steps[0]!.pointer)).toEqual(Array(2).fill('deep.runbook.yaml#/steps/0'));
  });

  test('a runbook that calls nothing is left as it is, and nothing is read', async () => {
    const { draft } = parseRunbook(leaf);
    const { runbook: linked } = await linkRunbooks(draft, 'x', () => Promise.reject(new Error('read')));
    expect(linked).toBe(draft);
  });

  test('a file that is missing, broken, unreadable, or wrong where only the checks see it', async () => {
    const text = runbook(
      ['missing', 'broken', 'wrong', 'outer'].map(name => `  - uses: ./${name}.runbook.yaml\n`).join(''),
    );
    const { problems } = await link(text, {
      'broken.runbook.yaml': 'version: 1\nname: Broken\nsteps:\n  - use: vm.start\n',
      'wrong.runbook.yaml': runbook('  - wait: ${{ inputs.pause }}\n'),
      'outer.runbook.yaml': call('./missing.runbook.yaml'),
    });
    expect(problems).toEqual([
      {
        code: 'call-not-found',
        message: 'There is no runbook `missing.runbook.yaml`. Correct the path, or write it.',
        pointer: '/steps/0/uses',
      },
      {
        code: 'call-broken',
        message:
          "`broken.runbook.yaml` can't be called, it has errors: broken.runbook.yaml:4: A step has no key `use`. Did you mean `uses`?",
        pointer: '/steps/1/uses',
      },
      {
        code: 'call-broken',
        message:
          "`wrong.runbook.yaml` can't be called, it has errors: wrong.runbook.yaml:4: The runbook has no input `pause`. Declare it under `inputs:`.",
        pointer: '/steps/2/uses',
      },
      {
        code: 'call-broken',
        message:
          "`outer.runbook.yaml` can't be called, it has errors: outer.runbook.yaml:4: There is no runbook `missing.runbook.yaml`. Correct the path, or write it.",
        pointer: '/steps/3/uses',
      },
    ]);
    const failing = await linkRunbooks(parseRunbook(call('./a.runbook.yaml')).draft, 'main', () =>
      Promise.reject(new Error('EACCES: permission denied')),
    );
    expect(failing.problems[0]?.message).toBe("`a.runbook.yaml` can't be read: EACCES: permission denied");
  });

  test('cycles name the chain', async () => {
    const self = await link(call('./main.runbook.yaml'), {});
    expect(self.problems.map(one => one.message)).toEqual([
      'The runbook calls itself: `main.runbook.yaml` → `main.runbook.yaml`. Take one of these calls out.',
    ]);
    const far = await link(call('./a/b.runbook.yaml'), {
      'a/b.runbook.yaml': call('./c.runbook.yaml'),
      'a/c.runbook.yaml': call('../main.runbook.yaml'),
    });
    expect(far.problems).toEqual([
      {
        code: 'call-cycle',
        message:
          'The runbook calls itself: `main.runbook.yaml` → `a/b.runbook.yaml` → `a/c.runbook.yaml` → `main.runbook.yaml`. Take one of these calls out.',
        pointer: '/steps/0/uses',
      },
    ]);
    const other = await link(call('./b.runbook.yaml'), {
      'b.runbook.yaml': call('./c.runbook.yaml'),
      'c.runbook.yaml': call('./b.runbook.yaml'),
    });
    expect(other.problems.map(one => one.message)).toEqual([
      'The runbook calls itself: `b.runbook.yaml` → `c.runbook.yaml` → `b.runbook.yaml`. Take one of these calls out.',
    ]);
  });

  test('too deep, or too many in all, is refused', async () => {
    const chain = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`${index}.runbook.yaml`, call(`./${index + 1}.runbook.yaml`)]),
    );
    const deep = await link(call('./0.runbook.yaml'), { ...chain, '20.runbook.yaml': leaf });
    expect(deep.problems[0]?.code).toBe('call-broken');
    expect(deep.problems[0]?.message).toContain('more than 16 deep');
    const ten = (path: string) => runbook(`  - uses: ${path}\n`.repeat(10));
    const wide = await link(ten('./0.runbook.yaml'), {
      ...Object.fromEntries(
        Array.from({ length: 9 }, (_, index) => [`${index}.runbook.yaml`, ten(`./${index + 1}.runbook.yaml`)]),
      ),
      '9.runbook.yaml': leaf,
    });
    expect(wide.problems.map(one => one.message)).toEqual([
      'With all its calls this runbook has more than 100000 steps. Call fewer, or use `forEach`.',
    ]);
  });

  test('one with a point of no return can only be run by itself', async () => {
    const { problems } = await link(call('./a.runbook.yaml'), {
      'a.runbook.yaml': runbook('  - pointOfNoReturn: From here on.\n  - wait: 1m\n'),
    });
    expect(problems.map(one => one.code)).toEqual(['misplaced-no-return']);
  });
});

describe('checking a call', () => {
  const part = [
    'version: 1',
    'name: Part',
    'inputs:',
    '  vm: { type: vm, description: The one to move. }',
    '  count: { type: number, default: 1 }',
    '  mode: { type: string, default: a, enum: [a, b] }',
    'outputs:',
    '  moved: ${{ steps.move.outputs.to }}',
    '  text: moved ${{ inputs.vm }}',
    '  times: 3',
    '  deeper: ${{ steps.inner.outputs.moved }}',
    'steps:',
    '  - id: move',
    '    uses: vm.migrate',
    '    with: { vm: "${{ inputs.vm }}", to: hv2 }',
    '  - id: inner',
    '    when: inputs.count > 1 && inputs.mode == "a"',
    '    uses: ./deeper.runbook.yaml',
  ].join('\n');
  const files = {
    'part.runbook.yaml': part,
    'deeper.runbook.yaml': 'version: 1\nname: Deeper\noutputs: { moved: "x" }\nsteps:\n  - wait: 1m\n',
  };

  test('its inputs: missing, unknown, of a wrong type, not allowed', () => {
    expect(
      check(
        runbook(
          [
            '  - uses: ./part.runbook.yaml',
            '  - uses: ./part.runbook.yaml',
            '    with: { vmm: web1, count: many, mode: c }',
            '  - uses: ./part.runbook.yaml',
            '    with: { vm: "${{ 3 }}", count: "${{ size([1]) }}" }',
          ].join('\n'),
        ),
        files,
      ),
    ).toMatchInlineSnapshot(`
      "steps:
        - uses: ./part.runbook.yaml
                ^^^^^^^^^^^^^^^^^^^ missing-key: \`./part.runbook.yaml\` needs \`vm\`: The one to move.
        - uses: ./part.runbook.yaml
                ^^^^^^^^^^^^^^^^^^^ missing-key: \`./part.runbook.yaml\` needs \`vm\`: The one to move.
          with: { vmm: web1, count: many, mode: c }
                  ^^^ unknown-key: \`./part.runbook.yaml\` has no input \`vmm\`. Did you mean \`vm\`?
                             ^^^^^ wrong-type: \`count\` of \`./part.runbook.yaml\` must be a number.
                                          ^^^^ wrong-value: \`mode\` of \`./part.runbook.yaml\` is not one of the values of \`enum\`.
        - uses: ./part.runbook.yaml
          with: { vm: "\${{ 3 }}", count: "\${{ size([1]) }}" }
                           ^ expression-type: \`vm\` of \`./part.runbook.yaml\` must be a string, but this gives a whole number."
    `);
  });

  test('its outputs', () => {
    expect(
      check(
        runbook(
          [
            '  - id: part',
            '    uses: ./part.runbook.yaml',
            '    with: { vm: web1 }',
            '  - name: ${{ steps.part.outputs.moved }} ${{ steps.part.outputs.mved }}',
            '    when: steps.part.outputs.times == 3 && steps.part.outputs.text',
            '    wait: ${{ steps.part.outputs.deeper }}',
            '  - wait: ${{ steps.part.outputs.times }}',
          ].join('\n'),
        ),
        files,
      ),
    ).toMatchInlineSnapshot(`
      "steps:
        - id: part
          uses: ./part.runbook.yaml
          with: { vm: web1 }
        - name: \${{ steps.part.outputs.moved }} \${{ steps.part.outputs.mved }}
                                                                       ^^^^ unknown-output: \`./part.runbook.yaml\` has no output \`mved\`. Did you mean \`moved\`?
          when: steps.part.outputs.times == 3 && steps.part.outputs.text
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ expression-type: Logical operator requires bool operands, got 'string'.
          wait: \${{ steps.part.outputs.deeper }}
        - wait: \${{ steps.part.outputs.times }}
                    ^^^^^^^^^^^^^^^^^^^^^^^^ expression-type: \`wait\` must be a string, but this gives a whole number."
    `);
  });

  test('the file: missing, broken, calling itself', () => {
    expect(
      check(
        runbook(
          [
            '  - uses: ./missing.runbook.yaml',
            '  - uses: ./broken.runbook.yaml',
            '  - uses: ./main.runbook.yaml',
            '  - uses: ./back.runbook.yaml',
            '  - uses: ./final.runbook.yaml',
            '  - uses: ./${{ run.id }}.runbook.yaml',
          ].join('\n'),
        ),
        {
          ...files,
          'broken.runbook.yaml': 'version: 1\nname: [\n',
          'back.runbook.yaml': call('./main.runbook.yaml'),
          'main.runbook.yaml': call('./back.runbook.yaml'),
          'final.runbook.yaml': runbook('  - pointOfNoReturn: why\n'),
        },
      ),
    ).toMatchInlineSnapshot(`
      "steps:
        - uses: ./missing.runbook.yaml
                ^^^^^^^^^^^^^^^^^^^^^^ call-not-found: There is no runbook \`missing.runbook.yaml\`. Correct the path, or write it.
        - uses: ./broken.runbook.yaml
                ^^^^^^^^^^^^^^^^^^^^^ call-broken: \`broken.runbook.yaml\` can't be called, it has errors: broken.runbook.yaml:2: The closing \`]\` is missing.
        - uses: ./main.runbook.yaml
                ^^^^^^^^^^^^^^^^^^^ call-cycle: The runbook calls itself: \`main.runbook.yaml\` → \`main.runbook.yaml\`. Take one of these calls out.
        - uses: ./back.runbook.yaml
                ^^^^^^^^^^^^^^^^^^^ call-cycle: The runbook calls itself: \`main.runbook.yaml\` → \`back.runbook.yaml\` → \`main.runbook.yaml\`. Take one of these calls out.
        - uses: ./final.runbook.yaml
                ^^^^^^^^^^^^^^^^^^^^ misplaced-no-return: \`final.runbook.yaml\` has a point of no return, so it can't be called. Move that to the runbook that calls it.
        - uses: ./\${{ run.id }}.runbook.yaml
                  ^^^^^^^^^^^^^^^^^^^^^^^^^^ expression-not-allowed: Expressions are not evaluated here. Write plain text."
    `);
  });

  test('without a way to other files nothing is said of them', () => {
    const text = runbook(
      '  - id: a\n    uses: ./a.runbook.yaml\n    with: { x: 1 }\n  - wait: ${{ steps.a.outputs.y }}\n',
    );
    expect(checkRunbook(parseRunbook(text), { actions })).toEqual([]);
    expect(checkRunbook(parseRunbook(text), { actions, runbooks: () => undefined })).toEqual([]);
  });
});
