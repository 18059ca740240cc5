import path from 'node:path';
import * as vscode from 'vscode';
import { readTask, taskArguments, taskName, type VirtbookTask } from './taskArguments';

const TYPE = 'virtbook';
/** Runbooks of a workspace that are offered, each to be run and rehearsed. */
const OFFERED = 50;
/** Files that one `check` is given: a command line has an end. */
const CHECKED = 300;

/** `virtbook check`, `rehearse` and `run` as tasks: the packaged command line, in a terminal where the extension runs. */
export class VirtbookTasks implements vscode.TaskProvider {
  constructor(private readonly extensionPath: string) {}

  register(): vscode.Disposable {
    return vscode.tasks.registerTaskProvider(TYPE, this);
  }

  async provideTasks(): Promise<vscode.Task[]> {
    const tasks: vscode.Task[] = [];
    for (const folder of vscode.workspace.workspaceFolders ?? []) {
      if (folder.uri.scheme !== 'file') continue;
      const files = await filesOf(folder);
      if (files.length === 0) continue;
      tasks.push(
        this.task({ type: TYPE, command: 'check' }, { command: 'check', inputs: {}, yes: false }, folder, files),
      );
      const runbooks = files.filter(file => /\.runbook\.ya?ml$/.test(file)).slice(0, OFFERED);
      for (const runbook of runbooks) {
        for (const command of ['run', 'rehearse'] as const) {
          const definition = { type: TYPE, command, runbook };
          tasks.push(this.task(definition, { command, runbook, inputs: {}, yes: false }, folder, files));
        }
      }
    }
    return tasks;
  }

  /** Of tasks.json. */
  async resolveTask({ definition, scope }: vscode.Task): Promise<vscode.Task | undefined> {
    const task = readTask(definition);
    const folder =
      typeof scope === 'object' ? scope : vscode.workspace.workspaceFolders?.find(({ uri }) => uri.scheme === 'file');
    if (!task || !folder) return undefined;
    const files = task.runbook === undefined ? await filesOf(folder) : [];
    return this.task(definition, task, folder, files);
  }

  private task(
    definition: vscode.TaskDefinition,
    task: VirtbookTask,
    folder: vscode.WorkspaceFolder,
    files: readonly string[],
  ): vscode.Task {
    const cli = path.join(this.extensionPath, 'dist', 'cli.js');
    const execution = new vscode.ProcessExecution(process.execPath, [cli, ...taskArguments(task, files)], {
      cwd: folder.uri.fsPath,
      // On the desktop the program that runs JavaScript is Electron.
      env: { ELECTRON_RUN_AS_NODE: '1' },
    });
    const made = new vscode.Task(definition, folder, taskName(task), TYPE, execution, '$virtbook');
    if (task.command === 'check') made.group = vscode.TaskGroup.Test;
    made.presentationOptions = { reveal: task.command === 'check' ? vscode.TaskRevealKind.Silent : undefined };
    return made;
  }
}

/** Relative to the folder, in the order of their names. */
async function filesOf(folder: vscode.WorkspaceFolder): Promise<string[]> {
  const pattern = new vscode.RelativePattern(folder, '**/*.{runbook,inventory}.{yaml,yml}');
  const found = await vscode.workspace.findFiles(pattern, undefined, CHECKED);
  return found.map(uri => path.relative(folder.uri.fsPath, uri.fsPath)).sort();
}
