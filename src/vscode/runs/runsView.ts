import * as vscode from 'vscode';
import type { RunSummary } from '../../runner/contract';
import { commands, contextKeys, views } from '../ids';
import type { Row } from '../inventory/rows';
import { tooltipOf, treeItem } from '../treeItem';
import type { RunsService } from './runsService';
import {
  asItIs,
  fitsWords,
  moreStepsId,
  moreStepsRow,
  parseRunsId,
  runNodeId,
  runRow,
  type Section,
  STEPS,
  sectionId,
  sectionOf,
  sectionRow,
  sections,
  stepNodeId,
  stepOf,
  stepRow,
  waitsForPerson,
} from './runsTree';

/** Earlier runs shown; the rest stays on disk and in `virtbook runs`. */
const HISTORY = 100;
/** Progress of a running step is drawn at most this often, in ms. */
const REDRAW_MS = 250;

/** Runs that wait, that are under way, that need a person and that have ended, each with its steps. Draws nothing while hidden. */
export class RunsView implements vscode.TreeDataProvider<string>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<string[] | undefined>();
  private readonly view: vscode.TreeView<string>;
  private readonly disposables: vscode.Disposable[] = [this.changed];
  /** Ids of nodes to draw again. */
  private readonly pending = new Set<string>();
  private readonly pages = new Map<string, number>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private text = '';
  /** What stands in which section; when that changes, the tree does. */
  private standing = '';
  readonly onDidChangeTreeData = this.changed.event;

  constructor(
    private readonly service: RunsService,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.view = vscode.window.createTreeView(views.runs, { treeDataProvider: this, canSelectMany: true });
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
    void vscode.commands.executeCommand('setContext', contextKeys.runsFiltered, this.text !== '');
    const runs = this.runs();
    const filtered = vscode.l10n.t('{0} of {1} runs: "{2}"', runs.length, this.service.list.length, this.text);
    this.view.message = this.text === '' ? undefined : filtered;
    this.standing = standingOf(runs);
    this.countWaiting();
    this.changed.fire(undefined);
  }

  /** The badge counts runs that only a person brings on. */
  private countWaiting(): void {
    const waiting = this.service.list.filter(run => waitsForPerson(asItIs(run, this.service.live(run.runId)))).length;
    const tooltip =
      waiting === 1 ? vscode.l10n.t('1 run waits for a person') : vscode.l10n.t('{0} runs wait for a person', waiting);
    if (this.view.badge?.value !== waiting) this.view.badge = { value: waiting, tooltip };
  }

  private redrawSoon(runId: string): void {
    this.pending.add(runNodeId(runId));
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.countWaiting();
      if (this.view.visible) {
        // A run that begins to wait, or ends, stands in another section.
        if (standingOf(this.runs()) !== this.standing) this.redraw();
        else this.changed.fire([...this.pending]);
      }
      this.pending.clear();
    }, REDRAW_MS);
  }

  /** As they are by now, those that fit the filter. */
  private runs(): RunSummary[] {
    const runs = this.service.list.map(run => asItIs(run, this.service.live(run.runId)));
    return this.text === '' ? runs : runs.filter(run => fitsWords(run, this.text));
  }

  private inSection(section: Section): RunSummary[] {
    const runs = this.runs().filter(run => sectionOf(run) === section);
    return section === 'history' ? runs.slice(0, HISTORY) : runs;
  }

  async filter(): Promise<void> {
    const text = await vscode.window.showInputBox({
      title: vscode.l10n.t('Filter runs'),
      prompt: vscode.l10n.t(
        'Words of the name, state, runbook, id or who started it, e.g. `failed web`. Empty: all runs.',
      ),
      value: this.text,
    });
    if (text === undefined) return;
    this.text = text.trim();
    this.redraw();
  }

  clearFilter(): void {
    this.text = '';
    this.redraw();
  }

  showMore(id: unknown): void {
    const node = typeof id === 'string' ? parseRunsId(id) : undefined;
    if (node?.kind !== 'more') return;
    this.pages.set(node.runId, (this.pages.get(node.runId) ?? 1) + 1);
    this.changed.fire([runNodeId(node.runId)]);
  }

  /** The runs a command acts on: of the menu, all that are selected with it, or, by key, of the selection. */
  targets(argument: unknown, selected: unknown): string[] {
    const given = Array.isArray(selected) ? selected : argument === undefined ? this.view.selection : [argument];
    return given.flatMap((id: unknown) => {
      const node = typeof id === 'string' ? parseRunsId(id) : undefined;
      return node?.kind === 'run' ? [node.runId] : [];
    });
  }

  async getTreeItem(id: string): Promise<vscode.TreeItem> {
    const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState;
    const node = parseRunsId(id);
    const row = await this.row(id);
    if (!node || !row) return new vscode.TreeItem('');
    const item = treeItem(id, row, node.kind === 'section' ? Expanded : node.kind === 'run' ? Collapsed : None);
    if (node.kind === 'more')
      item.command = { command: commands.showMoreSteps, title: vscode.l10n.t('Show More'), arguments: [id] };
    return item;
  }

  async resolveTreeItem(item: vscode.TreeItem, id: string): Promise<vscode.TreeItem> {
    const row = await this.row(id);
    if (row) item.tooltip = tooltipOf(row);
    return item;
  }

  /** The row as things are now: a node may be older than its run. */
  private async row(id: string): Promise<Row | undefined> {
    const node = parseRunsId(id);
    if (node?.kind === 'section') return sectionRow(node.section, this.inSection(node.section).length);
    if (!node) return undefined;
    if (node.kind === 'run') {
      const run = this.service.list.find(one => one.runId === node.runId);
      const live = this.service.live(node.runId);
      return run && runRow(asItIs(run, live), Date.now(), live);
    }
    const view = await this.viewOf(node.runId);
    if (!view) return undefined;
    if (node.kind === 'more') return moreStepsRow(view.steps.length - this.shownSteps(node.runId));
    const step = 'key' in node ? stepOf(view, node.key) : undefined;
    return step && stepRow(step);
  }

  private shownSteps(runId: string): number {
    return STEPS * (this.pages.get(runId) ?? 1);
  }

  private viewOf(runId: string) {
    return this.service.view(runId).catch(error => {
      this.log.error(`Run ${runId} could not be read.`, error);
      return undefined;
    });
  }

  async getChildren(id?: string): Promise<string[]> {
    if (id === undefined) {
      const there = new Set(this.runs().map(sectionOf));
      // History alone needs no heading.
      if (there.size === 1 && there.has('history')) return this.inSection('history').map(run => runNodeId(run.runId));
      return sections.filter(section => there.has(section)).map(sectionId);
    }
    const node = parseRunsId(id);
    if (node?.kind === 'section') return this.inSection(node.section).map(run => runNodeId(run.runId));
    if (node?.kind !== 'run') return [];
    const view = await this.viewOf(node.runId);
    if (!view) return [];
    const shown = this.shownSteps(node.runId);
    const ids = view.steps.slice(0, shown).map(step => stepNodeId(node.runId, step.key));
    return view.steps.length > shown ? [...ids, moreStepsId(node.runId)] : ids;
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const item of this.disposables) item.dispose();
  }
}

function standingOf(runs: readonly RunSummary[]): string {
  return runs.map(run => `${run.runId} ${sectionOf(run)}`).join('\n');
}
