import type { JournalRecord } from '../../engine/journal';
import { steeringText } from '../../engine/steering-text';
import { duration } from '../duration';

/** One record for people, without its time; undefined for what only machines need. */
export function recordText(record: JournalRecord): string | undefined {
  switch (record.type) {
    case 'run.submitted':
      return `${record.plan.name}: submitted by ${record.by}, plan ${record.planHash}`;
    case 'run.started':
      return record.resumed ? `resumed on ${record.machine}` : `started on ${record.machine}`;
    case 'step.intent': {
      const again = record.attempt > 1 ? ` (attempt ${record.attempt})` : '';
      return `→ ${record.title}${again}${record.undo ? `\n    undo would: ${record.undo}` : ''}`;
    }
    case 'step.done':
      return `✓ ${record.key}${record.probed ? ' (found done after an interruption)' : ''}${values(record.outputs)}`;
    case 'step.failed':
      return `✗ ${record.title ?? record.key}: ${record.failure.message}${record.willRetry ? ' Trying again.' : ''}`;
    case 'step.skipped':
      return `- ${record.key}: skipped, ${record.reason}`;
    case 'step.log':
      return record.text
        .replace(/\r?\n$/, '')
        .split(/\r?\n/)
        .map(line => `    ${record.stream === 'stderr' ? '! ' : '| '}${line}`)
        .join('\n');
    case 'control.started':
      return record.kind === 'call' ? undefined : `→ ${record.title}`;
    case 'control.done':
      return record.kind === 'call' ? undefined : `✓ ${record.key}`;
    case 'noreturn.passed':
      return `▲ ${record.message}: what was done so far is kept from here on`;
    case 'finally.started':
      return '→ steps of `finally`';
    case 'window.waiting':
    case 'window.closed':
      return `■ ${record.text}`;
    case 'approval.asked': {
      const until = record.expiresAt === undefined ? '' : `, until ${new Date(record.expiresAt).toISOString()}`;
      const who = record.self ? '' : ', not by who started the run';
      return `? ${record.key} waits for approval by ${record.by}${who}${until}: ${record.message}\n    plan ${record.planHash}`;
    }
    case 'approval.given':
      return `✓ approved ${record.key} by ${record.by}${record.note === undefined ? '' : `: ${record.note}`}`;
    case 'approval.rejected':
      return `✗ rejected ${record.key} by ${record.by}${record.note === undefined ? '' : `: ${record.note}`}`;
    case 'approval.over':
      return `  ${record.key} waits for no approval any more: ${record.why}`;
    case 'item.started':
      return `· ${JSON.stringify(record.value)}`;
    case 'item.skipped':
      return `- ${JSON.stringify(record.value)}: not started, ${record.reason}`;
    case 'rollback.started':
      return `← rolling back: ${record.reason}`;
    case 'undo.intent':
      return `← ${record.title}`;
    case 'undo.done':
      return `✓ undone ${record.key}`;
    case 'undo.failed':
      return `✗ undo of ${record.key} failed: ${record.failure.message}`;
    case 'commit.failed':
      return `! ${record.key}: what was kept for its undo could not be removed. ${record.failure.message}`;
    case 'question.asked':
      return `? ${record.text} [${record.choices.map(choice => choice.label).join(' / ')}]`;
    case 'question.answered':
      return `  answered ${record.choice} by ${record.by}`;
    case 'run.paused':
      return `■ ${record.thread === 1 ? '' : `${record.name}: `}${record.text}`;
    case 'run.continued':
      return record.how === 'continue' || record.how === 'detach' ? `▶ ${record.by} lets it go on` : undefined;
    case 'step.back':
      return `← ${steeringText(record)}`;
    case 'step.jump':
      return `→ ${steeringText(record)}`;
    case 'variable.set':
      return `= ${steeringText(record)}`;
    case 'cancel.requested':
      return `■ ${record.by} asked to stop and ${record.mode === 'keep' ? 'keep what was done' : 'roll back'}`;
    case 'run.ended': {
      const why = record.failure ? `: ${record.failure.message}` : '';
      const left = (record.remaining ?? []).map(item => `\n    left for a person: ${item.text} (${item.why})`).join('');
      return `■ ${record.status}${why}${left}`;
    }
    default:
      return undefined;
  }
}

function values(outputs: Record<string, unknown>): string {
  const pairs = Object.entries(outputs).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? '' : `\n    ${pairs.join(' ')}`;
}

/** Lines of a journal: time of day, time since the start, text. Only ever grows, so that a view can follow. */
export function journalLines(records: readonly JournalRecord[]): string[] {
  const start = records[0]?.t ?? 0;
  return records.flatMap(record => {
    const text = recordText(record);
    if (text === undefined) return [];
    const time = new Date(record.t).toISOString().slice(11, 19);
    const since = duration(record.t - start).padStart(9);
    const [first = '', ...rest] = text.split('\n');
    return [`${time}Z ${since}  ${first}`, ...rest.map(line => `${' '.repeat(20)}${line}`)];
  });
}
