import type { JournalRecord } from '../engine/journal';
import { shortHash } from '../engine/plan-summary';
import type { RunModel, RunView, StepView } from '../engine/view';
import type { RunStatus } from '../runner/contract';
import { duration, paint, printable, type Terminal } from './terminal';

export interface Marks {
  done: string;
  failed: string;
  undone: string;
  skipped: string;
  asks: string;
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
      return `${marks.skipped} ${dim(`${step ? stepName(step) : record.key} is left out (${printable(record.reason)})`)}`;
    case 'step.log':
      return undefined;
    case 'item.skipped':
      return `${marks.skipped} ${dim(`${record.key} is not started: ${record.reason}`)}`;
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
      return live ? undefined : `${dim('…')} undo of ${step ? stepName(step) : record.key}: ${printable(record.title)}`;
    case 'undo.done': {
      if (!step) return undefined;
      const time = step.undoStartedAt === undefined ? '' : `  ${dim(duration(record.t - step.undoStartedAt))}`;
      return `${marks.undone} ${step.undo === undefined ? stepName(step) : printable(step.undo)}${time}`;
    }
    case 'undo.failed':
      return `${marks.failed} undo of ${step ? stepName(step) : record.key}: ${failureText(record.failure)}`;
    case 'commit.failed':
      return `${paint(terminal, 'yellow', '!')} ${record.key}: what was kept for its undo could not be removed. ${failureText(record.failure)}`;
    case 'question.asked':
      return `${marks.asks} ${printable(record.text)}`;
    case 'question.answered':
      return record.choice === 'cancelled' ? undefined : dim(`${record.by || 'Somebody'} answered: ${record.choice}`);
    case 'cancel.requested':
      return dim(
        record.mode === 'rollback'
          ? `${record.by} asked for everything to be rolled back.`
          : `${record.by} asked to stop and to keep what was done.`,
      );
    default:
      return undefined;
  }
}

function failureText({ class: kind, message }: { class: string; message: string }): string {
  const text = printable(message);
  const words: Record<string, string> = {
    blocked: 'blocked: ',
    timeout: 'time-out: ',
    unreachable: 'unreachable: ',
    unknown: 'outcome unknown: ',
  };
  return `${words[kind] ?? ''}${text}`;
}

/** How a run ended, as a short story: what happened, what was undone, what is left, what to do next. */
export function endText(run: RunView & { status: RunStatus; crash?: string }, terminal: Terminal): string {
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
      ? `${run.failedStep} failed: ${why}`
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
          ? `  ${steps(undone)} ${undone === 1 ? 'was' : 'were'} undone, last first. Nothing is left of what the run changed.`
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
      lines.push(`  Go on: virtbook resume ${run.runId}`, `  Undo:  virtbook rollback ${run.runId}`);
      break;
    case 'needs-operator':
      lines.push(`${marks.failed} ${printable(run.name)}: not everything could be undone, so a person is needed.`);
      if (blame) lines.push(`  ${blame}`);
      if (undone > 0) lines.push(`  ${steps(undone)} ${undone === 1 ? 'was' : 'were'} undone. What is left:`);
      else lines.push('  What is left:');
      for (const { key, text, why: reason } of run.remaining) {
        lines.push(`  - ${printable(key)}: ${printable(text)}`, `    ${printable(reason)}`);
      }
      if (run.remaining.some(one => !one.final)) {
        lines.push(`  When what is in the way is gone, this tries the rest again: virtbook rollback ${run.runId}`);
      }
      break;
    case 'crashed':
      lines.push(
        `${marks.failed} ${printable(run.name)}: its runner ended before the run did. Nothing more happens by itself.`,
      );
      if (run.crash !== undefined) lines.push(`  ${printable(run.crash)}`);
      lines.push(`  Go on: virtbook resume ${run.runId}`, `  Undo:  virtbook rollback ${run.runId}`);
      break;
    default:
      lines.push(`${printable(run.name)} is ${run.status}.`);
  }
  for (const warning of run.warnings) lines.push(`  ${paint(terminal, 'yellow', 'warning:')} ${printable(warning)}`);
  return `${lines.join('\n')}\n`;
}

export function headText(view: RunView, terminal: Terminal): string {
  return `${paint(terminal, 'bold', printable(view.name))}  run ${view.runId}  plan ${shortHash(view.planHash)}\n`;
}
