import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { program } from '../../src/cli/program';
import { findAll, type Place, pages } from './pages';

interface Line extends Place<string> {
  /** Named in a sentence: what it acts on may be left out. */
  named: boolean;
}

/** Command lines in blocks, with or without a prompt, and in sentences. */
const lines: Line[] = pages.flatMap(page => [
  ...findAll(page, /^ *(?:\$ )?(virtbook [a-z].*)$/gm).map(({ at, found }) => ({ at, found: found[1]!, named: false })),
  ...findAll(page, /`(virtbook [a-z][^`\n]*)`/g).map(({ at, found }) => ({ at, found: found[1]!, named: true })),
]);

/** The program as it is, but that it only parses. */
function parser(): Command {
  const root = program(() => {});
  for (const one of root.commands) one.action(() => {});
  for (const one of [root, ...root.commands]) one.configureOutput({ writeErr: () => {} });
  return root;
}

/** As a shell would split it, up to a comment or where its output goes. */
function words(line: string): string[] {
  const [command] = line.split(/\s+[#|>&;]/);
  return [...command!.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!).slice(1);
}

function problemOf({ found, named }: Omit<Line, 'at'>): string {
  try {
    parser().parse(words(found), { from: 'user' });
    return '';
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return named && code === 'commander.missingArgument' ? '' : message;
  }
}

describe('command lines in the documentation are what the program takes', () => {
  test('there are many', () => {
    expect(lines.filter(line => line.named).length).toBeGreaterThan(40);
    expect(lines.filter(line => !line.named).length).toBeGreaterThan(20);
  });

  test.each(lines.map(line => [line.at, line.found, line] as const))('%s: %s', (_, __, line) => {
    expect(problemOf(line)).toBe('');
  });

  test('wrong ones are found', () => {
    expect(problemOf({ found: 'virtbook rehears x.runbook.yaml', named: true })).toContain('unknown command');
    expect(problemOf({ found: 'virtbook show latest --folow', named: true })).toContain('unknown option');
    expect(problemOf({ found: 'virtbook show', named: false })).toContain('missing required argument');
  });
});

describe('examples in the help', () => {
  const root = program(() => {});
  test.each(root.commands.map(command => [command.name(), command] as const))('%s', (name, command) => {
    let help = '';
    command.configureOutput({ writeOut: text => (help += text) }).outputHelp();
    const examples = [...help.matchAll(/^ {2}\$ (virtbook .*)$/gm)].map(([, line]) => line!);
    expect(examples.map(line => words(line)[0])).toContain(name);
    for (const found of examples) expect([found, problemOf({ found, named: false })]).toEqual([found, '']);
  });
});
