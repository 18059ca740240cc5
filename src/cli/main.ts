import { CommanderError } from 'commander';
import { exitCodes } from '../runner/exit-codes';
import { program } from './program';
import { printableLines } from './terminal';

async function main(): Promise<void> {
  // A reader that goes away (`| head`) ends the output, not the run.
  process.stdout.on('error', error => {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    await program(code => {
      process.exitCode = code;
    }).parseAsync();
  } catch (error) {
    process.exitCode = exitCodes.usage;
    if (error instanceof CommanderError) {
      // Help and version were asked for; what was wrong has been said.
      if (error.exitCode === 0) process.exitCode = 0;
      return;
    }
    if (!(error instanceof Error)) throw error;
    const known = ['UsageError', 'RunRefused'].includes(error.name);
    if (error.name === 'JournalCorrupt') process.exitCode = exitCodes.needsPerson;
    else if (!known) process.exitCode = exitCodes.problems;
    const text =
      known || error.name === 'JournalCorrupt' || !process.env.VIRTBOOK_DEBUG
        ? error.message
        : (error.stack ?? error.message);
    process.stderr.write(`virtbook: ${printableLines(text, '  ')}\n`);
  }
}

void main();
