import type { JournalRecord } from '../engine/journal';
import { steeringText } from '../engine/steering-text';

/** What the debug console says of a record; undefined: nothing. */
export function consoleText(
  record: JournalRecord,
): { text: string; category: 'console' | 'stdout' | 'stderr' } | undefined {
  switch (record.type) {
    case 'step.intent': {
      const again = record.attempt > 1 ? ` (attempt ${record.attempt})` : '';
      return told(`→ ${record.title}${again}`, record.warnings);
    }
    case 'step.done':
      return told(`✓ ${record.key}${record.probed ? ' (found done after an interruption)' : ''}`);
    case 'step.failed':
      return wrong(`✗ ${record.key}: ${record.failure.message}${record.willRetry ? ' It is tried again.' : ''}`);
    case 'step.skipped':
      return told(`- ${record.key}: left out, ${record.reason}`);
    case 'step.log':
      return { text: record.text, category: record.stream };
    case 'control.started':
      return record.kind === 'call' ? undefined : told(`→ ${record.title}`);
    case 'control.done':
      return record.kind === 'call' ? undefined : told(`✓ ${record.key}`);
    case 'noreturn.passed':
      return told(`▲ ${record.message} What was done so far is kept from here on.`);
    case 'item.skipped':
      return told(`- ${record.key}: not begun, ${record.reason}`);
    case 'window.waiting':
    case 'window.closed':
      return told(`■ ${record.text}`);
    case 'approval.asked':
      return told(`? ${record.key} waits for approval: ${record.message}`);
    case 'approval.given':
      return told(`✓ ${record.key} approved by ${record.by}`);
    case 'approval.rejected':
      return wrong(`✗ ${record.key} rejected by ${record.by}`);
    case 'rollback.started':
      return told(`← rolling back${record.key === undefined ? '' : ` ${record.key}`}: ${record.reason}`);
    case 'undo.intent':
      return told(`← ${record.title}`);
    case 'undo.done':
      return told(`✓ ${record.key} is undone`);
    case 'undo.failed':
      return wrong(`✗ the undo of ${record.key} failed: ${record.failure.message}`);
    case 'commit.failed':
      return wrong(`! ${record.key}: what was kept for its undo could not be removed. ${record.failure.message}`);
    case 'question.asked':
      return told(`? ${record.text} [${record.choices.map(choice => choice.label).join(' / ')}]`);
    case 'step.back':
      return told(`← ${steeringText(record)}`);
    case 'step.jump':
      return told(`→ ${steeringText(record)}`);
    case 'variable.set':
      return told(`= ${steeringText(record)}`);
    case 'cancel.requested':
      return told(`■ ${record.by} asked to stop and ${record.mode === 'keep' ? 'keep what was done' : 'roll back'}`);
    case 'run.ended': {
      const why = record.failure ? `: ${record.failure.message}` : '';
      const left = (record.remaining ?? []).map(one => `  left for a person: ${one.text} (${one.why})`);
      const text = [`■ ${record.status}${why}`, ...left, ...(record.warnings ?? [])].join('\n');
      return record.status === 'done' ? told(text) : wrong(text);
    }
    default:
      return undefined;
  }
}

function told(text: string, more: readonly string[] = []) {
  return { text: `${[text, ...more.map(line => `  ${line}`)].join('\n')}\n`, category: 'console' as const };
}

function wrong(text: string) {
  return { text: `${text}\n`, category: 'stderr' as const };
}
