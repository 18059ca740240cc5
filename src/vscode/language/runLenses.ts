import * as vscode from 'vscode';
import type { RunSummary } from '../../runner/contract';
import { ago } from '../duration';
import { commands, languages } from '../ids';
import { language } from '../lazy';
import { isSamePath } from '../paths';
import type { RunsService } from '../runs/runsService';
import { asItIs } from '../runs/runsTree';
import { resultTitle, type StepResult, statusIcon, statusText } from '../runs/stepResults';
import type { LanguageFeatures } from './languageFeatures';
import { asLspDocument, asRange } from './lspTypes';

/** A common space after an icon is dropped. */
const NBSP = '\u00a0';
/** Lenses are drawn again at most this often while a run goes on, in ms. */
const REDRAW_MS = 300;

/**
 * *Run · Debug · Plan · Rehearse* on the file, *Run step · Run from here* on each step, and how it went last. Only on files on disk: what
 * is run is the file, not a diff's other side, which has `PlanLenses`. Never waits for the network.
 */
export class RunLenses implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly disposables: vscode.Disposable[] = [this.changed];
  private timer: ReturnType<typeof setTimeout> | undefined;
  readonly onDidChangeCodeLenses = this.changed.event;

  constructor(
    private readonly features: LanguageFeatures,
    private readonly runs: RunsService,
    private readonly log: vscode.LogOutputChannel,
  ) {
    const redraw = () => {
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        this.changed.fire();
      }, REDRAW_MS);
    };
    this.disposables.push(
      vscode.languages.registerCodeLensProvider({ language: languages.runbook, scheme: 'file' }, this),
      vscode.workspace.onDidGrantWorkspaceTrust(redraw),
      runs.onDidChangeList(redraw),
      runs.onDidChangeRun(redraw),
    );
  }

  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    const lenses = language().lenses(asLspDocument(document), this.features.cache);
    const results = await this.results(document);
    const { uri } = document;
    return lenses.flatMap(lens => {
      const make = (title: string, command: string, ...more: unknown[]) =>
        new vscode.CodeLens(asRange(lens.range), { title, command, arguments: [uri, ...more] });
      if (lens.kind === 'plan') {
        const last = vscode.workspace.isTrusted && this.runs.list.find(run => isSamePath(run.runbookPath, uri.fsPath));
        const plan = make(vscode.l10n.t('Plan'), commands.plan);
        return last ? [plan, lastRunLens(asRange(lens.range), asItIs(last, this.runs.live(last.runId)))] : [plan];
      }
      if (!vscode.workspace.isTrusted) return [];
      if (lens.kind === 'rehearse') return [make(vscode.l10n.t('Rehearse'), commands.rehearse)];
      if (lens.kind === 'run') return [make(`$(play)${NBSP}${vscode.l10n.t('Run')}`, commands.run)];
      if (lens.kind === 'debug') return [make(`$(debug-alt)${NBSP}${vscode.l10n.t('Debug')}`, commands.debug)];
      if (lens.kind === 'run-step') return [make(vscode.l10n.t('Run step'), commands.runStep, lens.pointer)];
      const made = [make(vscode.l10n.t('Run from here'), commands.runFrom, lens.pointer)];
      const result = results.get(lens.pointer);
      if (result) made.push(resultLens(asRange(lens.range), result));
      return made;
    });
  }

  private async results(document: vscode.TextDocument): Promise<Map<string, StepResult>> {
    try {
      if (this.runs.list.length === 0) await this.runs.refresh();
      return await this.runs.lastResults(document.uri.fsPath);
    } catch (error) {
      this.log.warn('Earlier results could not be read.', error);
      return new Map();
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const item of this.disposables) item.dispose();
  }
}

function lastRunLens(range: vscode.Range, run: RunSummary): vscode.CodeLens {
  const when = run.endedAt === undefined ? '' : `, ${ago(run.endedAt, Date.now())}`;
  return new vscode.CodeLens(range, {
    title: `$(${statusIcon(run.status)})${NBSP}${statusText(run.status, run.waitsFor)}${when}`,
    tooltip: run.failure ?? vscode.l10n.t('Open the page of the last run'),
    command: commands.openRunPage,
    arguments: [run.runId],
  });
}

function resultLens(range: vscode.Range, result: StepResult): vscode.CodeLens {
  return new vscode.CodeLens(range, {
    title: resultTitle(result, Date.now()).replace(') ', `)${NBSP}`),
    tooltip: result.failure ?? vscode.l10n.t('Open the page of that run'),
    command: commands.openRunPage,
    arguments: [result.runId],
  });
}
