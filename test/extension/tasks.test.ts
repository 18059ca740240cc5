import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readTask, taskArguments, taskName } from '../../src/vscode/tasks/taskArguments';

const { contributes } = JSON.parse(readFileSync('package.json', 'utf8'));
const task = (definition: Record<string, unknown>) => readTask({ type: 'virtbook', ...definition })!;

describe('a task of tasks.json', () => {
  it('is the command line that a person would type', () => {
    const run = task({ command: 'run', runbook: 'a.runbook.yaml', inputs: { vms: 'group:web', count: 3 }, yes: true });
    expect(taskArguments(run, [])).toEqual([
      'run',
      '--input',
      'vms=group:web',
      '--input',
      'count=3',
      '--yes',
      '--',
      'a.runbook.yaml',
    ]);
    expect(taskName(run)).toBe('run a.runbook.yaml');
    // Only what was said: a run asks, unless tasks.json says otherwise.
    expect(taskArguments(task({ command: 'run', runbook: '-x.runbook.yaml', yes: 'true' }), [])).toEqual([
      'run',
      '--',
      '-x.runbook.yaml',
    ]);
    expect(taskArguments(task({ command: 'rehearse', runbook: 'a.runbook.yaml', yes: true }), [])).not.toContain(
      '--yes',
    );
  });

  it('that checks nothing by name checks all', () => {
    expect(taskArguments(task({ command: 'check' }), ['a', 'b'])).toEqual(['check', '--', 'a', 'b']);
    expect(taskArguments(task({ command: 'check', runbook: 'c' }), ['a', 'b'])).toEqual(['check', '--', 'c']);
  });

  it('is none when it is not understood', () => {
    for (const definition of [
      {},
      { command: 'rm' },
      { command: 'run' },
      { command: 'rehearse', runbook: 7 },
      { command: 'run', runbook: 'a', inputs: ['x'] },
    ])
      expect(readTask({ type: 'virtbook', ...definition })).toBeUndefined();
  });

  it('is described for completion as it is read', () => {
    const [definition] = contributes.taskDefinitions;
    expect(definition).toMatchObject({ type: 'virtbook', required: ['command'] });
    expect(Object.keys(definition.properties).sort()).toEqual(['command', 'inputs', 'runbook', 'yes']);
    for (const command of definition.properties.command.enum) expect(readTask({ command, runbook: 'a' })).toBeDefined();
  });
});

describe('the problem matcher', () => {
  const [matcher] = contributes.problemMatchers;
  const { pattern } = matcher;
  const read = (line: string) => {
    const found = new RegExp(pattern.regexp).exec(line);
    const at = (name: string) => found?.[pattern[name]];
    return found && ['file', 'line', 'column', 'severity', 'code', 'message'].map(at);
  };

  it.each([
    [
      'web/a.runbook.yaml:6:13: error unknown-action There is no action `vm.stort`: did you mean `vm.start`?',
      [
        'web/a.runbook.yaml',
        '6',
        '13',
        'error',
        'unknown-action',
        'There is no action `vm.stort`: did you mean `vm.start`?',
      ],
    ],
    [
      'C:\\ops\\lab.inventory.yml:1:1: warning yaml Bad: 1:2: here',
      ['C:\\ops\\lab.inventory.yml', '1', '1', 'warning', 'yaml', 'Bad: 1:2: here'],
    ],
  ])('reads %s', (line, expected) => expect(read(line)).toEqual(expected));

  it.each(['2 files: no problems.', '  6 |   - uses: vm.stort', 'error: x.runbook.yaml is missing'])(
    'leaves %s',
    line => expect(read(line)).toBeNull(),
  );

  it('tells nothing twice: open files are checked as they are typed', () => {
    expect(matcher).toMatchObject({ name: 'virtbook', applyTo: 'closedDocuments', owner: 'virtbook' });
  });
});
