import { join } from 'node:path';
import { shortHash } from '../../engine/plan-summary';
import { remainingRunbook } from '../../engine/remaining-runbook';
import { duration } from '../../engine/text-table';
import type { StepView } from '../../engine/view';
import type { ReadRun, RunSummary } from '../../runner/contract';
import { exitCodeOf, exitCodes } from '../../runner/exit-codes';
import { openRuns } from '../../runner/runs';
import { recordOfRun } from '../run-evidence';
import { approvalText, approveCommand, endText, marksOf, shortJson, stepName, when } from '../run-text';
import { canonical, withSignature } from '../signed-text';
import { sign } from '../ssh-signature';
import { table } from '../table';
import { paint, printable, printableLines, type Terminal } from '../terminal';
import { UsageError } from '../usage-error';
import { statusText, watchRun } from '../watch-run';

export async function runs(
  options: { format: 'text' | 'json'; remove?: string[]; force?: boolean },
  terminal: Terminal,
): Promise<number> {
  const all = openRuns();
  if (options.remove) {
    // All are found before the first is gone: a name that is wrong removes nothing.
    const runIds = await Promise.all(options.remove.map(name => all.find(name)));
    for (const runId of new Set(runIds)) {
      await all.remove(runId, { force: options.force === true });
      terminal.write(`Removed ${runId}.\n`);
    }
    return 0;
  }
  const list = await all.list();
  if (options.format === 'json') {
    terminal.write(`${JSON.stringify(list, undefined, 2)}\n`);
    return 0;
  }
  if (list.length === 0) {
    terminal.write('There is no run yet. Start one: virtbook run FILE\n');
    return 0;
  }
  const rows = list.map(run => [
    run.runId,
    run.problem === undefined ? statusText(run.status, run.waitsFor) : 'unreadable',
    run.submittedAt > 0 ? when(run.submittedAt) : '',
    run.endedAt === undefined ? '' : duration(run.endedAt - run.submittedAt),
    run.by,
    run.problem ?? run.name,
  ]);
  const lines = table([['RUN', 'STATE', 'STARTED', 'TOOK', 'BY', 'RUNBOOK'], ...rows]);
  terminal.write(`${lines.map((line, at) => (at === 0 ? paint(terminal, 'dim', line) : line)).join('\n')}\n`);
  return 0;
}

export interface ShowOptions {
  follow?: boolean;
  remaining?: boolean;
  format: 'text' | 'json' | 'markdown';
  /** Of Markdown: signs it; `true`: with the key that is found. */
  sign?: string | true;
  /** Of Markdown. */
  logs: 'tail' | 'all';
}

export async function show(name: string, options: ShowOptions, terminal: Terminal): Promise<number> {
  const { format } = options;
  if (options.sign !== undefined && format !== 'markdown')
    throw new UsageError('Only --format markdown can be signed.');
  const all = openRuns();
  const runId = await all.find(name);
  if (options.remaining) return showRemaining(await all.read(runId), terminal);
  if (options.follow) {
    if (format === 'markdown') throw new UsageError('--follow has no Markdown. Show the run so when it has ended.');
    return watchRun(all, runId, terminal, { format, takesPart: false });
  }
  const run = await all.read(runId);
  if (format === 'markdown') return showRecord(join(all.folder, runId), run, options, terminal);
  if (format === 'json') {
    // Records as they stand in the journal: one format for programs, live or not.
    const over = new AbortController();
    let left = run.records;
    for await (const record of all.follow(runId, { signal: over.signal })) {
      terminal.write(`${JSON.stringify(record)}\n`);
      if (--left === 0) over.abort();
    }
  } else {
    terminal.write(showText(run, terminal));
    terminal.write(endText(run, terminal));
    terminal.write(paint(terminal, 'dim', `Journal: ${join(all.folder, runId, 'journal.jsonl')}\n`));
  }
  return exitCodeOf(run);
}

