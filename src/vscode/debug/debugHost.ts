import { userInfo } from 'node:os';
import * as vscode from 'vscode';
import type { LaunchArguments } from '../../debug/arguments';
import type { Choice, DebugHost, Prepared } from '../../debug/host';
import type { Runs } from '../../runner/contract';
import { debug } from '../lazy';
import type { RunCommands } from '../runCommands';
import type { RunProgress } from '../runs/runProgress';
import type { RunsService } from '../runs/runsService';

/** What the debug adapter needs of VS Code: the dialogs that *Run* shows, too. */
export class VscodeDebugHost implements DebugHost {
  readonly name = userInfo().username;

  constructor(
    private readonly service: RunsService,
    private readonly commands: RunCommands,
    private readonly progress: RunProgress,
  ) {}

  get runs(): Runs {
    return this.service.runs;
  }

  async prepare(launch: LaunchArguments): Promise<Prepared | undefined> {
    const { only, from, inputs, inventory, target } = launch;
    const ready = await this.commands.prepareToDebug(vscode.Uri.file(launch.runbook), {
      part: { ...(only !== undefined && { only }), ...(from !== undefined && { from }) },
      inputs,
      ...(inventory !== undefined && { inventory }),
      simulated: target === 'simulated',
    });
    if (!ready) return undefined;
    const { submission, assumed, remove } = ready;
    const text = debug().targetText(submission.plan, submission.planHash, target, assumed);
    return { submission, target: text, ...(remove && { remove }) };
  }

  async choose({ text, detail, choices }: Choice): Promise<string | undefined> {
    const labels = choices.map(choice => choice.label);
    const answer = await vscode.window.showWarningMessage(text, { modal: true, detail }, ...labels);
    return choices.find(choice => choice.label === answer)?.id;
  }

  /** Its questions, approvals and secrets are asked as of any run. */
  debugging(runId: string): void {
    const show = () => this.progress.show(runId, { quiet: true });
    void this.service.refresh().then(show, show);
  }
}
