import * as vscode from 'vscode';
import type { Observed } from '../engine/journal';
import { shortHash } from '../engine/plan-summary';
import type { SeenConnection } from '../engine/seen';
import type { JsonObject } from '../runbook/json';
import type { Submission } from '../runner/contract';
import { languages, schemes, settings } from './ids';
import type { LanguageFeatures } from './language/languageFeatures';
import { asLspDocument } from './language/lspTypes';
import { connect, language } from './lazy';
import { askInputs, type Offered } from './plan/askInputs';
import { type Part, type Planned, planRunbook } from './plan/planning';
import { confirmationDetail, planMarkdown } from './plan/planText';
import type { Prompts } from './prompts';
import type { ReadonlyDocuments } from './readonlyDocuments';
import { rehearsePlanned } from './rehearse';
import { parseRunbookId } from './runbooks/runbooksTree';
import type { RunPageOpener } from './runPage/runPageOpener';
import type { RunProgress } from './runs/runProgress';
import type { RunsService } from './runs/runsService';

/** What a debug configuration says beyond the runbook. */
export interface DebugChoices {
  part: Part;
  /** Those that are left out are asked for. */
  inputs?: JsonObject;
  /** Another inventory than the runbook's: absolute, or relative to it. */
  inventory?: string;
  /** On a copy of the inventory. */
  simulated?: boolean;
}

export interface ReadyToDebug {
  submission: Submission;
  /** Of a simulated copy: what was taken for granted. */
  assumed?: string[];
  /** Removes the copy. */
  remove?(): Promise<void>;
}

/** *Run*, *Plan* and what stands between: check, ask, show what would happen, confirm. Acts only on the file it is given. */
export class RunCommands {
  constructor(
    private readonly features: LanguageFeatures,
    private readonly runs: RunsService,
    private readonly progress: RunProgress,
    private readonly documents: ReadonlyDocuments,
    private readonly offered: () => Offered,
    private readonly shown: () => readonly SeenConnection[],
    private readonly prompts: Prompts,
    private readonly pages: RunPageOpener,
    private readonly log: vscode.LogOutputChannel,
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
    const rehearsed = planned && (await rehearsePlanned(planned, this.prompts.ssh()));
    if (!rehearsed) return undefined;
    await this.documents.showRehearsal(planned.plan.name, rehearsed.markdown);
    return rehearsed.ok;
  }

  async run(uri: vscode.Uri, part: Part = {}): Promise<string | undefined> {
    const document = await this.openToRun(uri);
    const planned = document && (await this.prepare(document, part));
    const runId = planned && (await this.confirmAndSubmit(planned));
    const { section, openRunPage } = settings;
    if (runId !== undefined && vscode.workspace.getConfiguration(section, uri).get<boolean>(openRunPage))
      await this.pages.open(runId, { aside: true });
    return runId;
  }

  /** Asks as *Run* does, unless nothing real is touched. undefined: the person said no, or has been told what is wrong. */
  async prepareToDebug(uri: vscode.Uri, how: DebugChoices): Promise<ReadyToDebug | undefined> {
    const document = await this.openToRun(uri);
    const planned = document && (await this.prepare(document, how.part, how));
    if (!planned) return undefined;
    if (!how.simulated) {
      const submission = await this.confirm(planned, vscode.l10n.t('Debug'));
      return submission && { submission };
    }
    const { inventory } = planned.plan;
    if (!inventory || planned.inventoryPath === undefined) return { submission: submissionOf(planned) };
    const copy = await connect().simulatedTarget(planned.plan, inventory, planned.inventoryPath, this.prompts.ssh());
    try {
      const simulated = await this.prepare(document, how.part, {
        inputs: planned.given,
        inventory: copy.inventoryPath,
      });
      if (simulated) return { submission: submissionOf(simulated), assumed: copy.assumed, remove: copy.remove };
    } catch (error) {
      await copy.remove();
      throw error;
    }
    await copy.remove();
    return undefined;
  }

