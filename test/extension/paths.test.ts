import { describe, expect, it } from 'vitest';
import { isAbsolutePath, isSamePath } from '../../src/vscode/paths';

describe('paths', () => {
  it('on Windows name one file in either case and with either slash', () => {
    expect(isSamePath('C:\\Runs\\a.runbook.yaml', 'c:/runs/a.runbook.yaml', 'win32')).toBe(true);
    expect(isSamePath('C:\\a', 'C:\\b', 'win32')).toBe(false);
  });

  it('elsewhere name two files when the case differs', () => {
    expect(isSamePath('/srv/A', '/srv/a', 'linux')).toBe(false);
    expect(isSamePath('/srv/a', '/srv/a', 'linux')).toBe(true);
  });

  it('are absolute with a root or a drive', () => {
    expect(['/a', 'C:\\a', 'c:/a', '\\\\server\\a'].map(isAbsolutePath)).toEqual([true, true, true, true]);
    expect(['a', './a', '../a', 'C:a'].map(isAbsolutePath)).toEqual([false, false, false, false]);
  });
});
