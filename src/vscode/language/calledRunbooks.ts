import * as vscode from 'vscode';
import type { CalledRunbooks } from '../../runbook/calls';
import type { Runbook } from '../../runbook/model';
import { languages } from '../ids';
import { language } from '../lazy';
import { KeptTexts } from './keptTexts';

/** Paths offered where a runbook can be called. */
const mostOffered = 500;

/** Runbooks that other runbooks call, as the editor shows them or as they are stored. */
export class CalledFiles implements vscode.Disposable {
  private readonly files = new KeptTexts('**/*.runbook.{yaml,yml}', languages.runbook);
  readonly onDidChange = this.files.onDidChange;

  /** What `runbook` calls, and what these call. */
  async of(uri: vscode.Uri, runbook: Runbook): Promise<CalledRunbooks> {
    const name = uri.path.slice(uri.path.lastIndexOf('/') + 1);
    const { runbooks } = await language().loadCalled(runbook, name, path =>
      this.files.read(vscode.Uri.joinPath(uri, '..', path)),
    );
    return runbooks;
  }

  /** Paths, relative to the folder of the document, of runbooks that it could call. */
  async callable(uri: vscode.Uri): Promise<string[]> {
    if (uri.scheme !== 'file') return [];
    const found = await vscode.workspace.findFiles('**/*.runbook.{yaml,yml}', undefined, mostOffered);
    const folder = uri.path.split('/').slice(0, -1);
    return found.flatMap(file => (file.toString() === uri.toString() ? [] : [relative(folder, file.path)])).sort();
  }

  dispose(): void {
    this.files.dispose();
  }
}

/** `other.runbook.yaml`, `../parts/patch-one.runbook.yaml` */
function relative(folder: readonly string[], path: string): string {
  const parts = path.split('/');
  let same = 0;
  while (same < folder.length && folder[same] === parts[same]) same++;
  return [...folder.slice(same).map(() => '..'), ...parts.slice(same)].join('/');
}
