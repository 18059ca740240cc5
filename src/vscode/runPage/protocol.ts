import type { StepState } from '../../engine/view';
import type { RunStatus } from '../../runner/contract';
import type { PageTexts } from './texts';

/** What the run page and the extension say to each other. Data only; both sides check what they are given. */

/** What of a step changes while it runs. Times are ms since 1970 by the extension's clock. */
export interface LiveStep {
  state: StepState;
  title: string;
  attempt: number;
  startedAt?: number;
  endedAt?: number;
  undoStartedAt?: number;
  undoEndedAt?: number;
  /** 0…1 */
  fraction?: number;
  message?: string;
  failure?: string;
  reason?: string;
  /** What its undo would do or has done. */
  undo?: string;
  /** Grows in the order in which undos were registered; absent: a rollback has nothing to do here. */
  undoOrder?: number;
}

export interface PageStep {
  key: string;
  uses: string;
  /** Indexes of lanes; a migration is about two hosts. */
  lanes: number[];
  /** Seconds from the start, if all went as estimated. */
  plannedFrom?: number;
  plannedTo?: number;
  live: LiveStep;
}

export interface Lane {
  kind: 'run' | 'host' | 'vm' | 'proxy';
  name: string;
}

export type RunAction = 'cancel' | 'rollBack' | 'resume' | 'pause' | 'continue' | 'debug' | 'remaining';

export interface PageHead {
  runId: string;
  name: string;
  status: RunStatus;
  statusText: string;
  /** A runner is, or should be, at work on it. */
  live: boolean;
  by: string;
  planHash: string;
  runbookPath: string;
  submittedAt: number;
  startedAt?: number;
  endedAt?: number;
  /** 0…1 */
  progress: number;
  failure?: string;
  rollbackReason?: string;
  window?: string;
  noReturn?: string;
  questions: { id: string; text: string; choices: { id: string; label: string }[] }[];
  approvals: { key: string; message: string; needed: number; given: string[]; expiresAt?: number }[];
  /** What stands, in a debugger or because it was paused: branch and why. */
  paused: { name: string; text: string }[];
  remaining: { key: string; text: string; why: string }[];
  warnings: string[];
  actions: RunAction[];
}

export interface LogLine {
  stream: 'stdout' | 'stderr';
  text: string;
}

/** `clock`: now, by the clock of the extension's machine, which need not be the browser's. */
export type ToPage =
  | { type: 'whole'; clock: number; head: PageHead; lanes: Lane[]; steps: PageStep[]; texts: PageTexts }
  | {
      type: 'update';
      clock: number;
      head?: PageHead;
      lanes?: Lane[];
      added?: PageStep[];
      changed?: [number, LiveStep][];
    }
  /** The log of the chosen step: all that is kept of it, or what is new. `dropped`: lines before them that are not shown. */
  | { type: 'log'; key: string; replace: boolean; dropped: number; lines: LogLine[] }
  | { type: 'problem'; text: string };

export type FromPage =
  | { type: 'ready' }
  /** Shows its log from now on; none when there is no key. */
  | { type: 'choose'; key?: string }
  | { type: 'answer'; question: string; choice: string }
  | { type: 'decide'; key: string; decision: 'approve' | 'reject' }
  | { type: 'open'; key: string }
  | { type: 'journal' }
  | { type: 'print' }
  | { type: 'do'; action: RunAction };

const runActions: readonly string[] = ['cancel', 'rollBack', 'resume', 'pause', 'continue', 'debug', 'remaining'];

/** undefined: it is nothing that the page may say. */
export function readFromPage(value: unknown): FromPage | undefined {
  if (!isRecord(value)) return undefined;
  const { type, key, question, choice, decision, action } = value;
  switch (type) {
    case 'ready':
    case 'journal':
    case 'print':
      return { type };
    case 'choose':
      if (key === undefined) return { type };
      return typeof key === 'string' ? { type, key } : undefined;
    case 'open':
      return typeof key === 'string' ? { type, key } : undefined;
    case 'answer':
      return typeof question === 'string' && typeof choice === 'string' ? { type, question, choice } : undefined;
    case 'decide':
      return typeof key === 'string' && (decision === 'approve' || decision === 'reject')
        ? { type, key, decision }
        : undefined;
    case 'do':
      return typeof action === 'string' && runActions.includes(action)
        ? { type, action: action as RunAction }
        : undefined;
    default:
      return undefined;
  }
}

/** The outer shape only: what is in it was built from a checked journal by the same version of the extension. */
export function readFromHost(value: unknown): ToPage | undefined {
  if (!isRecord(value)) return undefined;
  const { type, clock, head, steps, lanes, texts, added, changed, lines, key, text } = value;
  const optionalList = (list: unknown): boolean => list === undefined || Array.isArray(list);
  const good =
    (type === 'whole' &&
      typeof clock === 'number' &&
      isRecord(head) &&
      Array.isArray(steps) &&
      Array.isArray(lanes) &&
      isRecord(texts)) ||
    (type === 'update' &&
      typeof clock === 'number' &&
      (head === undefined || isRecord(head)) &&
      [lanes, added, changed].every(optionalList)) ||
    (type === 'log' && typeof key === 'string' && Array.isArray(lines)) ||
    (type === 'problem' && typeof text === 'string');
  return good ? (value as unknown as ToPage) : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
