import * as vscode from 'vscode';
import type { RunSummary } from '../../runner/contract';
import { contextKeys, views } from '../ids';
import { treeItem } from '../treeItem';
import type { RunsService } from './runsService';
import { asItIs, type RunsNode, runNode, sectionNode, stepNodes } from './runsTree';
import { isLive } from './stepResults';

/** Earlier runs shown; the rest stays on disk and in `virtbook runs`. */
const HISTORY = 100;
/** Progress of a running step is drawn at most this often, in ms. */
const REDRAW_MS = 250;

/** Runs under way and runs that have ended, each with its steps. Reads the runner's folder; nothing while hidden. */
export class RunsView implements vscode.TreeDataProvider<RunsNode>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<RunsNode | undefined>();
  private readonly view: vscode.TreeView<RunsNode>;
  private readonly disposables: vscode.Disposable[] = [this.changed];
  private readonly shown = new Map<string, RunsNode>();
  private readonly pending = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  readonly onDidChangeTreeData = this.changed.event;

  constructor(
    private readonly service: RunsService,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.view = vscode.window.createTreeView(views.runs, { treeDataProvider: this });
    this.disposables.push(
      this.view,
      this.view.onDidChangeVisibility(({ visible }) => visible && void this.refresh()),
      service.onDidChangeList(() => this.redraw()),
      service.onDidChangeRun(({ runId }) => this.redrawSoon(runId)),
    );
    if (this.view.visible) void this.refresh();
  }

  async refresh(): Promise<void> {
    try {
      await this.service.refresh();
      this.redraw();
    } catch (error) {
      this.log.error('The folder of runs could not be read.', error);
      void vscode.commands.executeCommand('setContext', contextKeys.runsState, 'failed');
      this.changed.fire(undefined);
    }
  }

  private redraw(): void {
    const state = this.service.list.length === 0 ? 'none' : 'ready';
    void vscode.commands.executeCommand('setContext', contextKeys.runsState, state);
    const running = this.service.list.filter(run => isLive(run.status)).length;
    this.view.badge =
      running > 0
        ? { value: running, tooltip: running === 1 ? vscode.l10n.t('1 run') : vscode.l10n.t('{0} runs', running) }
        : undefined;
    this.changed.fire(undefined);
  }

  private redrawSoon(runId: string): void {
    this.pending.add(runId);
    if (this.timer !== undefined || !this.view.visible) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      for (const id of this.pending) {
        const node = this.shown.get(id);
        if (node) this.changed.fire(node);
      }
      this.pending.clear();
    }, REDRAW_MS);
  }

  getTreeItem(node: RunsNode): vscode.TreeItem {
    const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState;
    if (node.kind === 'section') return treeItem(node.id, node.row, Expanded);
    // The row may be older than the run: what is drawn is what the list says now.
    if (node.kind === 'run') {
      const now = this.service.list.find(run => run.runId === node.runId);
      const row = now ? runNode(asItIs(now, this.service.live(now.runId)), Date.now()).row : node.row;
      return treeItem(node.id, row, Collapsed);
    }
    return treeItem(node.id, node.row, None);
  }

  async getChildren(node?: RunsNode): Promise<RunsNode[]> {
    const { list } = this.service;
    if (!node) {
      const running = list.filter(run => isLive(run.status));
      const over = list.filter(run => !isLive(run.status)).slice(0, HISTORY);
      if (running.length === 0) return this.nodes(over);
      return [
        sectionNode('running', running.length),
        ...(over.length > 0 ? [sectionNode('history', over.length)] : []),
      ];
    }
    if (node.kind === 'section') {
      const wanted = list.filter(run => isLive(run.status) === (node.section === 'running'));
      return this.nodes(wanted.slice(0, HISTORY));
    }
    if (node.kind === 'step') return [];
    const view = await this.service.view(node.runId).catch(error => {
      this.log.error(`Run ${node.runId} could not be read.`, error);
      return undefined;
    });
    return view ? stepNodes(view) : [];
  }

  private nodes(runs: RunSummary[]): RunsNode[] {
    return runs.map(run => {
      const node = runNode(asItIs(run, this.service.live(run.runId)), Date.now());
      this.shown.set(run.runId, node);
      return node;
    });
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const item of this.disposables) item.dispose();
  }
}
