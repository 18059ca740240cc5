import { describe, expect, it } from 'vitest';
import type { Remaining } from '../../src/engine/journal';
import type { Plan } from '../../src/engine/plan';
import { remainingRunbook } from '../../src/engine/remaining-runbook';
import { evaluateTemplate } from '../../src/runbook/expression';
import { parseRunbook } from '../../src/runbook/parse';

const plan: Plan = {
  version: 1,
  name: 'Patch',
  program: {
    version: 1,
    name: 'Patch',
    inputs: { token: { type: 'secret', env: 'TOKEN', prompt: 'Token?' }, other: { type: 'secret' } },
    steps: [],
  },
  inputs: {},
  steps: [],
  unknowns: [],
  secrets: ['token', 'other'],
};

function textOf(...remaining: Remaining[]): string | undefined {
  return remainingRunbook({
    runId: 'r1',
    name: 'Patch ${{ now }}',
    plan,
    runbookPath: '/books/patch.runbook.yaml',
    inventoryPath: '/books/lab.inventory.yaml',
    remaining,
  });
}

const undo = (inputs: Record<string, string>, more: Partial<Remaining> = {}): Remaining => ({
  key: 'a',
  uses: 'guest.run',
  text: 'run undo in web1',
  why: 'It ended with 1.',
  step: { uses: 'run.undo', with: { run: 'r1', step: 'a', action: 'guest.run', inputs, before: null } },
  ...more,
});

describe('the runbook of what is left', () => {
  it('has the steps in their order with what the journal has of them, whatever is in it', () => {
    const odd = { one: 'echo ${{ x }} # no comment', two: 'line\nline: - "', three: '‹secret nobody›', four: 'no' };
    const { runbook, diagnostics } = parseRunbook(textOf(undo(odd), undo({ vm: 'web2' }, { key: 'b' }))!);
    expect(diagnostics).toEqual([]);
    expect(runbook).toMatchObject({ inventory: '/books/lab.inventory.yaml', inputs: {} });
    const scope = { inputs: {}, steps: {}, run: { id: 'r2' } };
    const given = runbook!.steps.map(step => step.kind === 'action' && evaluateTemplate(step.with, scope));
    expect(given).toEqual([undo(odd).step!.with, undo({ vm: 'web2' }).step!.with]);
    expect(evaluateTemplate(runbook!.name, scope)).toBe('What is left of Patch ${{ now }}');
    for (const step of runbook!.steps) expect(step).toMatchObject({ rollback: 'none' });
  });

  it('asks for the secrets that it needs, and for no others', () => {
    const { runbook } = parseRunbook(textOf(undo({ stdin: 'Bearer ‹secret token›' }))!);
    expect(runbook?.inputs).toEqual({ token: { type: 'secret', env: 'TOKEN', prompt: 'Token?' } });
    const scope = { inputs: { token: 'abcd' }, steps: {}, run: { id: 'r2' } };
    const [step] = runbook!.steps;
    expect(step?.kind === 'action' && evaluateTemplate(step.with, scope)).toMatchObject({
      inputs: { stdin: 'Bearer abcd' },
    });
  });

  it('says in comments what no step can do, with why, and is none when that is all', () => {
    const final: Remaining = { key: 'x', uses: 'guest.run', text: 'run it', why: 'No undo.\nsteps: []', final: true };
    const form = undo({ stdin: '‹secret token in base64 1›' }, { key: 'f' });
    const text = textOf(final, undo({}), form)!;
    expect(text).toMatch(/ {2}# By hand:\n {2}# x: run it\n {2}# No undo\.\n {2}# steps: \[\]\n/);
    expect(text).toMatch(
      /# By hand:\n# f: run undo in web1\n# It ended with 1\.\n# Its inputs hold a secret in another form/,
    );
    expect(parseRunbook(text).runbook?.steps).toHaveLength(1);
    expect(text).not.toContain('base64');
    expect(textOf(final, form)).toBeUndefined();
    expect(textOf()).toBeUndefined();
  });
});
