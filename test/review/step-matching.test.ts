import { describe, expect, test } from 'vitest';
import { matchSteps } from '../../src/review/step-matching';
import type { Runbook } from '../../src/runbook/model';
import { everyStep } from '../../src/runbook/model';
import { runbook, withSteps } from './two-runbooks';

/** Pointers of the base and where they went; `+` came, `-` is gone, `*` was moved. */
function matched(base: string | Runbook, head: string | Runbook): string[] {
  const [one, other] = [base, head].map(side => (typeof side === 'string' ? runbook(withSteps(side)) : side)) as [
    Runbook,
    Runbook,
  ];
  const matches = matchSteps(one, other);
  const back = matchSteps(other, one);
  const lines: string[] = [];
  for (const { pointer } of everyStep(one)) {
    const to = matches.headOf(pointer);
    if (to === undefined) lines.push(`- ${pointer}`);
    else {
      expect(matches.baseOf(to)).toBe(pointer);
      lines.push(`${pointer} → ${to}${matches.moved.has(to) ? ' *' : ''}`);
    }
    // The other way round the same are matched, and the same are moved.
    expect(back.baseOf(pointer)).toBe(to);
    if (to !== undefined) expect(back.moved.has(pointer)).toBe(matches.moved.has(to));
  }
  for (const { pointer } of everyStep(other)) if (matches.baseOf(pointer) === undefined) lines.push(`+ ${pointer}`);
  return lines;
}

const start = (vm: string): string => `- uses: vm.start\n  with: { vm: ${vm} }`;
const check = (vm: string): string => `- uses: check.guest\n  with: { vm: ${vm}, agent: true }`;
const lines = (...steps: string[]): string => steps.join('\n');
const indented = (text: string, by = 4): string => text.replace(/^/gm, ' '.repeat(by));

describe('steps that stay', () => {
  test('by id, whatever they do now', () => {
    expect(
      matched('- { id: a, uses: vm.start, with: { vm: web1 } }', '- { id: a, uses: vm.shutdown, with: { vm: web1 } }'),
    ).toEqual(['/steps/0 → /steps/0']);
  });

  test('an inserted step moves nothing', () => {
    expect(
      matched(lines(start('a'), start('b'), start('c')), lines(check('a'), start('a'), start('b'), start('c'))),
    ).toEqual(['/steps/0 → /steps/1', '/steps/1 → /steps/2', '/steps/2 → /steps/3', '+ /steps/0']);
  });

  test('of equal steps, the one that is gone is one of them', () => {
    const found = matched(lines(start('a'), start('a'), start('a')), lines(start('a'), start('a')));
    expect(found.filter(line => line.startsWith('-'))).toHaveLength(1);
    expect(found.filter(line => line.endsWith('*'))).toEqual([]);
  });

  test('one that has another input', () => {
    expect(matched(lines(start('a'), check('a')), lines(start('b'), check('a')))).toEqual([
      '/steps/0 → /steps/0',
      '/steps/1 → /steps/1',
    ]);
  });

  test('another id on the same step', () => {
    expect(
      matched('- { id: a, uses: vm.start, with: { vm: web1 } }', '- { id: b, uses: vm.start, with: { vm: web1 } }'),
    ).toEqual(['/steps/0 → /steps/0']);
  });

  test('another id and other inputs: another step', () => {
    expect(
      matched(
        '- { id: a, uses: guest.run, with: { vm: web1, argv: [a] } }',
        '- { id: b, uses: guest.run, with: { vm: db1, argv: [b] } }',
      ),
    ).toEqual(['- /steps/0', '+ /steps/0']);
  });

  test('another action is another step', () => {
    expect(matched(start('a'), check('a'))).toEqual(['- /steps/0', '+ /steps/0']);
  });
});

describe('steps that were moved', () => {
  test('as few as possible', () => {
    expect(
      matched(
        lines(start('a'), start('b'), start('c'), start('d')),
        lines(start('d'), start('a'), start('b'), start('c')),
      ),
    ).toEqual(['/steps/0 → /steps/1', '/steps/1 → /steps/2', '/steps/2 → /steps/3', '/steps/3 → /steps/0 *']);
  });

  test('an approval rather than what it is for', () => {
    expect(
      matched(lines('- approve: { message: Go? }', start('a')), lines(start('a'), '- approve: { message: Go? }')),
    ).toEqual(['/steps/0 → /steps/1 *', '/steps/1 → /steps/0']);
  });

  test('to finally', () => {
    const base = runbook(withSteps(lines(start('a'), check('a'))));
    const head = runbook(`${withSteps(start('a'))}finally:\n${indented(check('a'), 2)}`);
    expect(matched(base, head)).toEqual(['/steps/0 → /steps/0', '/steps/1 → /finally/0 *']);
  });

  test('moved and changed, with an id', () => {
    expect(
      matched(
        lines('- { id: x, uses: vm.start, with: { vm: web1 } }', start('a'), start('b')),
        lines(start('a'), start('b'), '- { id: x, uses: vm.start, with: { vm: web2 } }'),
      ),
    ).toEqual(['/steps/0 → /steps/2 *', '/steps/1 → /steps/0', '/steps/2 → /steps/1']);
  });

  test('a block with all that is in it: only the block', () => {
    const group = `- steps:\n${indented(lines(start('a'), check('a')))}`;
    expect(matched(lines(group, start('b'), start('c')), lines(start('b'), start('c'), group))).toEqual([
      '/steps/0 → /steps/2 *',
      '/steps/0/steps/0 → /steps/2/steps/0',
      '/steps/0/steps/1 → /steps/2/steps/1',
      '/steps/1 → /steps/0',
      '/steps/2 → /steps/1',
    ]);
  });
});

