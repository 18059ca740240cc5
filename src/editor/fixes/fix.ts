import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Diagnostic } from 'vscode-languageserver-types';
import type { ActionSignature } from '../../runbook/check-context';
import type { Step } from '../../runbook/model';
import type { EditorConfig } from '../config';
import type { Edit, RunbookText } from './runbook-text';

/** Something that can be done. */
export interface Fix {
  title: string;
  edits: Edit[];
  /** The one that is most likely wanted. */
  preferred?: true;
  /** It changes nothing that anybody could have meant, so it may be done unasked. */
  safe?: true;
}

/** A problem and the runbook that it is in. */
export interface Problem {
  document: TextDocument;
  runbook: RunbookText;
  config: EditorConfig;
  diagnostic: Diagnostic;
  /** Of what is underlined. */
  pointer: string;
  /** Around it. */
  step: Step | undefined;
  /** The other step that the problem is about. */
  other: Step | undefined;
}

export function actionOf(step: Step | undefined, config: EditorConfig): ActionSignature | undefined {
  return step?.kind === 'action' ? config.actions.find(action => action.name === step.uses) : undefined;
}

/** One fix, unless one of its edits could not be made. */
export function fix(
  title: string,
  edits: readonly (Edit | undefined)[],
  more: Omit<Fix, 'title' | 'edits'> = {},
): Fix[] {
  const made = edits.filter(edit => edit !== undefined);
  return made.length === edits.length && made.length > 0 ? [{ title, edits: made, ...more }] : [];
}

export function textOf({ message }: Diagnostic): string {
  return typeof message === 'string' ? message : message.value;
}

/** What the checks think was meant, best first. */
export function suggestionsOf({ data }: Diagnostic): string[] {
  const known: unknown = data;
  const found = known !== null && typeof known === 'object' && 'suggestions' in known ? known.suggestions : undefined;
  return Array.isArray(found) ? found.filter(item => typeof item === 'string') : [];
}
