import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, test } from 'vitest';
import { createOnigScanner, createOnigString, loadWASM } from 'vscode-oniguruma';
import { type IGrammar, INITIAL, parseRawGrammar, Registry } from 'vscode-textmate';

const grammars = new Map<string, IGrammar>();

beforeAll(async () => {
  const wasm = await readFile(createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm'));
  await loadWASM(new Uint8Array(wasm).buffer);
  const registry = new Registry({
    onigLib: Promise.resolve({ createOnigScanner, createOnigString }),
    loadGrammar: async scope => {
      const path = `syntaxes/${scope.replace('source.', '')}.tmLanguage.json`;
      return parseRawGrammar(await readFile(path, 'utf8'), path);
    },
  });
  for (const name of ['virt-runbook', 'virt-inventory']) {
    grammars.set(name, (await registry.loadGrammar(`source.${name}`))!);
  }
});

/** Short names of the scopes that are looked at. */
const short: [RegExp, string][] = [
  [/comment/, 'comment'],
  [/constant\.character\.escape/, 'escape'],
  [/punctuation\.section\.embedded/, 'braces'],
  [/punctuation\.section\.brackets\.cel|punctuation\.accessor/, ''],
  [/string\.quoted.*\.cel/, 'celString'],
  [/variable\.language\.cel/, 'root'],
  [/variable\.other\.property\.cel/, 'property'],
  [/variable\.other\.cel/, 'variable'],
  [/support\.function\.macro\.cel/, 'macro'],
  [/entity\.name\.function\.cel/, 'function'],
  [/keyword\.operator.*\.cel/, 'operator'],
  [/constant.*\.cel/, 'constant'],
  [/support\.function\.action/, 'action'],
  [/entity\.name\.tag/, 'key'],
  [/entity\.name\.type\.anchor|variable\.other\.alias|storage\.type\.tag/, 'anchor'],
  [/constant\.(language|numeric)/, 'constant'],
  [/^string/, 'text'],
  [/meta\.embedded/, 'expression'],
];

/** `text:scope` of every piece of a line that has one; pieces of one scope that touch are joined. */
function coloured(text: string, language = 'virt-runbook'): string[] {
  const grammar = grammars.get(language)!;
  let state = INITIAL;
  return text.split('\n').map(line => {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
    state = ruleStack;
    const pieces: { text: string; kind: string }[] = [];
    for (const { startIndex, endIndex, scopes } of tokens) {
      // The innermost scope that has a name here.
      const kind = scopes.toReversed().flatMap(scope => short.find(([pattern]) => pattern.test(scope))?.[1] ?? [])[0];
      const piece = line.slice(startIndex, endIndex);
      const last = pieces.at(-1);
      if (last && last.kind === (kind ?? '')) last.text += piece;
      else pieces.push({ text: piece, kind: kind ?? '' });
    }
    return pieces
      .filter(piece => piece.kind !== '' && piece.kind !== 'expression' && piece.text.trim() !== '')
      .map(piece => `${piece.text.trim()}:${piece.kind}`)
      .join(' ');
  });
}

describe('YAML around', () => {
  test('keys, texts, numbers, comments', () => {
    expect(
      coloured('version: 1 # one\nname: It\'s - so:1 #1\n"a b": true\n- x: [1, two, "three"] # list\n---'),
    ).toEqual([
      'version:key 1:constant # one:comment',
      "name:key It's - so:1:text #1:comment",
      '"a b":key true:constant',
      'x:key 1:constant two:text "three":text # list:comment',
      '',
    ]);
  });
  test('flow maps over lines, anchors, actions', () => {
    expect(
      coloured(
        'steps:\n  - { id: one, # first\n      uses: vm.start, with: { vm: &a web1 } }\n  - uses: vm.migrate # move\n    with: *a',
      ),
    ).toEqual([
      'steps:key',
      'id:key one:text # first:comment',
      'uses:key vm.start:action with:key vm:key &a:anchor web1:text',
      'uses:key vm.migrate:action # move:comment',
      'with:key *a:anchor',
    ]);
  });
  test('block scalars end with their indentation', () => {
    expect(
      coloured('a:\n  description: >- # why\n    key: no key\n\n    # no comment\n  name: |\n    x\nb: 1'),
    ).toEqual([
      'a:key',
      'description:key # why:comment',
      'key: no key:text',
      '',
      '# no comment:text',
      'name:key',
      'x:text',
      'b:key 1:constant',
    ]);
  });
});

describe('expressions', () => {
  test('plain, in both quotes, in a block, and what is no expression', () => {
    expect(
      coloured(
        [
          'name: Is ${{ vm }} on ${{ inputs.host }}?',
          `with: { vm: "\${{ inputs['a'] }}", b: '\${{ steps.x.outputs["y"] }}' }`,
          'message: |',
          '  All of ${{ size(inputs.vms) }}',
          'x: $${{ no }} ${{ yes }}',
        ].join('\n'),
      ),
    ).toEqual([
      'name:key Is:text ${{:braces vm:variable }}:braces on:text ${{:braces inputs:root host:property }}:braces ?:text',
      `with:key vm:key ":text \${{:braces inputs:root 'a':celString }}:braces ":text b:key ':text \${{:braces steps:root x:property outputs:property "y":celString }}:braces ':text`,
      'message:key',
      'All of:text ${{:braces size:function inputs:root vms:property }}:braces',
      'x:key $${{:escape no }}:text ${{:braces yes:variable }}:braces',
    ]);
  });
  test('everything that CEL has', () => {
    expect(
      coloured(
        [
          'name: ${{ has(a.b) && !c || 1.5e3 >= 0x1Fu ? [x] : -y }}',
          'name: ${{ l.exists_one(x, x in [null, true]) + "a\\n}b".size() + r\'\\d\' }}',
          'name: ${{ steps.a.outputs.?b.orValue({}) // why }}',
        ].join('\n'),
      ),
    ).toEqual([
      'name:key ${{:braces has:macro a:variable b:property &&:operator !:operator c:variable ||:operator 1.5e3:constant >=:operator 0x1Fu:constant ?:operator x:variable ::operator -:operator y:variable }}:braces',
      'name:key ${{:braces l:variable exists_one:macro x:variable x:variable in:operator null:constant true:constant +:operator "a:celString \\n:escape }b":celString size:function +:operator r\'\\d\':celString }}:braces',
      'name:key ${{:braces steps:root a:property outputs:property b:property orValue:function // why }}:comment',
    ]);
  });
  test('one that is not closed ends with its line', () => {
    expect(coloured('name: ${{ inputs.\nid: "${{ a\nuses: vm.start')).toEqual([
      'name:key ${{:braces inputs:root',
      'id:key ":text ${{:braces a:variable',
      'uses: vm.start:text',
    ]);
    expect(coloured('x: "${{ a " # b\ny: 1')).toEqual([
      'x:key ":text ${{:braces a:variable ":text # b:comment',
      'y:key 1:constant',
    ]);
  });
});

describe('conditions', () => {
  test('without braces, with braces, in quotes, in a flow map, in a block', () => {
    expect(
      coloured(
        [
          "- when: steps.a.outputs.x == 'y' # why",
          '- assert: ${{ size(l) > 0 }}',
          `- when: "!inputs.quick && a == 'b'"`,
          "- when: 'a == \"it''s\"' # b",
          '- { when: inputs.a, wait: 1m }',
          '- when: >-',
          '    inputs.a &&',
          '    inputs.b',
          '  wait: 5m',
          '- when: false',
        ].join('\n'),
      ),
    ).toEqual([
      "when:key steps:root a:property outputs:property x:property ==:operator 'y':celString # why:comment",
      'assert:key ${{:braces size:function l:variable >:operator 0:constant }}:braces',
      "when:key !:operator inputs:root quick:property &&:operator a:variable ==:operator 'b':celString",
      `when:key a:variable ==:operator "it:celString '':escape s":celString # b:comment`,
      'when:key inputs:root a:property wait:key 1m:text',
      'when:key',
      'inputs:root a:property &&:operator',
      'inputs:root b:property',
      'wait:key 5m:text',
      'when:key false:constant',
    ]);
  });
  test('not in other keys, texts and comments', () => {
    expect(coloured('name: say when:a\nwhenever: inputs.a\n# when: inputs.a')).toEqual([
      'name:key say when:a:text',
      'whenever:key inputs.a:text',
      '# when: inputs.a:comment',
    ]);
  });
});

test('inventories have no expressions', () => {
  expect(coloured('vms:\n  web1: { owner: "${{ a }}", tags: [prod] }\n  when: inputs.a', 'virt-inventory')).toEqual([
    'vms:key',
    'web1:key owner:key "${{ a }}":text tags:key prod:text',
    'when:key inputs.a:text',
  ]);
});

test('every example is coloured to its end: the last line is what it is alone', async () => {
  for (const name of ['maintenance', 'patch', 'backup', 'migrate', 'hello', 'patch-fails']) {
    const text = await readFile(`examples/${name}.runbook.yaml`, 'utf8');
    const lines = text.trimEnd().split('\n');
    const last = lines.at(-1)!;
    expect(coloured(text.trimEnd()).at(-1), name).toBe(coloured(last)[0]);
  }
});