describe('blocks', () => {
  test('steps that are wrapped go into the block that is new', () => {
    expect(matched(lines(start('a'), check('a')), `- parallel:\n${indented(lines(start('a'), check('a')))}`)).toEqual([
      '/steps/0 → /steps/0/parallel/0 *',
      '/steps/1 → /steps/0/parallel/1 *',
      '+ /steps/0',
    ]);
  });

  test('wrapped in a loop, with its variable in place of the name', () => {
    const loop = `- forEach: { vm: [a, b] }\n  steps:\n${indented(lines(start('"${{ vm }}"'), check('"${{ vm }}"')))}`;
    expect(matched(lines(start('a'), check('a')), loop)).toEqual([
      '/steps/0 → /steps/0/steps/0 *',
      '/steps/1 → /steps/0/steps/1 *',
      '+ /steps/0',
    ]);
  });

  test('a loop that became branches is the same block', () => {
    const loop = `- forEach: { vm: [a, b] }\n  steps:\n${indented(lines(start('a'), check('a')))}`;
    expect(matched(loop, `- parallel:\n${indented(lines(start('a'), check('a')))}`)).toEqual([
      '/steps/0 → /steps/0',
      '/steps/0/steps/0 → /steps/0/parallel/0',
      '/steps/0/steps/1 → /steps/0/parallel/1',
    ]);
  });

  test('steps of a rollback', () => {
    const step = (inner: string): string =>
      `- { id: x, uses: guest.run, with: { vm: a, argv: [x] }, rollback: [${inner}] }`;
    const undo = '{ uses: guest.run, with: { vm: a, argv: [undo] } }';
    expect(matched(step(undo), step(`{ uses: vm.start, with: { vm: a } }, ${undo}`))).toEqual([
      '/steps/0 → /steps/0',
      '/steps/0/rollback/0 → /steps/0/rollback/1',
      '+ /steps/0/rollback/0',
    ]);
  });
});

describe('called runbooks', () => {
  const call = (path: string): string => withSteps(`- { id: one, uses: ./${path} }`);
  const part = (...steps: string[]): string => withSteps(lines(...steps));

  test('their steps are matched by file', () => {
    const matches = matchSteps(
      runbook(call('p.runbook.yaml'), { 'p.runbook.yaml': part(start('a')) }),
      runbook(call('p.runbook.yaml'), { 'p.runbook.yaml': part(check('a'), start('a')) }),
    );
    expect(matches.headOf('p.runbook.yaml#/steps/0')).toBe('p.runbook.yaml#/steps/1');
    expect([...matches.moved]).toEqual([]);
  });

  test('a file that has another name', () => {
    const matches = matchSteps(
      runbook(call('p.runbook.yaml'), { 'p.runbook.yaml': part(start('a')) }),
      runbook(call('q.runbook.yaml'), { 'q.runbook.yaml': part(start('b')) }),
    );
    expect(matches.headOf('p.runbook.yaml#/steps/0')).toBe('q.runbook.yaml#/steps/0');
    expect([...matches.renamed!]).toEqual([['p.runbook.yaml', 'q.runbook.yaml']]);
  });

  test('steps that were put into one were moved there', () => {
    const matches = matchSteps(
      runbook(withSteps(lines(start('a'), check('a')))),
      runbook(withSteps(lines(start('a'), '- uses: ./p.runbook.yaml')), { 'p.runbook.yaml': part(check('a')) }),
    );
    expect(matches.headOf('/steps/1')).toBe('p.runbook.yaml#/steps/0');
    expect([...matches.moved]).toEqual(['p.runbook.yaml#/steps/0']);
  });
});

test('thousands of steps', () => {
  const many = (from: number, to: number): string[] =>
    Array.from({ length: to - from }, (_, n) => start(`vm${from + n}`));
  const base = runbook(withSteps(lines(...many(0, 1000))));
  const same = Array.from({ length: 1000 }, () => start('a'));
  const changed = Array.from({ length: 1000 }, (_, n) => check(`vm${n}`).replace('agent: true', 'systemd: [nginx]'));
  expect(
    matched(
      base,
      withSteps(lines(...many(500, 1000), ...many(0, 500))) &&
        runbook(withSteps(lines(...many(500, 1000), ...many(0, 500)))),
    ).filter(line => line.endsWith('*')),
  ).toHaveLength(500);
  expect(matched(base, runbook(withSteps(lines(...same)))).filter(line => line.startsWith('-')).length).toBeLessThan(
    1000,
  );
  expect(matched(base, runbook(withSteps(lines(...changed)))).filter(line => line.startsWith('-'))).toHaveLength(1000);
});
