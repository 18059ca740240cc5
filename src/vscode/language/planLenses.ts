import * as vscode from 'vscode';
import { commands, languages } from '../ids';
import { language } from '../lazy';
import type { LanguageFeatures } from './languageFeatures';
import { asLspDocument, asRange } from './lspTypes';

/** *Plan · Rehearse* on the file, where it can't be run: in a browser, and in documents that are no file on disk, as the sides of a diff. */
export class PlanLenses implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly registration = vscode.languages.registerCodeLensProvider({ language: languages.runbook }, this);

  constructor(
    private readonly features: LanguageFeatures,
    /** Files on disk have other lenses. */
    private readonly notOnDisk = false,
  ) {}

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    if (this.notOnDisk && document.uri.scheme === 'file') return [];
    const titles: Record<string, [string, string]> = {
      plan: [vscode.l10n.t('Plan'), commands.plan],
      ...(vscode.workspace.isTrusted && { rehearse: [vscode.l10n.t('Rehearse'), commands.rehearse] }),
    };
    return language()
      .lenses(asLspDocument(document), this.features.cache)
      .flatMap(({ kind, range }) => {
        const [title, command] = titles[kind] ?? [];
        return title && command
          ? [new vscode.CodeLens(asRange(range), { title, command, arguments: [document.uri] })]
          : [];
      });
  }

  dispose(): void {
    this.registration.dispose();
  }
}
