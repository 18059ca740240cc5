import * as vscode from 'vscode';

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel('Virtbook', { log: true });
  context.subscriptions.push(log);
}
