import * as vscode from 'vscode';
import { shortHash } from '../../engine/plan-summary';
import type { PlanInput, ToolName } from '../../mcp/tools';
import { tools } from '../ids';
import { language } from '../lazy';
import { confirmationDetail } from '../plan/planText';
import type { RunCommands } from '../runCommands';
import type { EditorToolBackend } from './toolBackend';

/** Tools of a chat in VS Code. All of them read, but one: to run, for which a person is asked twice. */
export function registerLanguageModelTools(backend: EditorToolBackend, runCommands: RunCommands): vscode.Disposable[] {
  const reading: ToolName[] = ['check', 'explain', 'plan', 'rehearse'];
  return [
    ...reading.map(name => vscode.lm.registerTool(tools[name], new ReadingTool(name, backend))),
    vscode.lm.registerTool(tools.run, new RunTool(backend, runCommands)),
  ];
}

class ReadingTool implements vscode.LanguageModelTool<unknown> {
  constructor(
    private readonly name: ToolName,
    private readonly backend: EditorToolBackend,
  ) {}

  async invoke(
    { input }: vscode.LanguageModelToolInvocationOptions<unknown>,
    cancelled: vscode.CancellationToken,
  ): Promise<vscode.LanguageModelToolResult> {
    const stop = new AbortController();
    cancelled.onCancellationRequested(() => stop.abort());
    const working = { signal: stop.signal, progress: () => undefined };
    return said((await language().callTool(this.backend, this.name, input, working)).text);
  }
}

/** *Run*, asked for by a model: what it would change is confirmed in the chat, and then in the dialog that every run has. */
class RunTool implements vscode.LanguageModelTool<unknown> {
  constructor(
    private readonly backend: EditorToolBackend,
    private readonly commands: RunCommands,
  ) {}

  async prepareInvocation({
    input,
  }: vscode.LanguageModelToolInvocationPrepareOptions<unknown>): Promise<vscode.PreparedToolInvocation> {
    const { plan, planHash, timetable } = await this.backend.planned(this.read(input));
    return {
      invocationMessage: vscode.l10n.t('Running {0}', plan.name),
      confirmationMessages: {
        title: vscode.l10n.t('Run {0}?', plan.name),
        message: new vscode.MarkdownString(vscode.l10n.t('Plan {0}', shortHash(planHash)))
          .appendText('\n\n')
          .appendText(confirmationDetail(plan, planHash, timetable)),
      },
    };
  }

  async invoke({ input }: vscode.LanguageModelToolInvocationOptions<unknown>): Promise<vscode.LanguageModelToolResult> {
    const asked = this.read(input);
    const { uri } = await this.backend.planned(asked);
    const part = {
      ...(asked.step !== undefined && { only: asked.step }),
      ...(asked.from !== undefined && { from: asked.from }),
    };
    const runId = await this.commands.run(uri, part, asked.inputs ?? {});
    return said(
      runId === undefined
        ? 'It was not run: the person said no.'
        : `Run ${runId} was started. Its progress is in the Runs view and in \`virtbook show ${runId}\`.`,
    );
  }

  private read(input: unknown): PlanInput {
    return language().readPlanInput(input, tools.run);
  }
}

function said(text: string): vscode.LanguageModelToolResult {
  return new vscode.LanguageModelToolResult([new vscode.LanguageModelTextPart(text)]);
}
