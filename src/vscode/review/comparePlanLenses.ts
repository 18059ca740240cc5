import * as vscode from 'vscode';
import { commands, languages } from '../ids';
import type { ReviewResults } from './reviewResults';
import { pathAt, runbooksOf } from './shownReview';

/** *Compare plan with main* above a runbook of the review that is shown. */
export class ComparePlanLenses implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly registration = vscode.languages.registerCodeLensProvider({ language: languages.runbook }, this);
  readonly onDidChangeCodeLenses: vscode.Event<void>;

  constructor(private readonly results: ReviewResults) {
    this.onDidChangeCodeLenses = listener => results.onDidChange(() => listener());
  }

  provideCodeLenses({ uri }: vscode.TextDocument): vscode.CodeLens[] {
    const kept = this.results.current;
    const file = kept?.fileOf(uri);
    if (!kept || !file) return [];
    const reviewed = runbooksOf(kept).find(one => pathAt(one, file.side) === file.path);
    if (!reviewed) return [];
    const { base, head } = kept.result.review;
    const other = file.side === 'head' ? base.label : head.label;
    const title = reviewed.plan.same
      ? vscode.l10n.t('Plan as in {0}', other)
      : vscode.l10n.t('Compare plan with {0}', other);
    const command = { title, command: commands.comparePlans, arguments: [uri] };
    return [new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), command)];
  }

  dispose(): void {
    this.registration.dispose();
  }
}
