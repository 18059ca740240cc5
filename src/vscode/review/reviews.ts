import * as vscode from 'vscode';
import type { ReviewPorts } from '../../review/contract';
import { headline, type Marks } from '../../review/formats/words';
import type { Review, ReviewedRunbook, RiskLevel } from '../../review/model';
import { reviewChanges } from '../../review/review';
import { commands, contextKeys } from '../ids';
import { chooseAnotherFile, chooseSource } from './chooseSource';
import { ComparePlanLenses } from './comparePlanLenses';
import type { Rehearsals } from './rehearsals';
import type { ReviewFiles } from './reviewFiles';
import type { KeptReview, ReviewResults } from './reviewResults';
import type { OpenedChange, ReviewSource } from './reviewSource';
import { parseReviewUri, reviewUri } from './reviewUris';
import {
  diffTitle,
  pathAt,
  planNote,
  planResource,
  planUris,
  reportName,
  reportUri,
  resourcesOf,
  runbooksOf,
  sidesText,
  textOfReview,
} from './shownReview';

/** Nothing of a notification is markup. */
const plain: Marks = { name: text => text, prose: text => text };

/** Makes reviews, keeps the last one, and shows it: the report, what differs in the files, and what differs in the plans. */
export class Reviews implements vscode.Disposable {
  private readonly disposables: vscode.Disposable[];
  private source: ReviewSource | undefined;
  /** Ends the reading of the change that is shown. */
  private end: OpenedChange['close'];

  constructor(
    private readonly results: ReviewResults,
    private readonly files: ReviewFiles,
    private readonly openRehearsals: () => Rehearsals,
  ) {
    const look = () => this.lookAtFront();
    this.disposables = [
      new ComparePlanLenses(results),
      vscode.window.tabGroups.onDidChangeTabs(look),
      vscode.window.tabGroups.onDidChangeTabGroups(look),
    ];
  }

  /** Asks what is to be compared. Gives the review; undefined: it was cancelled. */
  async choose(argument: unknown): Promise<Review | undefined> {
    const source = await chooseSource(argument);
    return source && this.make(source);
  }

  /** A runbook or inventory against another file that is asked for. */
  async against(argument: unknown): Promise<Review | undefined> {
    const source = await chooseAnotherFile(argument);
    return source && this.make(source);
  }

  /** The same once more, as everything is now. */
  async again(): Promise<Review | undefined> {
    return this.source && this.make(this.source);
  }

  /** Marks, drafts and comparisons go from the editors; drafts come again with the next review of the same. */
  close(): void {
    void this.end?.();
    this.end = undefined;
    this.source = undefined;
    this.results.set(undefined);
    void vscode.commands.executeCommand('setContext', contextKeys.reviewShown, false);
  }

  private async make(source: ReviewSource): Promise<Review | undefined> {
    const opened = await this.withProgress(source);
    if (!opened) return undefined;
    const { kept, close } = opened;
    void this.end?.();
    this.end = close;
    this.source = source;
    this.files.show(document => textOfReview(kept, document), source.root);
    this.results.set(kept);
    void vscode.commands.executeCommand('setContext', contextKeys.reviewShown, true);
    await this.show();
    void tell(kept);
    return kept.result.review;
  }

