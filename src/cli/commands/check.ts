import { exitCodes } from '../../runner/exit-codes';
import { diagnosticJson, diagnosticText } from '../diagnostic-text';
import { type CheckedFile, checkFile } from '../load';
import type { Terminal } from '../terminal';
import { UsageError } from '../usage-error';

export async function check(
  files: string[],
  options: { format: 'text' | 'json' },
  terminal: Terminal,
): Promise<number> {
  const checked: CheckedFile[] = [];
  const unreadable: string[] = [];
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
      const errors = all.filter(one => one.diagnostic.severity === 'error').length;
      const files = `${checked.length} ${checked.length === 1 ? 'file' : 'files'}`;
      const rest = all.length - errors;
      terminal.write(
        all.length === 0
          ? `${files}: no problems.\n`
          : `${files}: ${errors} ${errors === 1 ? 'error' : 'errors'}, ${rest} ${rest === 1 ? 'warning' : 'warnings'}.\n`,
      );
    }
  }
  if (unreadable.length > 0) throw new UsageError(unreadable.join('\n'));
  return all.some(one => one.diagnostic.severity !== 'info') ? exitCodes.problems : exitCodes.done;
}
