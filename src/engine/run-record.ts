import type { JournalRecord } from './journal';
import { code, details, escaped, grid, htmlCode, markdownTable, visible } from './markdown-text';
import { steeringText } from './steering-text';
import { duration } from './text-table';
import { RunModel, type RunView, type StepView } from './view';

/** What ties a record to the journal it was made from. */
export interface JournalDigest {
  /** Lines of the journal that it was made from. */
  records: number;
  /** SHA-256 of these lines, newlines included, in hexadecimal. */
  sha256: string;
}

export interface RecordOptions {
  /** How much of each step's log is in it: its last lines, or all of them. */
  logs: 'tail' | 'all';
}

const tailLines = 20;

/**
 * A run for a pull request or a ticket, as Markdown: which plan was approved and by whom, who ran it and where, each step with its times, what was
 * undone, what is left, and the logs. Made from the journal alone: the same records give the same text, on every computer. Times are UTC.
 */
export function runRecord(records: readonly JournalRecord[], digest: JournalDigest, options: RecordOptions): string {
  const model = new RunModel();
  for (const record of records) model.apply(record);
  const view = model.view;
  if (!view) throw new Error('A journal without its first record tells of no run.');
  const people = peoplesWords(records);
  const undos = undone(records, view);
  const lines = [
    `## Run of ${escaped(view.name)}: ${endText(view)}`,
    '',
    ...grid(['', ''], facts(view, records, digest)),
    '',
    ...whyIt(view),
    ...section('Approvals and decisions', grid(['when', 'who', 'what'], people), people.length),
    ...section('Steps', markdownTable(stepHead, view.steps.map(stepRow)), view.steps.length),
    ...section('Undone, in this order', markdownTable(['undo', 'of', 'ended', 'took'], undos), undos.length),
    ...section(
      'Left for a person',
      grid(
        ['what', 'step', 'why'],
        view.remaining.map(rest => [rest.text, rest.key, rest.why]),
      ),
      view.remaining.length,
    ),
    ...section(
      'To know',
      view.warnings.map(text => `- ${escaped(text)}`),
      view.warnings.length,
    ),
    ...logs(records, view, options),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

const ends: Record<RunView['phase'], string> = {
  submitted: 'not begun',
  running: 'under way',
  waiting: 'waiting',
  'rolling-back': 'rolling back',
  done: 'done',
  'rolled-back': 'failed and rolled back',
  stopped: 'stopped, what was done is kept',
  failed: 'failed before anything was changed',
  'needs-operator': 'a person is needed',
};

function endText(view: RunView): string {
  if (view.phase === 'done' && view.failedItems.length > 0)
    return `done, but for ${view.failedItems.length} that failed`;
  if (view.phase === 'rolled-back') {
    // That a person wanted it, perhaps after its end, is no failure.
    if (view.failure?.class === 'cancelled') return 'rolled back';
    if (view.failure?.class === 'rejected') return 'rejected and rolled back';
  }
  return ends[view.phase];
}

function facts(view: RunView, records: readonly JournalRecord[], digest: JournalDigest): string[][] {
  const machines = new Set(records.flatMap(record => (record.type === 'run.started' ? [record.machine] : [])));
  const begun = records.filter(record => record.type === 'run.started').length;
  const connections = Object.entries(view.plan.inventory?.connections ?? {});
  const simulated = connections.filter(([, { type }]) => type === 'simulated').map(([name]) => name);
  return [
    ['Run', view.runId],
    ['Plan', view.planHash],
    ['Runbook', fileName(view.runbookPath)],
    ...(view.plan.only === undefined ? [] : [['Only step', view.plan.only]]),
    ...(view.plan.from === undefined ? [] : [['From step', view.plan.from]]),
    ['Submitted', `${utc(view.submittedAt)} by ${view.by}`],
    [
      'Ran on',
      `${[...machines].join(', ') || 'no computer yet'}${begun > 1 ? ` (${begun} runners, one after another)` : ''}`,
    ],
    ...(view.startedAt === undefined ? [] : [['Began', utc(view.startedAt)]]),
    ...(view.endedAt === undefined
      ? []
      : [['Ended', `${utc(view.endedAt)}, after ${took(view.submittedAt, view.endedAt)}`]]),
    ...(connections.length === 0
      ? []
      : [
          [
            'Hypervisors',
            simulated.length === 0
              ? 'real'
              : simulated.length === connections.length
                ? 'simulated: nothing real was changed'
                : `simulated: ${simulated.join(', ')}; the others real`,
          ],
        ]),
    ['Journal', `${digest.records} records, SHA-256 ${digest.sha256}`],
  ];
}

/** The folder is the operator's own business. */
function fileName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

function whyIt(view: RunView): string[] {
  if (!view.failure) return [];
  const where = view.failedStep === undefined ? '' : ` in ${code(view.failedStep)}`;
  return [`**Why${where}:** ${escaped(view.failure.message)}`, ''];
}

function section(title: string, content: readonly string[], entries: number): string[] {
  return entries === 0 ? [] : [`### ${title}`, '', ...content, ''];
}

/** Approvals, answers and what else people decided, in the order of time. */
function peoplesWords(records: readonly JournalRecord[]): string[][] {
  const questions = new Map<string, string>();
  const rows: string[][] = [];
  const say = (t: number, who: string, what: string): void => void rows.push([utc(t), who, what]);
  for (const record of records) {
    switch (record.type) {
      case 'approval.given':
        say(record.t, record.by, `approved ${record.key} for plan ${record.planHash}${noted(record.note)}`);
        break;
      case 'approval.rejected':
        say(record.t, record.by, `rejected ${record.key} for plan ${record.planHash}${noted(record.note)}`);
        break;
      case 'approval.over':
        say(
          record.t,
          '',
          record.why === 'expired'
            ? `nobody approved ${record.key} in time`
            : `${record.key} waited no more: cancelled`,
        );
        break;
      case 'question.asked':
        questions.set(record.id, record.text);
        break;
      case 'question.answered':
        say(record.t, record.by, `answered “${record.choice}” to: ${questions.get(record.id) ?? record.id}`);
        break;
      case 'cancel.requested':
        say(
          record.t,
          record.by,
          record.mode === 'rollback' ? 'asked for everything to be undone' : 'stopped it and kept what was done',
        );
        break;
      case 'step.back':
      case 'step.jump':
      case 'variable.set':
        say(record.t, record.by, steeringText(record).slice(record.by.length + 1));
        break;
      default:
    }
  }
  return rows;
}

function noted(note: string | undefined): string {
  return note === undefined ? '' : `, saying: ${note}`;
}

const stepHead = ['step', 'state', 'began', 'took', 'note'];

function stepRow(step: StepView): string[] {
  const notes = [
    ...(step.attempt > 1 ? [`attempt ${step.attempt}`] : []),
    ...(step.failure ? [step.failure.message] : []),
    ...(step.reason === undefined ? [] : [step.reason]),
  ];
  const name = step.title === step.key ? step.title : `${step.title} (${step.key})`;
  const times =
    step.startedAt === undefined
      ? ['', '']
      : [utc(step.startedAt), step.endedAt === undefined ? '' : took(step.startedAt, step.endedAt)];
  return [escaped(name), step.state, ...times, escaped(notes.join('; '))];
}

function undone(records: readonly JournalRecord[], view: RunView): string[][] {
  const begun = new Map<string, { title: string; t: number }>();
  const rows: string[][] = [];
  const titles = new Map(view.steps.map(step => [step.key, step.title]));
  for (const record of records) {
    if (record.type === 'undo.intent') begun.set(record.key, { title: record.title, t: record.t });
    if (record.type !== 'undo.done' && record.type !== 'undo.failed') continue;
    const intent = begun.get(record.key);
    const text = intent?.title ?? titles.get(record.key) ?? record.key;
    const failed = record.type === 'undo.failed' ? ` FAILED: ${record.failure.message}` : '';
    rows.push([
      escaped(`${text}${failed}`),
      escaped(record.key),
      utc(record.t),
      intent ? took(intent.t, record.t) : '',
    ]);
  }
  return rows;
}

function logs(records: readonly JournalRecord[], view: RunView, options: RecordOptions): string[] {
  const texts = new Map<string, string>();
  for (const record of records) {
    if (record.type === 'step.log') texts.set(record.key, (texts.get(record.key) ?? '') + record.text);
  }
  if (texts.size === 0) return [];
  const titles = new Map(view.steps.map(step => [step.key, step.title]));
  const blocks = [...texts].flatMap(([key, text]) => {
    const all = text.replace(/\r\n?/g, '\n').replace(/\n$/, '').split('\n');
    const shown = options.logs === 'all' ? all : all.slice(-tailLines);
    const left = all.length - shown.length;
    const block = [...(left > 0 ? [`… ${left} lines before these`] : []), ...shown].map(
      line => `    ${visibleLine(line)}`,
    );
    const head = `${htmlCode(titles.get(key) ?? key)}: ${all.length} ${all.length === 1 ? 'line' : 'lines'}`;
    return [...details(head, block), ''];
  });
  return ['### Logs', '', ...blocks];
}

/** Indentation stays; what can't be seen is written out. */
function visibleLine(line: string): string {
  const indent = /^[ \t]*/.exec(line)![0];
  return (indent.replaceAll('\t', '    ') + visible(line.slice(indent.length))).trimEnd();
}

function utc(t: number): string {
  return `${new Date(t).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

function took(from: number, to: number): string {
  return duration(to - from);
}