  private async withProgress(
    source: ReviewSource,
  ): Promise<{ kept: KeptReview; close: OpenedChange['close'] } | undefined> {
    const title = vscode.l10n.t('Reviewing runbook changes');
    const stop = new AbortController();
    return vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title, cancellable: true },
      async (progress, cancellation) => {
        cancellation.onCancellationRequested(() => stop.abort());
        const rehearsals = this.openRehearsals();
        const ports: ReviewPorts = {
          rehearse: rehearsals.rehearse,
          onProgress: (done, total, what) =>
            progress.report({ message: vscode.l10n.t('{0} of {1}: {2}', done, total, what), increment: 100 / total }),
        };
        progress.report({ message: vscode.l10n.t('reading the change') });
        let opened: OpenedChange | undefined;
        try {
          opened = await source.changes();
          const { changes, close } = opened;
          const { review, plans } = await reviewChanges(changes, ports, { signal: stop.signal });
          stop.signal.throwIfAborted();
          const unknowns = [...review.unknowns, ...source.unknowns];
          return { kept: keptReview({ review: { ...review, unknowns }, plans }, changes, source), close };
        } catch (error) {
          await opened?.close?.();
          if (stop.signal.aborted) return undefined;
          throw error;
        } finally {
          await rehearsals.close();
        }
      },
    );
  }

  /** The report beside what differs in the files. */
  async show(): Promise<void> {
    const kept = this.results.current;
    if (!kept || kept.result.review.files.length === 0) return;
    const resources = resourcesOf(kept);
    const title = diffTitle(kept);
    // Each diff of several files is an editor of its own: the one before shows what was.
    const old = vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.filter(({ label }) => label.startsWith(title)));
    if (old.length > 0) await vscode.window.tabGroups.close(old, true);
    if (resources.length > 0) {
      await vscode.commands.executeCommand('workbench.action.focusFirstEditorGroup');
      await vscode.commands.executeCommand('vscode.changes', title, resources);
    }
    const report = reportUri(kept);
    try {
      await vscode.commands.executeCommand('markdown.showPreviewToSide', report);
    } catch {
      // VS Code's Markdown preview is disabled.
      await vscode.window.showTextDocument(report, { preview: true, viewColumn: vscode.ViewColumn.Beside });
    }
  }

  /** The plans of a runbook side by side: of the one that is given, or else of one that is asked for. */
  async comparePlans(argument: unknown): Promise<void> {
    const kept = this.results.current;
    if (!kept) return;
    const runbooks = runbooksOf(kept);
    const given = argument instanceof vscode.Uri ? kept.fileOf(argument) : undefined;
    const known = given && runbooks.find(file => pathAt(file, given.side) === given.path);
    if (known) return openPlans(kept, known);
    const differing = runbooks.filter(({ plan }) => !plan.same);
    const all = {
      label: vscode.l10n.t('All plans that differ'),
      description: String(differing.length),
      file: undefined,
    };
    const each = runbooks.map(file => ({ label: file.name, description: file.path, detail: planNote(file), file }));
    const picked = await vscode.window.showQuickPick([...(differing.length > 1 ? [all] : []), ...each], {
      title: vscode.l10n.t('Compare Plans'),
      placeHolder: sidesText(kept),
      matchOnDescription: true,
    });
    if (!picked) return;
    if (picked.file) return openPlans(kept, picked.file);
    const title = vscode.l10n.t('Plans: {0}', sidesText(kept));
    await vscode.commands.executeCommand('vscode.changes', title, differing.map(planResource));
  }

  /** The buttons of a review stand above its own editors alone. */
  private lookAtFront(): void {
    const kept = this.results.current;
    const label = vscode.window.tabGroups.activeTabGroup.activeTab?.label;
    const isOurs =
      kept !== undefined && (label?.startsWith(diffTitle(kept)) || label?.endsWith(`${reportName(kept)}.md`)) === true;
    void vscode.commands.executeCommand('setContext', contextKeys.reviewInFront, isOurs);
  }

  dispose(): void {
    void this.end?.();
    for (const item of this.disposables) item.dispose();
  }
}

function keptReview(result: KeptReview['result'], changes: KeptReview['changes'], source: ReviewSource): KeptReview {
  return {
    result,
    changes,
    uriOf: (side, path) => source.documentOf(side, path) ?? reviewUri({ kind: 'file', side, path }, source.root),
    fileOf(uri) {
      const own = parseReviewUri(uri, source.root);
      return own?.kind === 'file' ? { side: own.side, path: own.path } : source.fileOf(uri);
    },
  };
}

async function openPlans(kept: KeptReview, file: ReviewedRunbook): Promise<void> {
  const title = vscode.l10n.t('Plan of {0}: {1}', file.name, sidesText(kept));
  await vscode.commands.executeCommand('vscode.diff', ...planUris(file), title);
}

async function tell(kept: KeptReview): Promise<void> {
  const { review } = kept.result;
  const compare = vscode.l10n.t('Compare Plans');
  const buttons = runbooksOf(kept).length > 0 ? [compare] : [];
  const text =
    review.files.length === 0
      ? vscode.l10n.t('No runbook and no inventory differs from {0}.', review.base.label)
      : `${riskTitle(review.risk.level)}. ${headline(review, plain)}`;
  const show = review.risk.level === 'high' ? vscode.window.showWarningMessage : vscode.window.showInformationMessage;
  const answer = await show(text, ...buttons);
  if (answer === compare) await vscode.commands.executeCommand(commands.comparePlans);
}

function riskTitle(level: RiskLevel): string {
  switch (level) {
    case 'none':
      return vscode.l10n.t('No risk found');
    case 'low':
      return vscode.l10n.t('Low risk');
    case 'medium':
      return vscode.l10n.t('Medium risk');
    case 'high':
      return vscode.l10n.t('High risk');
  }
}
