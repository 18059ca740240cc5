import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { text as readStream } from 'node:stream/consumers';
import { shortHash } from '../../engine/plan-summary';
import { exitCodes } from '../../runner/exit-codes';
import { openRuns } from '../../runner/runs';
import { isFile } from '../is-file';
import { recordOfRun, recordSource } from '../run-evidence';
import { canonical, readSigned } from '../signed-text';
import { verify } from '../ssh-signature';
import { printable, type Terminal } from '../terminal';
import { UsageError } from '../usage-error';

export interface VerifyOptions {
  /** As ssh-keygen(1) describes under ALLOWED SIGNERS. */
  allowedSigners?: string;
  /** Any key will do. */
  anyKey?: boolean;
  /** Compares it with the journal of this run, which must be on this computer. */
  run?: string;
}

/** Whether the record of a run is as its signer left it, and whose it is. `-` reads it from standard input. */
export async function verifyEvidence(file: string, options: VerifyOptions, terminal: Terminal): Promise<number> {
  const bad = (why: string): number => {
    terminal.write(`${file}: ${printable(why)}\n`);
    return exitCodes.problems;
  };
  const text = file === '-' ? await readStream(process.stdin) : await read(file);
  const signed = readSigned(text);
  if (!signed) {
    return bad(
      'it has no signature at its end, or something was written below it. `virtbook show RUN --format markdown --sign` signs.',
    );
  }
  const source = recordSource(signed.body);
  if (!source) return bad('what was signed is no record of a run.');
  const allowed = options.anyKey ? undefined : await allowedSigners(file, options);
  const signer = await verify(signed.body, signed.signature, allowed);
  if (!signer) return bad('BAD SIGNATURE. The record is not what was signed: somebody changed it afterwards.');
  if (allowed !== undefined && signer.principal === undefined) {
    return bad(
      `it was signed with ${signer.key}, which ${allowed} does not name for \`virtbook-evidence\`, or not for today.`,
    );
  }
  if (options.run !== undefined) {
    const why = await differs(signed.body, options.run, source.lines);
    if (why !== undefined) return bad(why);
  }
  const who =
    signer.principal === undefined
      ? `with ${signer.key}; whose it is was not asked`
      : `by ${signer.principal} with ${signer.key}`;
  terminal.write(`${file}: good, signed ${printable(who)}.\n`);
  terminal.write(`Run ${printable(source.runId)}, plan ${shortHash(source.planHash)}: ${printable(source.status)}.\n`);
  if (options.run !== undefined) terminal.write('Its journal on this computer tells the same.\n');
  return exitCodes.done;
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(code === 'ENOENT' ? `There is no file ${file}.` : `${file} can't be read: ${message}`);
  }
}

const usual = join('.virtbook', 'allowed_signers');

/** The file that was named, else the one in the nearest folder that has one. @throws UsageError */
async function allowedSigners(file: string, options: VerifyOptions): Promise<string> {
  if (options.allowedSigners !== undefined) {
    await read(options.allowedSigners);
    return options.allowedSigners;
  }
  for (let folder = file === '-' ? process.cwd() : dirname(resolve(file)); ; folder = dirname(folder)) {
    const found = join(folder, usual);
    if (await isFile(found)) return found;
    if (dirname(folder) === folder) break;
  }
  throw new UsageError(
    `Whose keys count? Name a file with --allowed-signers, or keep it as ${usual}; a line is \`alice@example.com namespaces="virtbook-evidence" ssh-ed25519 AAAA…\`. --any-key asks only whether it is unchanged.`,
  );
}

/** Why the journal does not tell what the record says; undefined: it does. */
async function differs(body: string, name: string, lines: number): Promise<string | undefined> {
  const runs = openRuns();
  const folder = join(runs.folder, await runs.find(name));
  for (const logs of ['tail', 'all'] as const) {
    const again = await recordOfRun(folder, { logs, lines });
    if (canonical(again) === body) return undefined;
  }
  return `the journal of ${name} on this computer tells something else.`;
}
