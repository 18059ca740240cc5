import { describe, expect, it } from 'vitest';
import { expressionNames, nameAt, stepFrom } from '../../src/debug/expression-names';
import { parseRunbook } from '../../src/runbook/parse';

// What is evaluated on hover, and at the ends of lines, while a run stands.

const steps = (text: string) => `version: 1\nname: x\nsteps:\n${text}`;
const names = (text: string) => expressionNames(parseRunbook(steps(text))).map(name => name.expression);

/** The name at `|`. */
function hovered(marked: string): string | undefined {
  const text = steps(marked);
  const offset = text.indexOf('|');
  const runbook = text.slice(0, offset) + text.slice(offset + 1);
  const name = nameAt(parseRunbook(runbook), offset);
  if (name) expect(runbook.slice(name.start, name.end)).toBe(name.expression);
  return name?.expression;
}

describe('names in expressions', () => {
  it('finds the names of templates and conditions, without functions, words and texts', () => {
    const found = names(
      `  - when: inputs.quick && size(inputs.vms) > 1 || "steps.no" in steps['a-b'].outputs.list\n` +
        '    uses: vm.start\n    with: { vm: "${{ vm }}", note: "inputs.no ${{ steps.x.outputs.y.startsWith(\'inputs.z\') }}" }\n',
    );
    expect(found).toEqual(['inputs.quick', 'inputs.vms', "steps['a-b'].outputs.list", 'vm', 'steps.x.outputs.y']);
  });

  it('gives the name up to the part under the mouse', () => {
    expect(hovered("  - when: steps.ba|ckup.outputs.path != ''\n    wait: 1s\n")).toBe('steps.backup');
    expect(hovered("  - when: steps.backup.outputs.pa|th != ''\n    wait: 1s\n")).toBe('steps.backup.outputs.path');
    expect(hovered('  - name: Move ${{ v|m }}\n    wait: 1s\n')).toBe('vm');
    expect(hovered("  - when: steps['a-|b'].outputs.x\n    wait: 1s\n")).toBe("steps['a-b'].outputs.x");
  });

  it('gives nothing outside of expressions', () => {
    expect(hovered('  - name: Mo|ve ${{ vm }}\n    wait: 1s\n')).toBeUndefined();
    expect(hovered('  - name: inp|uts.vm\n    wait: 1s\n')).toBeUndefined();
    expect(hovered('  - when: si|ze(inputs.vms) > 0\n    wait: 1s\n')).toBeUndefined();
  });

  it('tells where the step ends in which a run stands', () => {
    const text = steps(
      '  - id: one\n    wait: 1s\n  - id: each\n    forEach: { vm: [a] }\n    steps:\n      - wait: 2s\n  - id: last\n    wait: 3s\n',
    );
    const lineOfEnd = (line: string) => {
      const { end } = stepFrom(parseRunbook(text), text.indexOf(line));
      return text.slice(0, end).trimEnd().split('\n').at(-1)?.trim();
    };
    expect(stepFrom(parseRunbook(text), text.indexOf('      - wait')).pointer).toBe('/steps/1/steps/0');
    expect(lineOfEnd('  - id: one')).toBe('wait: 1s');
    expect(lineOfEnd('  - id: each')).toBe('steps:');
    expect(lineOfEnd('      - wait: 2s')).toBe('- wait: 2s');
    expect(lineOfEnd('  - id: last')).toBe('wait: 3s');
  });

  it('survives a runbook that is broken', () => {
    expect(() => names('  - when: "${{ steps. }}\n   : [\n')).not.toThrow();
    expect(() => names('  - 3\n  - when: 4\n')).not.toThrow();
  });
});
