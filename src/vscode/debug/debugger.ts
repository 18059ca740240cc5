import path from 'node:path';
import * as vscode from 'vscode';
import { debugType } from '../ids';
import { debug } from '../lazy';
import { isOnDisk } from '../onlyFiles';
import type { RunCommands } from '../runCommands';
import type { RunProgress } from '../runs/runProgress';
import type { RunsService } from '../runs/runsService';
import { DebugConfigurations } from './debugConfigurations';
import { VscodeDebugHost } from './debugHost';
import { debugLanguages, HoveredName, ValuesInText } from './debugValues';

/** Makes VS Code's Run and Debug work on runbooks. Loads the adapter when a session begins. */
export class Debugger implements vscode.Disposable {
  private readonly disposables: vscode.Disposable[];

  constructor(runs: RunsService, commands: RunCommands, progress: RunProgress) {
    const host = new VscodeDebugHost(runs, commands, progress);
    const configurations = new DebugConfigurations(runs);
    const { Dynamic } = vscode.DebugConfigurationProviderTriggerKind;
    this.disposables = [
      vscode.debug.registerDebugAdapterDescriptorFactory(debugType, {
        createDebugAdapterDescriptor: () =>
          new vscode.DebugAdapterInlineImplementation(new (debug().DebugAdapter)(host)),
      }),
      vscode.debug.registerDebugConfigurationProvider(debugType, configurations),
      vscode.debug.registerDebugConfigurationProvider(
        debugType,
        { provideDebugConfigurations: folder => configurations.provideDynamicConfigurations(folder) },
        Dynamic,
      ),
      vscode.languages.registerEvaluatableExpressionProvider(debugLanguages, new HoveredName()),
      vscode.languages.registerInlineValuesProvider(debugLanguages, new ValuesInText()),
    ];
  }

  async launch(uri: vscode.Uri): Promise<boolean> {
    if (!isOnDisk(uri)) return false;
    return vscode.debug.startDebugging(vscode.workspace.getWorkspaceFolder(uri), {
      type: debugType,
      request: 'launch',
      name: path.basename(uri.fsPath),
      runbook: uri.fsPath,
    });
  }

  attach(run: string): Thenable<boolean> {
    const name = vscode.l10n.t('Run {0}', run);
    return vscode.debug.startDebugging(undefined, { type: debugType, request: 'attach', name, run });
  }

  dispose(): void {
    for (const item of this.disposables) item.dispose();
  }
}
