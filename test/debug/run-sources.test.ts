import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Breakpoints } from '../../src/debug/breakpoints';
import { RunSources } from '../../src/debug/run-sources';
import { linkRunbooks } from '../../src/runbook/link';
import { parseRunbook } from '../../src/runbook/parse';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'virtbook-sources-'));
  mkdirSync(join(folder, 'parts'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const outer = `version: 1
name: Outer
steps:
  # what comes first
  - id: each
    forEach: { vm: [web1, web2] }
    steps:
      - id: start
        uses: vm.start
        with:
          vm: \${{ vm }}

      - uses: ./parts/inner.runbook.yaml
        with: { vm: "\${{ vm }}" }
  - uses: guest.run
    with: { vm: web1, argv: ["true"] }
    rollback:
      - wait: 1s
finally:
  - wait: 2s
`;
const inner = `version: 1
name: Inner
inputs: { vm: { type: vm } }
steps:
  - wait: 1s
`;

async function load(): Promise<RunSources> {
  const path = join(folder, 'outer.runbook.yaml');
  writeFileSync(path, outer);
  writeFileSync(join(folder, 'parts', 'inner.runbook.yaml'), inner);
  const { draft } = parseRunbook(outer);
  const linked = await linkRunbooks(draft, path, name => readFile(join(folder, name), 'utf8'));
  return RunSources.load(path, linked.runbook);
}

describe('files of a run', () => {
  it('know the line of every step, of called runbooks in their own file', async () => {
    const sources = await load();
    const places = sources.files.flatMap(file =>
      file.steps.map(step => `${step.pointer} ${basename(step.path)}:${step.line}-${step.endLine}`),
    );
    expect(places).toEqual([
      '/steps/0 outer.runbook.yaml:5-14',
      '/steps/0/steps/0 outer.runbook.yaml:8-11',
      '/steps/0/steps/1 outer.runbook.yaml:13-14',
      '/steps/1 outer.runbook.yaml:15-18',
      '/steps/1/rollback/0 outer.runbook.yaml:18-18',
      '/finally/0 outer.runbook.yaml:20-20',
      'parts/inner.runbook.yaml#/steps/0 inner.runbook.yaml:5-5',
    ]);
  });

  it('tell a file that has been changed since', async () => {
    await load();
    const path = join(folder, 'outer.runbook.yaml');
    writeFileSync(path, outer.replace('vm.start', 'vm.shutdown'));
    const sources = await RunSources.load(path, parseRunbook(outer).draft);
    expect(sources.files.map(file => file.changed)).toEqual([true]);
  });
});

describe('breakpoints', () => {
  it('snap to the innermost step, and say why where there is none', async () => {
    const sources = await load();
    const breakpoints = new Breakpoints();
    const path = join(folder, 'outer.runbook.yaml');
    breakpoints.set(path, [{ line: 2 }, { line: 6 }, { line: 11 }, { line: 15, condition: '${{ 1 == 1 }}' }]);
    breakpoints.set(join(folder, 'elsewhere.runbook.yaml'), [{ line: 1 }]);
    const told = breakpoints.forRun(sources);
    expect(told).toEqual([
      { pointer: '/steps/0' },
      { pointer: '/steps/0/steps/0' },
      { pointer: '/steps/1', condition: '1 == 1' },
    ]);
    const results = [{ verified: true }, { verified: true }, { verified: false, message: 'Wrong.' }];
    const shown = breakpoints.shown(sources, results);
    expect(shown.get(path)?.map(({ line, verified, message }) => [line, verified, message])).toEqual([
      [2, false, 'There is no step in this line. Set it on a step.'],
      [5, true, undefined],
      [8, true, undefined],
      [15, false, 'Wrong.'],
    ]);
    expect(shown.get(join(folder, 'elsewhere.runbook.yaml'))?.[0]?.message).toBe(
      'This file is no part of the run that is debugged.',
    );
    expect(breakpoints.isAt('/steps/0/steps/0', sources)).toBe(true);
    expect(breakpoints.isAt('/steps/0/steps/1', sources)).toBe(false);
  });
});
