import * as vscode from 'vscode';
import type { Observed } from '../engine/journal';
import { shortHash } from '../engine/plan-summary';
import type { SeenConnection } from '../engine/seen';
import type { JsonObject } from '../runbook/json';
import type { Submission } from '../runner/contract';
import { settings } from './ids';
import type { LanguageFeatures } from './language/languageFeatures';
import { connect } from './lazy';
import { isOnDisk } from './onlyFiles';
import type { Offered } from './plan/askInputs';
import { type PlanChoices, PlanCommands } from './plan/planCommands';
import type { PlanDocuments } from './plan/planDocuments';
import type { Part, Planned } from './plan/planning';
import { confirmationDetail } from './plan/planText';
import type { Prompts } from './prompts';
import type { RunPageOpener } from './runPage/runPageOpener';
import type { RunProgress } from './runs/runProgress';
import type { RunsService } from './runs/runsService';

/** What a debug configuration says beyond the runbook. */
export interface DebugChoices extends PlanChoices {
  part: Part;
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

/** *Run* and *Debug*: what *Plan* does, confirmed by a person. Acts only on the file it is given. */
export class RunCommands extends PlanCommands {
  constructor(
    features: LanguageFeatures,
    private readonly runs: RunsService,
    private readonly progress: RunProgress,
    documents: PlanDocuments,
    offered: () => Offered,
    shown: () => readonly SeenConnection[],
    private readonly prompts: Prompts,
    private readonly pages: RunPageOpener,
    log: vscode.LogOutputChannel,
  ) {
    super(features, documents, log, { offered, shown, ssh: () => prompts.ssh() });
  }

  async run(uri: vscode.Uri, part: Part = {}, inputs?: JsonObject): Promise<string | undefined> {
    const document = await this.openToRun(uri);
    const planned = document && (await this.prepare(document, part, { inputs }));
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
    if (!isOnDisk(uri)) return undefined;
    const document = await this.open(uri);
    return document && (!document.isDirty || (await document.save())) ? document : undefined;
  }
}

function submissionOf({ plan, planHash, runbookPath, inventoryPath }: Planned): Submission {
  return { plan, planHash, runbookPath, inventoryPath };
}
