import type { JournalRecord } from '../engine/journal';
import { shortHash } from '../engine/plan-summary';
import { programSteps } from '../engine/program-steps';
import { steeringText } from '../engine/steering-text';
import { duration } from '../engine/text-table';
import type { OpenApproval, RunModel, RunView, StepView } from '../engine/view';
import type { Json } from '../runbook/json';
import type { ReadRun } from '../runner/contract';
import { paint, printable, printableLines, type Terminal } from './terminal';

export interface Marks {
  done: string;
  failed: string;
  undone: string;
  skipped: string;
  asks: string;
  waits: string;
  spinner: readonly string[];
}

export function marksOf(terminal: Terminal): Marks {
  const mark = (color: Parameters<typeof paint>[1], unicode: string, ascii: string) =>
    paint(terminal, color, terminal.unicode ? unicode : ascii);
  return {
    done: mark('green', '✔', 'ok'),
    failed: mark('red', '✖', 'FAILED'),
    undone: mark('yellow', '↶', 'undone'),
    skipped: mark('dim', '–', '-'),
    asks: mark('yellow', '?', '?'),
    waits: mark('yellow', '⏸', 'waits:'),
    spinner: terminal.unicode ? [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'] : ['|', '/', '-', '\\'],
  };
}

/** A step for people: where the title alone would not tell items apart, its item too. */
export function stepName(step: StepView): string {
  return printable(step.title);
}

/**
 * The line that a record adds to the story of a run; undefined for what only moves a progress display. Called after the model has taken
 * the record. `live`: what is under way is shown elsewhere, so only ends are told.
 */
export function recordText(
  record: JournalRecord,
  model: RunModel,
  terminal: Terminal,
  live: boolean,
): string | undefined {
  const marks = marksOf(terminal);
  const dim = (text: string): string => paint(terminal, 'dim', text);
  const step = 'key' in record && record.key !== undefined ? model.step(record.key) : undefined;
  switch (record.type) {
    case 'run.started':
      return record.resumed ? dim('A new runner goes on with the run.') : undefined;
    case 'step.intent':
      return live
        ? undefined
        : `${dim('…')} ${printable(record.title)}${record.attempt > 1 ? ` (attempt ${record.attempt})` : ''}`;
    case 'step.done': {
      if (!step) return undefined;
      const time = step.startedAt === undefined ? '' : `  ${dim(duration(record.t - step.startedAt))}`;
      return `${marks.done} ${stepName(step)}${time}${record.probed ? dim('  found done after an interruption') : ''}`;
    }
    case 'step.failed': {
      if (!step) return undefined;
      const again = record.willRetry ? ' It is tried again.' : '';
      return `${marks.failed} ${stepName(step)}: ${failureText(record.failure)}${again}`;
    }
    case 'step.skipped':
      return `${marks.skipped} ${dim(`${step ? stepName(step) : printable(record.key)} is left out (${printable(record.reason)})`)}`;
    case 'control.started':
      return live || !step ? undefined : `${dim('…')} ${stepName(step)}`;
    case 'control.done': {
      if (!step) return undefined;
      const time = step.startedAt === undefined ? '' : `  ${dim(duration(record.t - step.startedAt))}`;
      return `${marks.done} ${stepName(step)}${time}`;
    }
    case 'noreturn.passed':
      return paint(terminal, 'yellow', `What was done so far is kept from here on: ${printable(record.message)}`);
    case 'finally.started':
      return dim('Steps of `finally` follow; they run whatever became of the others.');
    case 'window.waiting':
    case 'window.closed':
      return `${marks.waits} ${printable(record.text)}`;
    case 'approval.asked': {
      const approval = model.view?.approvals.find(one => one.key === record.key);
      return `${marks.asks} ${approval ? approvalText(approval) : printable(record.message)}`;
    }
    case 'approval.given':
      return `${marks.done} ${printable(record.by)} approves ${printable(record.key)}${noteText(record.note)}`;
    case 'approval.rejected':
      return `${marks.failed} ${printable(record.by)} rejects ${printable(record.key)}${noteText(record.note)}`;
    case 'approval.over':
      return record.why === 'expired'
        ? `${marks.failed} ${printable(record.key)}: nobody approved it in time.`
        : dim(`${printable(record.key)} waits for no approval any more: the run was stopped.`);
    case 'step.log':
      return undefined;
    case 'item.skipped':
      return `${marks.skipped} ${dim(`${printable(record.key)} is not started: ${printable(record.reason)}`)}`;
    case 'rollback.started':
      // Why has been said by the step that failed.
      return paint(
        terminal,
        'yellow',
        record.key === undefined
          ? 'Rolling back, last step first.'
          : `Rolling back ${printable(record.key)}; the others go on.`,
      );
    case 'undo.intent':
      return live
        ? undefined
        : `${dim('…')} undo of ${step ? stepName(step) : printable(record.key)}: ${printable(record.title)}`;
    case 'undo.done': {
      if (!step) return undefined;
      const time = step.undoStartedAt === undefined ? '' : `  ${dim(duration(record.t - step.undoStartedAt))}`;
      return `${marks.undone} ${step.undo === undefined ? stepName(step) : printable(step.undo)}${time}`;
    }
    case 'undo.failed':
      return `${marks.failed} undo of ${step ? stepName(step) : printable(record.key)}: ${failureText(record.failure)}`;
    case 'commit.failed':
      return `${paint(terminal, 'yellow', '!')} ${printable(record.key)}: what was kept for its undo could not be removed. ${failureText(record.failure)}`;
    case 'question.asked':
      return `${marks.asks} ${printableLines(record.text)}`;
    case 'question.answered':
      return record.choice === 'cancelled'
        ? undefined
        : dim(`${printable(record.by || 'Somebody')} answered: ${record.choice}`);
    case 'run.paused': {
      const who = record.thread === 1 ? '' : `${printable(record.name)}: `;
      const asked = record.reason === 'entry' || record.reason === 'pause';
      const how = asked ? ` Let it go on: virtbook continue ${model.view?.runId ?? 'latest'}` : '';
      return `${marks.waits} ${who}${printable(record.text)}${how}`;
    }
    case 'run.continued':
      // Step by step, the next stop says it.
      return record.how === 'continue' || record.how === 'detach'
        ? dim(`${printable(record.by)} lets it go on.`)
        : undefined;
    case 'step.back':
    case 'step.jump':
      return dim(`${printable(steeringText(record))}.`);
    case 'variable.set':
      return `${marks.asks} ${printable(steeringText(record, shortJson))}.`;
    case 'cancel.requested':
      return dim(
        record.mode === 'rollback'
          ? `${printable(record.by)} asked for everything to be rolled back.`
          : `${printable(record.by)} asked to stop and to keep what was done.`,
      );
    default:
      return undefined;
  }
}

/** What is to be approved, by how many, until when, and of which plan. */
export function approvalText(approval: OpenApproval): string {
  const { key, message, needed, given, expiresAt, planHash, self } = approval;
  const people = needed === 1 ? '1 person' : `${needed} different people`;
  const facts = [
    `needs ${people}${given.length > 0 ? `, so far ${given.map(one => printable(one.by)).join(', ')}` : ''}`,
    ...(self ? [] : ['not who started the run']),
    ...(expiresAt === undefined ? [] : [`until ${when(expiresAt)}`]),
    `plan ${shortHash(planHash)}`,
  ];
  return `${printable(key)} waits for approval: ${printable(message)} (${facts.join('; ')})`;
}

/** How a person without this terminal decides. */
export function approveCommand(runId: string, approvals: readonly OpenApproval[], key: string): string {
  const gate = approvals.length > 1 ? ` --gate '${key}'` : '';
  return `virtbook approve ${runId}${gate}, or virtbook reject ${runId}${gate}`;
}

/** A value in a line. */
export function shortJson(value: Json): string {
  const text = printable(JSON.stringify(value));
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function noteText(note: string | undefined): string {
  return note === undefined ? '' : `: ${printable(note)}`;
}

/** `2026-01-03 22:00`, in the zone of this computer. */
export function when(ms: number): string {
  const date = new Date(ms);
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

function failureText({ class: kind, message }: { class: string; message: string }): string {
  const text = printableLines(message);
  const words: Record<string, string> = {
    blocked: 'blocked: ',
    timeout: 'time-out: ',
    unreachable: 'unreachable: ',
    unknown: 'outcome unknown: ',
    locked: 'locked: ',
    drift: 'not as planned: ',
  };
  return `${words[kind] ?? ''}${text}`;
}

/** How a run ended, as a short story: what happened, what was undone, what is left, what to do next. */
export function endText(run: ReadRun, terminal: Terminal): string {
  const marks = marksOf(terminal);
  const lines: string[] = [''];
  const took = run.endedAt !== undefined ? ` after ${duration(run.endedAt - (run.startedAt ?? run.submittedAt))}` : '';
  const count = (state: StepView['state']): number => run.steps.filter(step => step.state === state).length;
  const steps = (number: number): string => `${number} ${number === 1 ? 'step' : 'steps'}`;
  const failed =
    run.failedStep === undefined ? undefined : (run.steps.find(step => step.key === run.failedStep) ?? undefined);
  const why = run.failure === undefined ? '' : failureText(run.failure);
  const blame = failed
    ? `${stepName(failed)} failed: ${why}`
    : run.failedStep !== undefined
      ? `${printable(run.failedStep)} failed: ${why}`
      : run.failure?.class === 'cancelled'
        ? ''
        : why;
  const undone = count('undone');
  switch (run.status) {
    case 'done': {
      const left = count('skipped');
      lines.push(
        `${marks.done} ${printable(run.name)}: done${took}. ${steps(count('done'))} done${left > 0 ? `, ${left} left out` : ''}.`,
      );
      if (run.failedItems.length > 0) {
        lines.push(
          `  Failed, and rolled back alone, as \`maxFailures\` allows: ${run.failedItems.map(printable).join(', ')}.`,
        );
      }
      break;
    }
    case 'rolled-back':
      lines.push(`${marks.undone} ${printable(run.name)}: rolled back${took}.`);
      if (blame) lines.push(`  ${blame}`);
      lines.push(
        undone > 0
          ? `  ${steps(undone)} ${undone === 1 ? 'was' : 'were'} undone, last first. ${leftText(run)}`.trimEnd()
          : '  The run had changed nothing that needed undoing.',
      );
      break;
    case 'failed':
      lines.push(`${marks.failed} ${printable(run.name)}: failed${took}.`);
      if (blame) lines.push(`  ${blame}`);
      lines.push('  Nothing had been changed that could be taken back.');
      break;
    case 'stopped':
      lines.push(`${marks.skipped} ${printable(run.name)}: stopped${took}. ${steps(count('done'))} done and kept.`);
      if (blame) lines.push(`  ${blame}`);
      lines.push(...goOnLines(run));
      break;
    case 'needs-operator':
      lines.push(
        run.forward
          ? `${marks.failed} ${printable(run.name)}: stopped after its point of no return, so a person is needed. What was done is kept.`
          : `${marks.failed} ${printable(run.name)}: not everything could be undone, so a person is needed.`,
      );
      if (blame) lines.push(`  ${blame}`);
      if (undone > 0) lines.push(`  ${steps(undone)} ${undone === 1 ? 'was' : 'were'} undone. What is left:`);
      else lines.push('  What is left:');
      for (const { key, text, why: reason } of run.remaining) {
        lines.push(`  - ${printable(key)}: ${printable(text)}`, `    ${printableLines(reason)}`);
      }
      if (run.forward) {
        lines.push(`  When what is in the way is gone, this goes on with it: virtbook resume ${run.runId}`);
      } else if (run.remaining.some(one => !one.final)) {
        lines.push(`  When what is in the way is gone, this tries the rest again: virtbook rollback ${run.runId}`);
      }
      if (run.remaining.some(one => one.step)) {
        lines.push(`  The same as a runbook, to look at, change and run: virtbook show ${run.runId} --remaining`);
      }
      if (keepsLocks(run)) {
        const goesOn = run.forward || run.remaining.some(one => !one.final);
        const until = goesOn
          ? ' until that has worked. To give it free all the same'
          : '. Once it is put right, give it free';
        lines.push(`  What it changed stays locked for other runs${until}: virtbook release ${run.runId}`);
      }
      break;
    case 'crashed':
      lines.push(
        `${marks.failed} ${printable(run.name)}: its runner ended before the run did. Nothing more happens by itself.`,
      );
      if (run.lastWords !== undefined) lines.push(`  It said: ${printableLines(run.lastWords)}`);
      lines.push(...goOnLines(run));
      break;
    default:
      lines.push(`${printable(run.name)} is ${run.status}.`);
  }
  for (const warning of run.warnings) lines.push(`  ${paint(terminal, 'yellow', 'warning:')} ${printable(warning)}`);
  return `${lines.join('\n')}\n`;
}

/** Of a run that was rolled back: what there still is of it, as its runbook says or nobody knows. */
function leftText(run: ReadRun): string {
  const program = programSteps(run.plan.program);
  const kept = run.steps.filter(({ state, pointer }) => {
    const step = program.get(pointer);
    return state === 'done' && step?.kind === 'action' && step.rollback === 'none' && !pointer.includes('/finally/');
  });
  if (kept.length > 0) return `Kept, as \`rollback: none\` says: ${listed(kept.map(stepName))}.`;
  // What is not known to be gone is told by a warning.
  return run.warnings.length > 0 ? '' : 'Nothing is left of what the run changed.';
}

const mostNames = 5;

function listed(names: readonly string[]): string {
  const more = names.length - mostNames;
  return more <= 0 ? names.join('; ') : `${names.slice(0, mostNames).join('; ')}; and ${more} more`;
}

function keepsLocks({ plan }: ReadRun): boolean {
  const connections = Object.values(plan.inventory?.connections ?? {});
  return connections.some(one => one.type !== 'libvirt' || one.locks !== 'none');
}

function goOnLines(run: ReadRun): string[] {
  const undo =
    run.noReturn === undefined
      ? [`  Undo:  virtbook rollback ${run.runId}`]
      : [`  What was done is kept: its point of no return (${printable(run.noReturn)}) is passed.`];
  return [`  Go on: virtbook resume ${run.runId}`, ...undo];
}

export function headText(view: RunView, terminal: Terminal): string {
  return `${paint(terminal, 'bold', printable(view.name))}  run ${view.runId}  plan ${shortHash(view.planHash)}\n`;
}
