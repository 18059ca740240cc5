import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, relative, sep } from 'node:path';
import { version } from '../../../package.json';
import { GitError } from '../../git/git';
import { openRepository, type Repository } from '../../git/repository';
import { parseLabFile } from '../../hypervisors/simulated/lab-file';
import type { ReviewPorts } from '../../review/contract';
import { failuresOf, parseFailOn } from '../../review/fail-on';
import { reviewGithub } from '../../review/formats/github';
import { reviewGitlab } from '../../review/formats/gitlab';
import { reviewJson } from '../../review/formats/json';
import { reviewJUnit } from '../../review/formats/junit';
import { reviewMarkdown } from '../../review/formats/markdown';
import { reviewSarif } from '../../review/formats/sarif';
import { reviewText } from '../../review/formats/text';
import type { Place, Review } from '../../review/model';
import { workOfReview } from '../../review/rehearsal-work';
import { kindOf } from '../../review/repository-path';
import { type ReviewOptions as ReviewedWith, reviewChanges } from '../../review/review';
import { exitCodes } from '../../runner/exit-codes';
import { RehearsalPool } from '../../runner/rehearsal-pool';
import { rehearsalScript } from '../bundles';
import { cutTo, printable, type Terminal } from '../terminal';
import { UsageError } from '../usage-error';

export interface ReviewOptions {
  base?: string;
  head?: string;
  inventory?: string;
  /** `FORMAT`, or `FORMAT=FILE`. */
  format?: string[];
  output?: string;
  failOn: string;
  rehearse: boolean;
  /** What the sides are called, where CI knows them by their hashes only. */
  baseName?: string;
  headName?: string;
  /** Address of a line, with `{commit}`, `{path}` and `{line}` in it. */
  link?: string;
}

const formats: Record<string, (review: Review, options: ReviewOptions) => string> = {
  text: review => reviewText(review).split('\n').map(printable).join('\n'),
  markdown: (review, { link }) => reviewMarkdown(review, link === undefined ? {} : { link: linkTo(review, link) }),
  sarif: review => reviewSarif(review, { version }),
  github: reviewGithub,
  gitlab: reviewGitlab,
  junit: reviewJUnit,
  json: reviewJson,
};
export const formatNames = Object.keys(formats);

/** What a shell gives for a command that a signal ended. */
const endedBy = { SIGINT: 130, SIGTERM: 143 } as const;

export async function review(options: ReviewOptions, terminal: Terminal): Promise<number> {
  const outputs = outputsOf(options);
  const failOn = parseFailOn(options.failOn);
  if (typeof failOn === 'string') throw new UsageError(`--fail-on ${options.failOn}: ${failOn}`);
  const stop = new AbortController();
  let ended: keyof typeof endedBy | undefined;
  const interrupted = (signal: keyof typeof endedBy): void => {
    ended ??= signal;
    stop.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupted);
  let found: Review;
  try {
    found = await reviewed(options, terminal, stop.signal);
  } catch (error) {
    if (ended) {
      process.stderr.write('Stopped. Nothing was changed.\n');
      return endedBy[ended];
    }
    if (error instanceof GitError) throw new UsageError(error.message);
    throw error;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted);
  }
  for (const { format, file } of outputs) {
    const text = formats[format]!(found, options);
    if (file === undefined) terminal.write(text);
    else await written(file, text);
  }
  const failures = failuresOf(found, failOn);
  if (failures.length === 0) return exitCodes.done;
  process.stderr.write(`virtbook: the review fails: ${failures.join(', ')}.\n`);
  return exitCodes.problems;
}

