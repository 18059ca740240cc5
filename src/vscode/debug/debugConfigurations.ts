import * as vscode from 'vscode';
import { debugType, languages } from '../ids';
import { isOnDisk } from '../onlyFiles';
import type { RunsService } from '../runs/runsService';
import { isLive } from '../runs/stepResults';

/** Runbooks that are offered in Run and Debug; more could not be read there. */
const MOST = 50;

/** F5 on a runbook, launch.json, and what Run and Debug offers without one. Not in an untrusted workspace. */
export class DebugConfigurations implements vscode.DebugConfigurationProvider {
  constructor(private readonly runs: RunsService) {}

  /** F5 without launch.json gives an empty configuration. */
  resolveDebugConfiguration(
    _folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): vscode.DebugConfiguration | undefined {
    if (!vscode.workspace.isTrusted) {
      void vscode.window.showWarningMessage(vscode.l10n.t('Runbooks are debugged only in a trusted workspace.'));
      return undefined;
    }
    if (configuration.type || configuration.request || configuration.name) return configuration;
    const shown = vscode.window.activeTextEditor?.document;
    // In a diff `${file}` is the file itself, whichever side the cursor is in.
    if (shown?.languageId === languages.runbook) return isOnDisk(shown.uri) ? launch(nameOf(), '${file}') : undefined;
    void vscode.window.showInformationMessage(vscode.l10n.t('Open a runbook (*.runbook.yaml) first.'));
    return undefined;
  }

  async resolveDebugConfigurationWithSubstitutedVariables(
    _folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    if (configuration.request !== 'attach' || configuration.run) return configuration;
    const run = await this.pickRun();
    return run === undefined ? undefined : { ...configuration, run };
  }

  async provideDebugConfigurations(): Promise<vscode.DebugConfiguration[]> {
    return [
      launch(vscode.l10n.t('Debug this runbook'), '${file}'),
      { ...launch(vscode.l10n.t('Debug this runbook, simulated'), '${file}'), target: 'simulated', stopOnEntry: true },
      { type: debugType, request: 'attach', name: vscode.l10n.t('Attach to a run') },
    ];
  }

  /** Every runbook of the workspace and every run under way, without a launch.json. */
  async provideDynamicConfigurations(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.DebugConfiguration[]> {
    const pattern = '**/*.runbook.{yaml,yml}';
    const files = await vscode.workspace.findFiles(
      folder ? new vscode.RelativePattern(folder, pattern) : pattern,
      '**/node_modules/**',
      MOST,
    );
    const names = files.map(file => ({ file, name: vscode.workspace.asRelativePath(file, false) }));
    await this.runs.refresh();
    return [
      ...names
        .sort((one, other) => one.name.localeCompare(other.name))
        .flatMap(({ file, name }) => [
          launch(name, file.fsPath),
          { ...launch(vscode.l10n.t('{0}, simulated', name), file.fsPath), target: 'simulated', stopOnEntry: true },
        ]),
      ...this.runs.list
        .filter(run => isLive(run.status))
        .map(run => ({
          type: debugType,
          request: 'attach',
          name: vscode.l10n.t('Attach to {0}', run.name),
          run: run.runId,
        })),
    ];
  }

  private async pickRun(): Promise<string | undefined> {
    await this.runs.refresh();
    const live = this.runs.list.filter(run => isLive(run.status));
    if (live.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('No run is under way. Start one with Debug, or attach while one is running.'),
      );
      return undefined;
    }
    const picked = await vscode.window.showQuickPick(
      live.map(run => ({
        label: run.name,
        description: run.status,
        detail: vscode.l10n.t('{0}, started by {1}', run.runId, run.by),
        run: run.runId,
      })),
      { title: vscode.l10n.t('Which run is to be debugged?') },
    );
    return picked?.run;
  }
}

function launch(name: string, runbook: string): vscode.DebugConfiguration {
  return { type: debugType, request: 'launch', name, runbook };
}

function nameOf(): string {
  return vscode.l10n.t('Debug this runbook');
}