  /** Names the targets and the plan, then hands it to a runner and shows its progress. Gives the run's id. */
  async confirmAndSubmit(planned: Planned): Promise<string | undefined> {
    const { plan, planHash } = planned;
    const submission = await this.confirm(planned, vscode.l10n.t('Run'));
    if (!submission) return undefined;
    const runId = await this.runs.runs.submit(submission);
    this.log.info(`Run ${runId}: ${plan.name}, plan ${shortHash(planHash)}`);
    await this.runs.refresh();
    void this.progress.show(runId);
    return runId;
  }

  /** `verb`: what is asked, e.g. `Run`. */
  private async confirm(
    planned: Planned,
    verb: string,
    seen?: Promise<Observed | undefined>,
  ): Promise<Submission | undefined> {
    const { plan, planHash, timetable } = planned;
    // While the plan is being read: what changes from now on is noticed by the run.
    const observed = seen ?? this.observe(planned);
    const look = vscode.l10n.t('Show Plan');
    const part = plan.only ? vscode.l10n.t(' (one step)') : plan.from ? vscode.l10n.t(' (from a step on)') : '';
    const answer = await vscode.window.showWarningMessage(
      vscode.l10n.t('{0} {1}{2}?', verb, plan.name, part),
      { modal: true, detail: confirmationDetail(plan, planHash, timetable) },
      verb,
      look,
    );
    if (answer === look) {
      await this.show(planned);
      const again = vscode.l10n.t('{0}…', verb);
      const text = vscode.l10n.t('This is the plan of {0}. Nothing has been run.', plan.name);
      if ((await vscode.window.showInformationMessage(text, again)) !== again) return undefined;
      return this.confirm(planned, verb, observed);
    }
    return answer === verb ? { ...submissionOf(planned), observed: await observed } : undefined;
  }

  private async observe({ plan, inventoryPath }: Planned): Promise<Observed | undefined> {
    try {
      return await connect().observePlan(plan, inventoryPath, this.prompts.ssh());
    } catch (error) {
      this.log.warn(`How things stand with the plan of ${plan.name} could not be looked at.`, error);
      return undefined;
    }
  }

  /** A runbook as it is on disk: what runs is what is there, and what is there is what was seen. */
  private async openToRun(uri: vscode.Uri): Promise<vscode.TextDocument | undefined> {
    if (!vscode.workspace.isTrusted) {
      void vscode.window.showWarningMessage(vscode.l10n.t('Runbooks run only in a trusted workspace.'));
      return undefined;
    }
    if (uri.scheme !== 'file') {
      void vscode.window.showWarningMessage(
        vscode.l10n.t('Only a file on disk can be run, not {0}.', uri.toString(true)),
      );
      return undefined;
    }
    const document = await this.open(uri);
    return document && (!document.isDirty || (await document.save())) ? document : undefined;
  }

  private async open(uri: vscode.Uri): Promise<vscode.TextDocument | undefined> {
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
  private async prepare(
    document: vscode.TextDocument,
    part: Part,
    choices: Pick<DebugChoices, 'inputs' | 'inventory'> = {},
  ): Promise<(Planned & { given: JsonObject }) | undefined> {
    const { uri } = document;
    if (await this.hasMistakes(document)) return undefined;
    const { runbook } = language().runbookOf(asLspDocument(document), this.features.cache);
    if (!runbook) return undefined;
    const given = await askInputs(runbook, this.offered(), choices.inputs);
    if (!given) return undefined;
    const chosen = choices.inventory === undefined ? runbook : { ...runbook, inventory: choices.inventory };
    try {
      return { ...(await planRunbook(uri, chosen, given, part, this.shown())), given };
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

  private show({ plan, planHash, timetable }: Planned): Promise<void> {
    return this.documents.showPlan(plan.name, planMarkdown(plan, planHash, timetable));
  }
}

function submissionOf({ plan, planHash, runbookPath, inventoryPath }: Planned): Submission {
  return { plan, planHash, runbookPath, inventoryPath };
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
