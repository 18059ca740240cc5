import * as vscode from 'vscode';

/** @param extension its id, `publisher.name` */
export async function openWalkthrough(extension: string): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.openWalkthrough', `${extension}#start`, false);
}
