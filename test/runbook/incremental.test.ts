import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { actions } from '../../src/actions/catalogue';
import { checkRunbook } from '../../src/runbook/check';
import type { CheckContext } from '../../src/runbook/check-context';
import type { Json, JsonObject } from '../../src/runbook/json';
import { type ParsedRunbook, parseRunbook } from '../../src/runbook/parse';
import { escapePointer, YamlSource } from '../../src/runbook/yaml-source';
import { bigRunbook } from './big';

const examples = readdirSync('examples')
  .filter(name => name.endsWith('.runbook.yaml'))
  .map(name => readFileSync(`examples/${name}`, 'utf8'));
const texts = [...examples, bigRunbook(100)];
const part = parseRunbook(readFileSync('examples/parts/patch-one.runbook.yaml', 'utf8'));
const context: CheckContext = { actions, runbooks: () => part };

function* pointers(value: Json, pointer = ''): Generator<string> {
  yield pointer;
  if (value === null || typeof value !== 'object') return;
  for (const [key, item] of Object.entries(value)) yield* pointers(item, `${pointer}/${escapePointer(key)}`);
}

/** All that can be asked of a text. */
function everything(source: YamlSource) {
  const { data, diagnostics, text } = source;
  const places =
    data === undefined
      ? []
      : [...pointers(data)].map(pointer => {
          const { type, start, end, value } = source.scalar(pointer) ?? {};
          return [
            pointer,
            source.valueRange(pointer),
            source.keyRange(pointer),
            source.wholeRange(pointer),
            type,
            start,
            end,
            value,
          ];
        });
  const at =
    data === undefined ? [] : Array.from({ length: 120 }, (_, n) => source.at(Math.floor((n * text.length) / 119)));
  // Keys in another order would be another runbook.
  return { data: JSON.stringify(data), diagnostics, places, at };
}

/** A version of a runbook after others, and the same text read for the first time, and as a whole. */
function expectSame(text: string, previous: ParsedRunbook | undefined): ParsedRunbook {
  const parsed = parseRunbook(text, previous);
  const fresh = parseRunbook(text);
  expect(everything(parsed.source), text).toEqual(everything(fresh.source));
  expect(everything(parsed.source), text).toEqual(everything(new YamlSource(text, undefined, false)));
  expect(parsed.diagnostics).toEqual(fresh.diagnostics);
  expect(parsed.draft).toEqual(fresh.draft);
  const found = checkRunbook(parsed, context);
  // Data that no check has seen before.
  expect(found, text).toEqual(checkRunbook(fresh, context));
  return parsed;
}

function expectSameAll(...versions: string[]): void {
  let parsed: ParsedRunbook | undefined;
  for (const text of versions) parsed = expectSame(text, parsed);
}

const piece = fc.constantFrom(
  ...[
    '\t',
    '\n',
    '\r\n',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    ': ',
    '- ',
    '#',
    '&a ',
    '*a',
    '!!str ',
    '|',
    '>',
    '|+\n',
    '${{',
    '}}',
  ],
  ...[
    '\ufeff',
    '---\n',
    '...\n',
    '%',
    '<<: ',
    '\u2028',
    '?',
    ',',
    '\n\n',
    '  ',
    '\n  - ',
    '\n- ',
    'x',
    '\nx\n',
    '\nsteps:\n',
    '\n  # c\n',
  ],
);
const edit = fc.oneof(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.oneof(fc.constant(0), fc.nat(3), fc.nat(80)),
    insert: fc.oneof(fc.constant(''), piece, fc.string({ maxLength: 4 })),
  }),
  fc.record({
    from: fc.double({ min: 0, max: 1, noNaN: true }),
    lines: fc.nat(12),
    to: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
);

/** Characters are changed, or whole lines are moved. */
function edited(
  text: string,
  change: { at: number; cut: number; insert: string } | { from: number; lines: number; to: number },
): string {
  if ('at' in change) {
    const at = Math.floor(change.at * text.length);
    return text.slice(0, at) + change.insert + text.slice(at + change.cut);
  }
  const lines = text.split('\n');
  const moved = lines.splice(Math.floor(change.from * lines.length), change.lines);
  lines.splice(Math.floor(change.to * lines.length), 0, ...moved);
  return lines.join('\n');
}

const steps = (...list: string[]) => `version: 1\nname: x\nsteps:\n${list.join('\n')}\n`;
const start = (vm: string, id = vm) => `  - id: ${id}\n    uses: vm.start\n    with: { vm: ${vm} }`;

describe('a version after others is what it is by itself', () => {
  test('whatever is edited', () => {
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.array(edit, { minLength: 1, maxLength: 5 }), (text, edits) => {
        const versions = [text];
        for (const change of edits) versions.push(edited(versions.at(-1)!, change));
        expectSameAll(...versions, text);
      }),
      { numRuns: 250 },
    );
  }, 180_000);

  test('a line that is typed', () => {
    const text = examples.find(one => one.includes('\n    uses:'))!;
    const at = text.indexOf('\n    uses:');
    const line = '\n    name: "It\'s [one] of ${{ inputs.vms }} & *"';
    expectSameAll(...Array.from(line, (_, n) => text.slice(0, at) + line.slice(0, n) + text.slice(at)));
  }, 60_000);

  test('what is open at the end of a step', () => {
    const a = start('web1');
    const b = start('web2');
    for (const open of [
      '[a',
      '{ vm: a',
      '"a',
      "'a",
      '[op[en] }',
      '>',
      '|+',
      '&a b',
      '*a',
      '!!str',
      '? a',
      '- a\n  - ',
      '#',
    ])
      expectSameAll(
        steps(a, b),
        steps(`${a}\n    name: ${open}`, b),
        steps(`${a}\n    name: ${open}\n`, `${b}\n    name: "x"`),
        steps(a, b),
      );
  });
  test('a quote that is open is closed by what is typed far below', () => {
    const open = `${start('web1')}\n    name: "open`;
    expectSameAll(
      steps(open, start('web2')),
      steps(open, start('web2'), start('web3')),
      steps(open, start('web2'), `${start('web3')}"`),
    );
  });
  test('half a key at the margin', () => {
    const text = steps(start('web1'));
    for (const half of ['i', 'inputs', 'inputs:\n', '/x', '"a', 'a b', '- a'])
      expectSameAll(
        text,
        `${half}\n${text}`,
        `${text}${half}`,
        text.replace('steps:', `${half}\nsteps:`),
        text.replace('steps:', `${half}\n\n  x: 1\nsteps:`),
      );
  });
  test('marks, directives, line ends and a byte order mark', () => {
    const text = steps(start('web1'), start('web2'));
    expectSameAll(
      text,
      `---\n${text}`,
      `%YAML 1.1\n---\n${text}`,
      `${text}...\n`,
      `${text}---\n${text}`,
      `\ufeff${text}`,
      text.replaceAll('\n', '\r\n'),
      `# a\n\n${text}# z`,
    );
  });
  test('anchors in one step and their names in another', () => {
    const text = steps(`  - id: a\n    uses: vm.start\n    with: &w { vm: web1 }`, '  - uses: vm.start\n    with: *w');
    expectSameAll(text, text.replace('web1', 'web2'), text.replace('&w ', ''));
  });
  test('a list at the margin, an empty item, a list that is none any more', () => {
    const text = 'version: 1\nname: x\nsteps:\n- uses: vm.start\n  with: { vm: web1 }\n-\n- wait: 5m\n';
    expectSameAll(
      text,
      text.replace('-\n', '- \n'),
      text.replace('-\n', ''),
      text.replace('steps:', 'steps: a'),
      text.replace('- wait', '  - wait'),
    );
  });
});

