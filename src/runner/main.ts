// The process that carries a run: `node runner.js FOLDER [rollback BY]`. It has no terminal; what it says goes to runner.log of the run.
import { leaveWord } from './run-lock';
import { carryRun, RunTaken } from './runner';

async function main(): Promise<void> {
  const [folder, mode, by] = process.argv.slice(2);
  if (folder === undefined || (mode !== undefined && mode !== 'rollback')) {
    process.stderr.write('Usage: runner FOLDER [rollback BY]. Runs are started with `virtbook run`.\n');
    process.exitCode = 2;
    return;
  }
  // A terminal that is closed must not end a run.
  if (process.platform !== 'win32') process.on('SIGHUP', () => undefined);
  process.on('SIGINT', () => undefined);
  const leave = (error: unknown): void => leaveWord(folder, error instanceof Error ? error.message : String(error));
  process.on('uncaughtExceptionMonitor', leave);
  // The log may be on a disk that is full.
  process.stderr.on('error', () => undefined);
  try {
    await carryRun(folder, mode === 'rollback' ? { by: by ?? 'unknown' } : undefined);
    process.exitCode = 0;
  } catch (error) {
    leave(error);
    process.stderr.write(
      `${error instanceof RunTaken ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = error instanceof RunTaken ? 4 : 5;
  }
  // A connection that does not close must not keep a finished runner.
  setTimeout(() => process.exit(), 5_000).unref();
}

void main();