/** What goes into a pull request or a ticket. */
async function showRecord(
  folder: string,
  run: ReadRun,
  { sign: key, logs }: ShowOptions,
  terminal: Terminal,
): Promise<number> {
  if (key !== undefined && run.endedAt === undefined) {
    throw new UsageError(`${run.runId} has not ended, so there is nothing to vouch for yet.`);
  }
  const body = canonical(await recordOfRun(folder, { logs }));
  if (key === undefined) terminal.write(body);
  else terminal.write(withSignature({ body, signature: await sign(body, key === true ? undefined : key) }));
  return exitCodeOf(run);
}

/** Only the runbook, so that it can be written to a file. */
function showRemaining(run: ReadRun, terminal: Terminal): number {
  const text = remainingRunbook(run);
  if (text !== undefined) {
    terminal.write(text);
    return exitCodes.done;
  }
  throw new UsageError(
    run.remaining.length === 0
      ? `${run.runId} has left nothing for a person to do (it is ${run.status}).`
      : `Nothing of what ${run.runId} has left can be done by a step. \`virtbook show ${run.runId}\` says what it is.`,
  );
}

function showText(run: ReadRun, terminal: Terminal): string {
  const lines = [
    `${paint(terminal, 'bold', printable(run.name))}  ${statusText(run.status, waitsFor(run))}`,
    `run ${run.runId}, plan ${shortHash(run.planHash)}, by ${printable(run.by)}, ${when(run.submittedAt)}`,
    printable(run.runbookPath),
    '',
  ];
  let item: string | undefined;
  for (const step of run.steps) {
    const at = itemOf(step.key);
    if (at !== item && at !== undefined) lines.push(paint(terminal, 'cyan', printable(at)));
    item = at;
    lines.push(`${at === undefined ? '' : '  '}${stepLine(step, terminal)}`);
    if (step.failure) lines.push(`    ${printableLines(step.failure.message)}`);
    if (step.state === 'failed')
      for (const line of step.tail) lines.push(paint(terminal, 'dim', `    | ${printable(line)}`));
  }
  if (run.window !== undefined) lines.push('', printable(run.window));
  for (const { by, name, was, value, key } of run.changed) {
    lines.push(
      '',
      `${printable(by)} set ${printable(name)} to ${shortJson(value)} before ${printable(key)}; it was ${shortJson(was)}.`,
    );
  }
  for (const { name, thread, text, since } of run.paused) {
    lines.push('', `${thread === 1 ? '' : `${printable(name)}: `}${printable(text)} It stands since ${when(since)}.`);
  }
  if (run.paused.length > 0) lines.push(`Let it go on: virtbook continue ${run.runId}`);
  for (const question of run.questions) lines.push('', printableLines(question.text));
  if (run.question) lines.push(`Answer it in a terminal: virtbook resume ${run.runId}`);
  for (const approval of run.approvals) {
    lines.push('', approvalText(approval), `Decide: ${approveCommand(run.runId, run.approvals, approval.key)}`);
  }
  return `${lines.join('\n')}\n`;
}

function waitsFor(run: ReadRun): RunSummary['waitsFor'] {
  if (run.question) return 'answer';
  if (run.approvals.length > 0) return 'approval';
  return run.paused.length > 0 ? 'debugger' : 'window';
}

function itemOf(key: string): string | undefined {
  const end = key.lastIndexOf(']/');
  return end < 0 ? undefined : key.slice(0, end + 1);
}

function stepLine(step: StepView, terminal: Terminal): string {
  const marks = marksOf(terminal);
  const mark = {
    pending: ' ',
    running: marks.spinner[0]!,
    retrying: marks.spinner[0]!,
    done: marks.done,
    failed: marks.failed,
    skipped: marks.skipped,
    undoing: marks.undone,
    undone: marks.undone,
    'undo-failed': marks.failed,
  }[step.state];
  const took =
    step.startedAt !== undefined && step.endedAt !== undefined ? `  ${duration(step.endedAt - step.startedAt)}` : '';
  const state =
    step.state === 'done' || step.state === 'failed'
      ? ''
      : `  ${step.state === 'undo-failed' ? 'undo failed' : step.state}`;
  return `${mark} ${stepName(step)}${paint(terminal, 'dim', `${took}${state}`)}`;
}