describe('what a step can see', () => {
  const reader = '  - assert: steps.web1.outputs.host == "hv1"';
  test.each([
    ['its id is changed', start('web1', 'other')],
    ['its action is changed', start('web1').replace('vm.start', 'vm.snapshot')],
    ['it is in a loop', `  - forEach: { vm: [a] }\n    steps:\n${start('web1').replaceAll(/^/gm, '    ')}`],
    ['it is gone', start('web9')],
    ['there are two of it', `${start('web1')}\n${start('web1')}`],
  ])('of another step: %s', (_, changed) => {
    expectSameAll(
      steps(start('web1'), reader),
      steps(changed, reader),
      steps(start('web1'), reader),
      steps(reader, changed),
    );
  });
  test('of the inputs', () => {
    const text = `version: 1\nname: x\ninputs:\n  n: { type: number }\nsteps:\n  - assert: inputs.n > 1\n  - wait: 5m\n`;
    expectSameAll(text, text.replace('number', 'string'), text.replace('  n:', '  m:'), text);
  });
});

describe('what has not changed', () => {
  const versions = (...list: string[]) => {
    let parsed: ParsedRunbook | undefined;
    return list.map(text => (parsed = parseRunbook(text, parsed)));
  };
  const stepData = ({ data }: ParsedRunbook) => (data as JsonObject).steps as Json[];
  const text = steps(start('web1'), start('web2'), start('web3'));

  test('is the same data, and the same step where it has not moved', () => {
    const [before, after] = versions(text, text.replace('vm: web2', 'vm: web9'));
    expect(stepData(after!).map((step, index) => step === stepData(before!)[index])).toEqual([true, false, true]);
    expect(after!.draft.steps.map((step, index) => step === before!.draft.steps[index])).toEqual([true, false, true]);
  });
  test('stays known while the YAML of another step is broken', () => {
    const [before, , after] = versions(text, text.replace('vm: web2 }', 'vm: web2'), text);
    expect(stepData(after!)[2]).toBe(stepData(before!)[2]);
  });
  test('is not checked again', () => {
    const asked: string[] = [];
    const inventory = {
      capabilitiesOfVm: (vm: string) => {
        asked.push(vm);
        return undefined;
      },
    };
    const known: CheckContext = { actions, inventory };
    const [before, moved, changed] = versions(
      text,
      text.replace('name: x', 'name: xy\n'),
      text.replace('vm: web2', 'vm: web9'),
    );
    const askedFor = (parsed: ParsedRunbook, checked: CheckContext) => {
      asked.length = 0;
      checkRunbook(parsed, checked);
      return [...new Set(asked)];
    };
    expect(askedFor(before!, known)).toEqual(['web1', 'web2', 'web3']);
    expect(askedFor(moved!, known)).toEqual([]);
    expect(askedFor(changed!, known)).toEqual(['web9']);
    expect(askedFor(changed!, { ...known, inventory: { ...inventory } })).toEqual(['web1', 'web9', 'web3']);
  });
});