async function reviewed(options: ReviewOptions, terminal: Terminal, signal: AbortSignal): Promise<Review> {
  const repository = await openRepository(process.cwd());
  const pool = options.rehearse ? new RehearsalPool(rehearsalScript()) : undefined;
  try {
    const given = await givenInventory(options.inventory, repository);
    const changes = await repository.changes({
      ...(options.base !== undefined && { base: options.base }),
      ...(options.head !== undefined && { head: options.head }),
    });
    const ports: ReviewPorts = {
      ...(pool && {
        rehearse: async (asked, stopped) => {
          const work = await workOfReview(asked);
          const { rehearsal } = await pool.rehearse(work, stopped);
          return { rehearsal, assumed: work.assumed };
        },
      }),
      ...(terminal.live && { onProgress: (done, total, path) => showProgress(done, total, path, terminal) }),
    };
    const { review } = await reviewChanges(changes, ports, { ...given, signal });
    const { baseName, headName } = options;
    return {
      ...review,
      ...(baseName !== undefined && { base: { ...review.base, label: baseName } }),
      ...(headName !== undefined && { head: { ...review.head, label: headName } }),
    };
  } finally {
    if (terminal.live) process.stderr.write('\r\x1b[K');
    await pool?.close();
    await repository.close();
  }
}

/** What is not in a commit has no address. */
function linkTo({ head }: Review, template: string): (place: Place) => string | undefined {
  return ({ path, line }) => {
    if (head.commit === undefined && template.includes('{commit}')) return undefined;
    const values: Record<string, string> = {
      commit: head.commit ?? '',
      path: path.split('/').map(encodeURIComponent).join('/'),
      line: String(line),
    };
    return template.replace(/\{(commit|path|line)\}/g, (_, name: string) => values[name] ?? '');
  };
}

function showProgress(done: number, total: number, path: string, terminal: Terminal): void {
  const line = cutTo(printable(`${done} of ${total} reviewed: ${path}`), terminal.columns());
  process.stderr.write(`\r${line}\x1b[K`);
}

/** Which formats are written where. @throws UsageError */
function outputsOf({ format = ['text'], output }: ReviewOptions): { format: string; file?: string }[] {
  const outputs = format.map(text => {
    const at = text.indexOf('=');
    const name = at < 0 ? text : text.slice(0, at);
    const file = at < 0 ? output : text.slice(at + 1);
    if (!Object.hasOwn(formats, name))
      throw new UsageError(`--format ${text}: there is no format ${name}. There are ${formatNames.join(', ')}.`);
    if (file === '') throw new UsageError(`--format ${text}: name the file behind the =.`);
    return { format: name, ...(file !== undefined && { file }) };
  });
  const plain = format.filter(text => !text.includes('='));
  if (plain.length > 1)
    throw new UsageError(
      `--format ${plain.join(' and ')} would be mixed. Write all but one to files: --format ${plain.at(-1)}=FILE.`,
    );
  if (plain.length === 0 && output !== undefined)
    throw new UsageError(`--output ${output} is for a --format without a file of its own. Leave it out.`);
  // A person who reads the log of a pipeline finds it there, too.
  return plain.length === 0 ? [...outputs, { format: 'text' }] : outputs;
}

async function written(file: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  } catch (error) {
    throw new UsageError(`${file} can't be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What --inventory names: an inventory of the repository, or a capture from anywhere. @throws UsageError */
async function givenInventory(file: string | undefined, { root }: Repository): Promise<ReviewedWith> {
  if (file === undefined) return {};
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new UsageError(missing ? `There is no file ${file}.` : `${file} can't be read: ${String(error)}`);
  }
  if (kindOf(file) === 'inventory') {
    const path = relative(await realpath(root), await realpath(file));
    if (path.startsWith('..') || isAbsolute(path))
      throw new UsageError(
        `${file} is not in the repository ${root}, so it is not known how it was at the base. Name one that is, or a capture.`,
      );
    return { inventory: path.split(sep).join('/') };
  }
  try {
    parseLabFile(text, file);
  } catch (error) {
    throw new UsageError(
      `${file} is neither an *.inventory.yaml nor a capture: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return { capture: { name: file, text } };
}
