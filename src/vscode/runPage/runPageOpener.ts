import path from 'node:path';
import * as vscode from 'vscode';
import { asLspDocument, asRange } from '../language/lspTypes';
import { language, runPage } from '../lazy';
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
      openStep,
    });
    return this.pages;
  }

  dispose(): void {
    this.serializer.dispose();
    this.pages?.dispose();
  }
}

async function openStep(runbookPath: string, given: string): Promise<void> {
  const [called, pointer] = splitPointer(given);
  const file = called === '' ? runbookPath : path.resolve(path.dirname(runbookPath), called);
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(file));
  const { lenses, ParseCache } = language();
  const found = lenses(asLspDocument(document), new ParseCache()).find(lens => lens.pointer === pointer);
  const selection = found ? asRange(found.range) : undefined;
  await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.One, selection });
}

/** `parts/other.runbook.yaml#/steps/0` → its file and the place in it; the file is empty for the runbook itself. */
function splitPointer(pointer: string): [file: string, pointer: string] {
  const at = pointer.lastIndexOf('#');
  return at < 0 ? ['', pointer] : [pointer.slice(0, at), pointer.slice(at + 1)];
}
