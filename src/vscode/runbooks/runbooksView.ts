import * as vscode from 'vscode';
import type { SeenNames } from '../../inventory/names';
import type { RunSummary } from '../../runner/contract';
import { contextKeys, languages, views } from '../ids';
import type { Row } from '../inventory/rows';
import { inventoryUri } from '../language/inventoryOfRunbook';
import { readText } from '../language/readText';
import { language } from '../lazy';
import { isSamePath } from '../paths';
import type { RunsService } from '../runs/runsService';
import { asItIs } from '../runs/runsTree';
import { tooltipOf, treeItem } from '../treeItem';
import {
  folderId,
  folderRow,
  parseRunbookId,
  type RunbookFacts,
  type RunbookFile,
  runbookId,
  runbookRow,
  sortFiles,
} from './runbooksTree';

const GLOB = '**/*.runbook.{yaml,yml}';
/** Runbooks that are listed. */
const MOST = 5_000;
/** Time in which several changes count as one, in ms. */
const GATHER_MS = 250;

/** The runbooks of all workspace folders, with problems and last result. Looks into one when it is shown, and into nothing while hidden. */
export class RunbooksView implements vscode.TreeDataProvider<string>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<string[] | undefined>();
  private readonly view: vscode.TreeView<string>;
  private readonly disposables: vscode.Disposable[] = [this.changed];
  private files: Map<string, RunbookFile> | undefined;
  private readonly facts = new Map<string, RunbookFacts>();
  /** Shown and not looked into yet. */
  private readonly waiting = new Set<string>();
  private working = false;
  private readonly stale = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  readonly onDidChangeTreeData = this.changed.event;

  constructor(
    private readonly runs: RunsService,
    private readonly seen: (inventory: vscode.Uri) => SeenNames | undefined,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.view = vscode.window.createTreeView(views.runbooks, { treeDataProvider: this, showCollapseAll: true });
    const watcher = vscode.workspace.createFileSystemWatcher(GLOB);
    const listAgain = () => {
      this.files = undefined;
      if (this.view.visible) this.changed.fire(undefined);
    };
    this.disposables.push(
      this.view,
      watcher,
      watcher.onDidCreate(listAgain),
      watcher.onDidDelete(listAgain),
      watcher.onDidChange(uri => this.forget([uri])),
      vscode.workspace.onDidChangeWorkspaceFolders(listAgain),
      vscode.languages.onDidChangeDiagnostics(({ uris }) => this.forget(uris)),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.forget([uri])),
      this.view.onDidChangeVisibility(({ visible }) => visible && this.changed.fire(undefined)),
      vscode.window.onDidChangeActiveTextEditor(editor => this.follow(editor)),
      runs.onDidChangeList(() => this.view.visible && this.changed.fire(undefined)),
    );
  }

  /** Looks for runbooks again, and into each that is shown. */
  refresh(): void {
    this.files = undefined;
    this.facts.clear();
    this.changed.fire(undefined);
  }

  /** What was found in these may no longer hold; those that are shown are looked into again. */
  private forget(uris: readonly vscode.Uri[]): void {
    for (const uri of uris) {
      const key = uri.toString();
      if (!this.files?.has(key)) continue;
      this.facts.delete(key);
      this.stale.add(runbookId(key));
    }
    if (this.stale.size === 0) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      if (this.view.visible) this.changed.fire([...this.stale]);
      this.stale.clear();
    }, GATHER_MS);
  }

  /** Selects the runbook in front. */
  private follow(editor: vscode.TextEditor | undefined): void {
    const key = editor?.document.uri.toString();
    if (key !== undefined && this.view.visible && this.files?.has(key))
      void this.view.reveal(runbookId(key), { select: true, focus: false });
  }

  private async list(): Promise<Map<string, RunbookFile>> {
    if (this.files) return this.files;
    const found = await vscode.workspace.findFiles(GLOB, '**/node_modules/**', MOST);
    const files = found.flatMap((uri): RunbookFile[] => {
      const folder = vscode.workspace.getWorkspaceFolder(uri)?.uri.toString();
      const path = vscode.workspace.asRelativePath(uri, false);
      return folder === undefined ? [] : [{ uri: uri.toString(), path, folder }];
    });
    this.files = new Map(sortFiles(files).map(file => [file.uri, file]));
    return this.files;
  }

  private get folders(): readonly vscode.WorkspaceFolder[] {
    return vscode.workspace.workspaceFolders ?? [];
  }

  async getChildren(id?: string): Promise<string[]> {
    try {
      const files = [...(await this.list()).values()];
      if (id === undefined) {
        void vscode.commands.executeCommand(
          'setContext',
          contextKeys.runbooksState,
          files.length > 0 ? 'ready' : 'none',
        );
        if (vscode.workspace.isTrusted && this.runs.list.length === 0) void this.readRuns();
        const withRunbooks = this.folders.filter(({ uri }) => files.some(file => file.folder === uri.toString()));
        if (this.folders.length > 1) return withRunbooks.map(({ uri }) => folderId(uri.toString()));
        return files.map(({ uri }) => runbookId(uri));
      }
      const node = parseRunbookId(id);
      return node?.kind === 'folder'
        ? files.filter(({ folder }) => folder === node.uri).map(({ uri }) => runbookId(uri))
        : [];
    } catch (error) {
      this.log.error('The runbooks of the workspace could not be listed.', error);
      void vscode.commands.executeCommand('setContext', contextKeys.runbooksState, 'failed');
      return [];
    }
  }

  private async readRuns(): Promise<void> {
    await this.runs.refresh().catch(error => this.log.warn('Runs could not be read.', error));
  }

  getParent(id: string): string | undefined {
    const node = parseRunbookId(id);
    const folder = node?.kind === 'runbook' ? this.files?.get(node.uri)?.folder : undefined;
    return folder !== undefined && this.folders.length > 1 ? folderId(folder) : undefined;
  }

  getTreeItem(id: string): vscode.TreeItem {
    const node = parseRunbookId(id);
    const row = this.row(id);
    if (!node || !row) return new vscode.TreeItem('');
    const { Expanded, None } = vscode.TreeItemCollapsibleState;
    const item = treeItem(id, row, node.kind === 'folder' ? Expanded : None);
    if (node.kind === 'runbook') {
      item.command = {
        command: 'vscode.open',
        title: vscode.l10n.t('Open Runbook'),
        arguments: [vscode.Uri.parse(node.uri)],
      };
      if (!this.facts.has(node.uri)) this.lookInto(node.uri);
    }
    return item;
  }

  resolveTreeItem(item: vscode.TreeItem, id: string): vscode.TreeItem {
    const row = this.row(id);
    if (row) item.tooltip = tooltipOf(row);
    return item;
  }

  private row(id: string): Row | undefined {
    const node = parseRunbookId(id);
    if (!node) return undefined;
    if (node.kind === 'folder') {
      const name = this.folders.find(({ uri }) => uri.toString() === node.uri)?.name ?? '';
      const files = [...(this.files?.values() ?? [])].filter(({ folder }) => folder === node.uri);
      return folderRow(name, files.length);
    }
    const file = this.files?.get(node.uri);
    return file && runbookRow(file, this.facts.get(node.uri), this.lastRun(vscode.Uri.parse(node.uri)), Date.now());
  }

  private lastRun(uri: vscode.Uri): RunSummary | undefined {
    if (!vscode.workspace.isTrusted || uri.scheme !== 'file') return undefined;
    const run = this.runs.list.find(({ runbookPath }) => isSamePath(runbookPath, uri.fsPath));
    return run && asItIs(run, this.runs.live(run.runId));
  }

  /** One after the other, so that a large workspace holds nothing up. */
  private lookInto(uri: string): void {
    this.waiting.add(uri);
    if (!this.working) void this.work();
  }

  private async work(): Promise<void> {
    this.working = true;
    try {
      const { RunbookChecks } = language();
      const checks = new RunbookChecks(
        {
          read: file =>
            readText(vscode.Uri.parse(file)).then(
              text => text,
              () => undefined,
            ),
          resolve: (from, path) => inventoryUri(vscode.Uri.parse(from), path).toString(),
        },
        inventory => this.seen(vscode.Uri.parse(inventory)),
      );
      for (const key of this.waiting) {
        if (!this.view.visible) break;
        this.waiting.delete(key);
        const uri = vscode.Uri.parse(key);
        const facts = await readText(uri)
          .then(text => checks.facts(key, text))
          .catch(error => {
            this.log.warn(`${key} could not be looked into.`, error);
            return undefined;
          });
        this.facts.set(key, { errors: 0, warnings: 0, ...facts, ...this.shownProblems(uri) });
        this.changed.fire([runbookId(key)]);
        await new Promise(resolve => setImmediate(resolve));
      }
    } finally {
      this.working = false;
    }
    if (!this.view.visible) this.waiting.clear();
  }

  /** Of a runbook that is open, what its editor shows. */
  private shownProblems(uri: vscode.Uri): Pick<RunbookFacts, 'errors' | 'warnings'> | undefined {
    const open = vscode.workspace.textDocuments.some(
      document => document.uri.toString() === uri.toString() && document.languageId === languages.runbook,
    );
    if (!open) return undefined;
    const found = vscode.languages.getDiagnostics(uri);
    const { Error: Mistake, Warning } = vscode.DiagnosticSeverity;
    return {
      errors: found.filter(({ severity }) => severity === Mistake).length,
      warnings: found.filter(({ severity }) => severity === Warning).length,
    };
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const item of this.disposables) item.dispose();
  }
}
