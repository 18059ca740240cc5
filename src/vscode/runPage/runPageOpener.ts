import * as vscode from 'vscode';
import { runPage } from '../lazy';
import type { RunsService } from '../runs/runsService';
import type { RunPages } from './runPages';

/** Also in package.json, as an activation event. */
const viewType = 'virtbook.run';

/** Opens pages of runs, and takes back those that were open before a reload. Loads their part when the first is opened. */
export class RunPageOpener implements vscode.Disposable {
  private pages: RunPages | undefined;
  private readonly serializer: vscode.Disposable;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly runs: RunsService,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.serializer = vscode.window.registerWebviewPanelSerializer(viewType, {
      deserializeWebviewPanel: async (panel, state: unknown) => {
        const runId = typeof state === 'object' && state !== null && 'runId' in state ? state.runId : undefined;
        if (typeof runId === 'string') this.started().adopt(panel, runId);
        else panel.dispose();
      },
    });
  }

  open(runId: string, how?: { aside?: boolean }): Promise<void> {
    return this.started().open(runId, how);
  }

  private started(): RunPages {
    this.pages ??= new (runPage().RunPages)({
      viewType,
      extensionUri: this.context.extensionUri,
      storage: vscode.Uri.joinPath(this.context.globalStorageUri, 'printed'),
      runs: this.runs,
      log: this.log,
    });
    return this.pages;
  }

  dispose(): void {
    this.serializer.dispose();
    this.pages?.dispose();
  }
}
