import * as vscode from 'vscode';
import type { SeenConnection } from '../../engine/seen';
import type { Answer, PlanInput, ToolBackend } from '../../mcp/tools';
import type { Runbook } from '../../runbook/model';
import type { SshPrompts } from '../../ssh/contract';
import { languages } from '../ids';
import type { LanguageFeatures } from '../language/languageFeatures';
import { asLspDocument } from '../language/lspTypes';
import { language } from '../lazy';
import { type Planned, planRunbook } from '../plan/planning';
import { planMarkdown } from '../plan/planText';
import { rehearseQuietly } from '../rehearse';

const severities = ['error', 'warning', 'info', 'hint'];

/** What the tools do here: on documents as the editor shows them, asking nobody for inputs. */
export class EditorToolBackend implements ToolBackend {
  constructor(
    private readonly features: LanguageFeatures,
    private readonly shown: () => readonly SeenConnection[],
    private readonly ssh: () => SshPrompts,
  ) {}

  async check({ files }: { files: string[] }): Promise<Answer> {
    const lines: string[] = [];
    for (const file of files) lines.push(...(await this.problems(await open(file), file)));
    return { text: lines.length > 0 ? lines.join('\n') : 'No problems.' };
  }

  async explain(input: PlanInput): Promise<Answer> {
    const { runbook, document } = await this.runbook(input.file);
    let plan: Planned['plan'] | undefined;
    let unplanned: string[] = [];
    try {
      ({ plan } = await planRunbook(document.uri, runbook, input.inputs ?? {}, { from: input.from }, this.shown()));
    } catch (error) {
      unplanned = [error instanceof Error ? error.message : String(error)];
    }
    const { actions, explanation } = language();
    const text = explanation({ runbook, actions, ...(input.step && { step: input.step }), plan, unplanned });
    return text === undefined ? { text: `${input.file} has no step ${input.step}.`, failed: true } : { text };
  }

  async plan(input: PlanInput): Promise<Answer> {
    const { plan, planHash, timetable } = await this.planned(input);
    return { text: `${planMarkdown(plan, planHash, timetable)}\nPlan hash: ${planHash}\n` };
  }

  async rehearse(
    input: PlanInput,
    working: { signal: AbortSignal; progress(done: number, total: number): void },
  ): Promise<Answer> {
    if (!vscode.workspace.isTrusted)
      return { text: 'Runbooks are rehearsed only in a trusted workspace.', failed: true };
    const cancelled = new vscode.CancellationTokenSource();
    working.signal.addEventListener('abort', () => cancelled.cancel(), { once: true });
    const planned = await this.planned(input);
    const done = await rehearseQuietly(planned, this.ssh(), cancelled.token, working.progress);
    return done ? { text: done.markdown } : { text: 'The rehearsal was stopped.', failed: true };
  }

  /** @throws Error that says what is wrong or missing */
  async planned({ file, inputs = {}, step, from }: PlanInput): Promise<Planned & { uri: vscode.Uri }> {
    const { runbook, document } = await this.runbook(file);
    const part = { ...(step !== undefined && { only: step }), ...(from !== undefined && { from }) };
    return { ...(await planRunbook(document.uri, runbook, inputs, part, this.shown())), uri: document.uri };
  }

  private async runbook(file: string): Promise<{ runbook: Runbook; document: vscode.TextDocument }> {
    const document = await open(file);
    if (document.languageId !== languages.runbook) throw new Error(vscode.l10n.t('{0} is not a runbook.', file));
    const errors = await this.problems(document, file, vscode.DiagnosticSeverity.Error);
    const { runbook } = language().runbookOf(asLspDocument(document), this.features.cache);
    if (!runbook || errors.length > 0)
      throw new Error([`${file} has errors, so it can't be planned.`, ...errors].join('\n'));
    return { runbook, document };
  }

  private async problems(
    document: vscode.TextDocument,
    file: string,
    most: vscode.DiagnosticSeverity = vscode.DiagnosticSeverity.Hint,
  ): Promise<string[]> {
    const found = await this.features.check(document);
    return found
      .filter(({ severity }) => severity <= most)
      .map(({ range: { start }, severity, code, message }) => {
        return `${file}:${start.line + 1}:${start.character + 1}: ${severities[severity]} ${code} ${message}`;
      });
  }
}

/** A path as a model gives it: absolute, or relative to a folder of the workspace. */
async function open(file: string): Promise<vscode.TextDocument> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const absolute = /^([a-zA-Z]:)?[\\/]/.test(file);
  const candidates = absolute ? [vscode.Uri.file(file)] : folders.map(folder => vscode.Uri.joinPath(folder.uri, file));
  for (const uri of candidates) {
    try {
      return await vscode.workspace.openTextDocument(uri);
    } catch {
      // Perhaps in another folder.
    }
  }
  throw new Error(vscode.l10n.t('There is no file {0} in the workspace.', file));
}
