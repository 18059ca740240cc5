import * as vscode from 'vscode';
import type { SeenConnection } from '../../engine/seen';
import type { JsonObject } from '../../runbook/json';
import type { SshPrompts } from '../../ssh/contract';
import { languages, schemes } from '../ids';
import type { LanguageFeatures } from '../language/languageFeatures';
import { asLspDocument } from '../language/lspTypes';
import { language } from '../lazy';
import { rehearsePlanned } from '../rehearse';
import { parseRunbookId } from '../runbooks/runbooksTree';
import { askInputs, type Offered } from './askInputs';
import type { PlanDocuments } from './planDocuments';
import { type Part, type Planned, planRunbook } from './planning';
import { planMarkdown } from './planText';

export interface PlanChoices {
  /** Those that are left out are asked for. */
  inputs?: JsonObject;
  /** Another inventory than the runbook's: absolute, or relative to it. */
  inventory?: string;
}

/** What is known beyond the files, and who is asked. */
export interface PlanKnowledge {
  offered(): Offered;
  shown(): readonly SeenConnection[];
  ssh(): SshPrompts;
}

/** *Plan* and *Rehearse*: check, ask for inputs, show what would happen. Nothing is changed. */
export class PlanCommands {
  constructor(
    protected readonly features: LanguageFeatures,
    private readonly documents: PlanDocuments,
    protected readonly log: vscode.LogOutputChannel,
    private readonly known: PlanKnowledge,
  ) {}

  async plan(uri: vscode.Uri): Promise<void> {
    const document = await this.open(uri);
    const planned = document && (await this.prepare(document, {}));
    if (planned) await this.show(planned);
  }

  /** Gives whether every failure point comes back; undefined when it was cancelled, or there was nothing to rehearse. */
  async rehearse(uri: vscode.Uri): Promise<boolean | undefined> {
    if (!vscode.workspace.isTrusted) {
      void vscode.window.showWarningMessage(vscode.l10n.t('Runbooks are rehearsed only in a trusted workspace.'));
      return undefined;
    }
    const document = await this.open(uri);
    const planned = document && (await this.prepare(document, {}));
    const rehearsed = planned && (await rehearsePlanned(planned, this.known.ssh()));
    if (!rehearsed) return undefined;
    await this.documents.showRehearsal(planned.plan.name, rehearsed.markdown);
    return rehearsed.ok;
  }

  protected async open(uri: vscode.Uri): Promise<vscode.TextDocument | undefined> {
    const document = await vscode.workspace.openTextDocument(uri);
    if (document.languageId !== languages.runbook) {
      void vscode.window.showWarningMessage(
        vscode.l10n.t('{0} is not a runbook.', vscode.workspace.asRelativePath(uri)),
      );
      return undefined;
    }
    return document;
  }

  /** Checks, asks for inputs and plans; tells what is wrong if it can't. */
  protected async prepare(
    document: vscode.TextDocument,
    part: Part,
    choices: PlanChoices = {},
  ): Promise<(Planned & { given: JsonObject }) | undefined> {
    const { uri } = document;
    if (await this.hasMistakes(document)) return undefined;
    const { runbook } = language().runbookOf(asLspDocument(document), this.features.cache);
    if (!runbook) return undefined;
    const given = await askInputs(runbook, this.known.offered(), choices.inputs);
    if (!given) return undefined;
    const chosen = choices.inventory === undefined ? runbook : { ...runbook, inventory: choices.inventory };
    try {
      return { ...(await planRunbook(uri, chosen, given, part, this.known.shown())), given };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.log.error(`Planning ${uri.fsPath} failed.`, error);
      void vscode.window.showErrorMessage(vscode.l10n.t('{0} can not be planned. {1}', runbook.name, message));
      return undefined;
    }
  }

  private async hasMistakes(document: vscode.TextDocument): Promise<boolean> {
    const found = await this.features.check(document);
    const errors = found.filter(({ severity }) => severity === vscode.DiagnosticSeverity.Error);
    const [first] = errors;
    if (!first) return false;
    const show = vscode.l10n.t('Show Problems');
    const name = vscode.workspace.asRelativePath(document.uri);
    const text =
      errors.length === 1
        ? vscode.l10n.t('{0}:{1}: {2}', name, first.range.start.line + 1, first.message)
        : vscode.l10n.t(
            '{0} has {1} mistakes. The first, in line {2}: {3}',
            name,
            errors.length,
            first.range.start.line + 1,
            first.message,
          );
    void vscode.window.showErrorMessage(text, show).then(async answer => {
      if (answer !== show) return;
      await vscode.window.showTextDocument(document, { selection: first.range });
      await vscode.commands.executeCommand('workbench.actions.view.problems');
    });
    return true;
  }

  protected show({ plan, planHash, timetable }: Planned): Promise<void> {
    return this.documents.showPlan(plan.name, planMarkdown(plan, planHash, timetable));
  }
}

/** The runbook a command was given, or the one in front when it came from the palette. Never another one. */
export function runbookUri(argument: unknown): vscode.Uri | undefined {
  if (argument instanceof vscode.Uri) return argument;
  const node = typeof argument === 'string' ? parseRunbookId(argument) : undefined;
  if (node?.kind === 'runbook') return vscode.Uri.parse(node.uri);
  const document = vscode.window.activeTextEditor?.document;
  if (document?.languageId === languages.runbook && document.uri.scheme !== schemes.plan) return document.uri;
  // From the walkthrough, or a view: no editor has the focus.
  const open = vscode.workspace.textDocuments.filter(
    ({ languageId, uri }) => languageId === languages.runbook && uri.scheme === 'file',
  );
  if (open.length === 1 && !vscode.window.activeTextEditor) return open[0]!.uri;
  void vscode.window.showInformationMessage(vscode.l10n.t('Open a runbook (*.runbook.yaml) first.'));
  return undefined;
}
