import type { Severity } from '../../runbook/diagnostic';
import { exitCodes } from '../../runner/exit-codes';
import { diagnosticJson, diagnosticText } from '../diagnostic-text';
import { filesBelow } from '../files-below';
import { type CheckedFile, checkFile } from '../load';
import type { Terminal } from '../terminal';
import { UsageError } from '../usage-error';

export async function check(
  given: string[],
  options: { format: 'text' | 'json' },
  terminal: Terminal,
): Promise<number> {
  const checked: CheckedFile[] = [];
  const unreadable: string[] = [];
  const files: string[] = [];
  for (const name of given) {
    const below = await filesBelow(name);
    if (below?.length === 0) unreadable.push(`There are no runbooks and no inventories in ${name}.`);
    files.push(...(below ?? [name]));
  }
  for (const file of files) {
    try {
      checked.push(await checkFile(file));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      // The others are still worth checking.
      unreadable.push(error.message);
    }
  }
  const all = checked.flatMap(file => file.diagnostics.map(diagnostic => ({ file, diagnostic })));
  if (options.format === 'json') {
    terminal.write(
      `${JSON.stringify(
        all.map(one => diagnosticJson(one.file, one.diagnostic)),
        undefined,
        2,
      )}\n`,
    );
  } else {
    for (const one of all) terminal.write(diagnosticText(one.file, one.diagnostic, terminal));
    if (checked.length > 0 && (terminal.live || all.length === 0)) {
      const count = (severity: Severity, one: string, many: string): string[] => {
        const found = all.filter(({ diagnostic }) => diagnostic.severity === severity).length;
        return found === 0 ? [] : [`${found} ${found === 1 ? one : many}`];
      };
      const counts = [
        ...count('error', 'error', 'errors'),
        ...count('warning', 'warning', 'warnings'),
        // They don't make it end with 1.
        ...count('info', 'hint', 'hints'),
      ];
      const files = `${checked.length} ${checked.length === 1 ? 'file' : 'files'}`;
      terminal.write(`${files}: ${counts.join(', ') || 'no problems'}.\n`);
    }
  }
  if (unreadable.length > 0) throw new UsageError(unreadable.join('\n'));
  return all.some(one => one.diagnostic.severity !== 'info') ? exitCodes.problems : exitCodes.done;
}
