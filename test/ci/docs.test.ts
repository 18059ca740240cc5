import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { actionFile } from './action';

// What docs/review.md says of CI is what there is.

const root = join(import.meta.dirname, '..', '..');
const text = readFileSync(join(root, 'docs', 'review.md'), 'utf8');
const section = text.slice(text.indexOf('## In continuous integration'), text.indexOf('## In VS Code'));
const blocks = [...section.matchAll(/^```yml\n([\s\S]*?)^```$/gm)].map(match => parse(match[1]!));

/** First cells of the table whose head begins with `title`, without backquotes. */
function firstCells(title: string): string[] {
  const [, rows = ''] = section.split(new RegExp(`^\\| ${title} \\|.*\\n\\|[-|]+\\n`, 'm'));
  const cells = rows
    .split('\n\n', 1)[0]!
    .split('\n')
    .map(row => row.split('|')[1]!.trim());
  return cells.flatMap(cell => cell.split(', ')).map(cell => cell.replaceAll('`', ''));
}

it('every input and output of the action is described', () => {
  const { inputs, outputs } = actionFile(root);
  expect(firstCells('input').sort()).toEqual(Object.keys(inputs).sort());
  const described = /^Outputs: (.*)$/m.exec(section)![1]!;
  for (const name of Object.keys(outputs)) expect(described).toContain(`\`${name}\``);
});

it('every variable of the GitLab job is described', () => {
  const scripts = ['ci/gitlab.yml', 'ci/gitlab/review.mjs', 'ci/cli.mjs'].map(file =>
    readFileSync(join(root, file), 'utf8'),
  );
  const used = scripts.flatMap(script => script.match(/\bVIRTBOOK_[A-Z_]+/g) ?? []);
  expect(firstCells('variable').sort()).toEqual([...new Set(used)].sort());
});

it('the workflow to copy runs on pull requests with no more than it needs', () => {
  const [workflow, gitlab, hooks] = blocks;
  expect(blocks).toHaveLength(3);
  expect(workflow).toMatchObject({ on: 'pull_request', permissions: { contents: 'read', 'pull-requests': 'write' } });
  expect(Object.keys(workflow.permissions)).toHaveLength(2);
  expect(workflow.jobs.review.steps.map((step: { uses: string }) => step.uses.split('@')[0])).toEqual([
    'actions/checkout',
    'virtbook/virtbook',
  ]);
  expect(gitlab.include[0].file).toBe('/ci/gitlab.yml');
  const [hook] = parse(readFileSync(join(root, '.pre-commit-hooks.yaml'), 'utf8'));
  expect(hooks.repos[0].hooks[0].id).toBe(hook.id);
});
