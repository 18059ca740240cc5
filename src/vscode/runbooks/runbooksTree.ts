import type { RunSummary } from '../../runner/contract';
import { ago } from '../duration';
import { compareNames } from '../inventory/inventoryTree';
import type { Row } from '../inventory/rows';
import { isLive, statusText } from '../runs/stepResults';

/** What a look into a runbook tells. */
export interface RunbookFacts {
  name?: string;
  /** What the runbook says of itself. */
  text?: string;
  errors: number;
  warnings: number;
}

/** A runbook of the workspace. */
export interface RunbookFile {
  uri: string;
  /** Path relative to its workspace folder, with `/`. */
  path: string;
  /** Address of its workspace folder. */
  folder: string;
}

export const runbookId = (uri: string) => `runbook:${uri}`;
export const folderId = (uri: string) => `folder:${uri}`;

/** The address that an id stands for. */
export function parseRunbookId(id: string): { kind: 'runbook' | 'folder'; uri: string } | undefined {
  const kind = id.slice(0, id.indexOf(':'));
  return kind === 'runbook' || kind === 'folder' ? { kind, uri: id.slice(kind.length + 1) } : undefined;
}

/** By path, as people count; what lies in one folder stands together. */
export function sortFiles(files: readonly RunbookFile[]): RunbookFile[] {
  return [...files].sort((one, other) => compareNames(one.path, other.path));
}

/** `facts` undefined: it has not been looked into yet. `last`: its newest run. */
export function runbookRow(
  file: RunbookFile,
  facts: RunbookFacts | undefined,
  last: RunSummary | undefined,
  now: number,
): Row {
  const fileName = file.path.slice(file.path.lastIndexOf('/') + 1);
  const label = facts?.name ?? fileName.replace(/\.runbook\.ya?ml$/, '');
  const problems = facts && problemsText(facts);
  const result = last && resultText(last, now);
  const [icon, color] = facts && facts.errors > 0 ? ['error', 'charts.red'] : iconOf(facts, last);
  return {
    label,
    description: [problems, result, file.path].filter(Boolean).join(' · '),
    spoken: [
      `Runbook ${label}`,
      problems ?? (facts ? 'no problems' : undefined),
      result && `last run ${result}`,
      file.path,
    ]
      .filter(Boolean)
      .join(', '),
    facts: [
      ['File', file.path],
      ...(facts?.text === undefined ? [] : [['Description', facts.text] as [string, string]]),
      ['Problems', facts ? (problems ?? 'none') : 'not looked at yet'],
      ['Last run', result ?? 'none'],
      ...(last?.failure === undefined ? [] : [['Failure', last.failure] as [string, string]]),
    ],
    icon,
    color,
    actions: ['runbook'],
  };
}

function iconOf(facts: RunbookFacts | undefined, last: RunSummary | undefined): [icon: string, color?: string] {
  if (last && isLive(last.status)) return ['sync~spin'];
  if (facts && facts.warnings > 0) return ['warning', 'charts.yellow'];
  return ['checklist'];
}

function problemsText({ errors, warnings }: RunbookFacts): string | undefined {
  const text = [errors > 0 ? count(errors, 'error') : '', warnings > 0 ? count(warnings, 'warning') : ''];
  return text.filter(Boolean).join(', ') || undefined;
}

function resultText(run: RunSummary, now: number): string {
  const state = run.problem ? 'unreadable' : statusText(run.status, run.waitsFor);
  return run.endedAt === undefined ? state : `${state} ${ago(run.endedAt, now)}`;
}

export function folderRow(name: string, runbooks: number): Row {
  const size = count(runbooks, 'runbook');
  return { label: name, description: size, spoken: `Folder ${name}, ${size}`, facts: [], icon: 'folder', actions: [] };
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
