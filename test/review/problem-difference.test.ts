import { expect, test } from 'vitest';
import { problemDifference, type SideProblem } from '../../src/review/problem-difference';
import { matchSteps } from '../../src/review/step-matching';
import { runbook, withSteps } from './two-runbooks';

const start = (vm: string, id = ''): string => `- { ${id && `id: ${id}, `}uses: vm.start, with: { vm: ${vm} } }`;

function problem(line: number, message: string, step?: string, code = 'some-rule'): SideProblem {
  const place = { path: 'a.runbook.yaml', line, endLine: line };
  return { code, severity: 'warning', message, place, ...(step !== undefined && { step }) };
}

/** Messages with lines. */
function compared(
  base: SideProblem[],
  head: SideProblem[],
  matches = matchSteps(runbook(withSteps(start('a'))), runbook(withSteps(start('a')))),
) {
  const { added, removed, kept } = problemDifference(base, head, matches);
  const told = (problems: typeof added): string[] => problems.map(({ message, place }) => `${place.line} ${message}`);
  return { added: told(added), removed: told(removed), kept: told(kept) };
}

test('one that only stands elsewhere is kept', () => {
  const matches = matchSteps(
    runbook(withSteps(`${start('a')}\n${start('b')}`)),
    runbook(withSteps(`${start('new')}\n${start('b')}\n${start('a')}`)),
  );
  expect(compared([problem(4, 'No check.', '/steps/1')], [problem(5, 'No check.', '/steps/1')], matches)).toEqual({
    added: [],
    removed: [],
    kept: ['5 No check.'],
  });
});

test('the same words about another step are another problem', () => {
  const same = matchSteps(
    runbook(withSteps(`${start('a')}\n${start('b')}`)),
    runbook(withSteps(`${start('a')}\n${start('b')}`)),
  );
  expect(compared([problem(4, 'No check.', '/steps/0')], [problem(5, 'No check.', '/steps/1')], same)).toEqual({
    added: ['5 No check.'],
    removed: ['4 No check.'],
    kept: [],
  });
});

test('a step that was written anew keeps the problems of the old one', () => {
  const matches = matchSteps(
    runbook(withSteps(start('a'))),
    runbook(withSteps('- { uses: check.guest, with: { vm: a, agent: true } }')),
  );
  expect(matches.headOf('/steps/0')).toBeUndefined();
  expect(
    compared([problem(4, 'Unknown VM `a`.', '/steps/0')], [problem(4, 'Unknown VM `a`.', '/steps/0')], matches).kept,
  ).toEqual(['4 Unknown VM `a`.']);
});

test('equal ones are counted', () => {
  expect(compared([problem(1, 'Twice.')], [problem(1, 'Twice.'), problem(9, 'Twice.')])).toEqual({
    added: ['9 Twice.'],
    removed: [],
    kept: ['1 Twice.'],
  });
});

test('another rule is another problem', () => {
  expect(compared([problem(1, 'Same.', undefined, 'one')], [problem(1, 'Same.', undefined, 'two')]).added).toEqual([
    '1 Same.',
  ]);
});

test('names that were changed and lines of other places do not make it new', () => {
  const matches = matchSteps(runbook(withSteps(start('a', 'old'))), runbook(withSteps(start('a', 'new'))));
  expect(
    compared(
      [problem(4, '`old` is read before it runs, see a.runbook.yaml:7:3.', '/steps/0')],
      [problem(4, '`new` is read before it runs, see a.runbook.yaml:9:3.', '/steps/0')],
      matches,
    ).added,
  ).toEqual([]);
});
