import { describe, expect, it } from 'vitest';
import { shiftedLine } from '../../src/vscode/review/shiftedLine';

const edit = (start: [number, number], end: [number, number], text: string) => ({
  range: { start: { line: start[0], character: start[1] }, end: { line: end[0], character: end[1] } },
  text,
});

describe('a line after an edit', () => {
  it('goes down when lines come above it, also right before its first character', () => {
    expect(shiftedLine(5, [edit([2, 4], [2, 4], '\n  a\n')])).toBe(7);
    expect(shiftedLine(5, [edit([5, 0], [5, 0], 'new\n')])).toBe(6);
  });

  it('goes up when lines above it go', () => {
    expect(shiftedLine(5, [edit([1, 0], [3, 0], '')])).toBe(3);
    expect(shiftedLine(5, [edit([3, 0], [5, 0], '')])).toBe(3);
    // The end of the line before is joined with it.
    expect(shiftedLine(5, [edit([4, 9], [5, 0], '')])).toBe(4);
  });

  it('stays when something is typed in it or below', () => {
    expect(shiftedLine(5, [edit([5, 3], [5, 6], 'x')])).toBe(5);
    expect(shiftedLine(5, [edit([5, 3], [5, 3], '\n')])).toBe(5);
    expect(shiftedLine(5, [edit([6, 0], [9, 0], '')])).toBe(5);
  });

  it('is gone with its text', () => {
    expect(shiftedLine(5, [edit([5, 0], [6, 0], '')])).toBeUndefined();
    expect(shiftedLine(5, [edit([0, 0], [20, 0], 'other\n')])).toBeUndefined();
  });

  it('heeds several edits, in any order', () => {
    const edits = [edit([8, 0], [8, 0], 'below\n'), edit([3, 0], [4, 0], ''), edit([1, 0], [1, 0], 'a\nb\n')];
    expect(shiftedLine(5, edits)).toBe(6);
    expect(shiftedLine(5, [...edits].reverse())).toBe(6);
  });
});
