// The process that carries a run: `node runner.js FOLDER [rollback BY]`. It has no terminal; what it says goes to runner.log of the run.
import type { Secrets } from '../engine/secrets';
import { leaveWord } from './run-lock';
import { carryRun, RunTaken } from './runner';
import { SecretMissing } from './secret-values';

/** Once they are known, nothing that is said has them. */
let secrets: Secrets | undefined;

function say(folder: string, error: unknown): void {
  const known = error instanceof RunTaken || error instanceof SecretMissing;
  const message = error instanceof Error ? error.message : String(error);
  const text = error instanceof Error && !known ? (error.stack ?? message) : message;
  const strike = (words: string): string => (secrets ? secrets.strike(words) : words);
  leaveWord(folder, strike(message));
  process.stderr.write(`${strike(text)}\n`);
}

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
  process.on('uncaughtException', error => {
    say(folder, error);
    process.exit(5);
  });
  // The log may be on a disk that is full.
  process.stderr.on('error', () => undefined);
  try {
    await carryRun(folder, {
      ...(mode === 'rollback' && { rollBack: { by: by ?? 'unknown' } }),
      onSecrets: known => {
        secrets = known;
      },
    });
    process.exitCode = 0;
  } catch (error) {
    say(folder, error);
    process.exitCode = error instanceof RunTaken ? 4 : 5;
  }
  // A connection that does not close must not keep a finished runner.
  setTimeout(() => process.exit(), 5_000).unref();
}

void main();
