import * as vscode from 'vscode';
import type { CommandId } from './ids';

export type Register = (id: CommandId, handler: (...args: unknown[]) => unknown) => void;

/** Registers each command once; what goes wrong is shown, never swallowed. */
export function commandRegistrar(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Register {
  return (id, handler) => {
    const guarded = async (...args: unknown[]) => {
      try {
        return await handler(...args);
      } catch (error) {
        log.error(`${id} failed.`, error);
        const message = error instanceof Error ? error.message : String(error);
        const show = vscode.l10n.t('Show Log');
        void vscode.window.showErrorMessage(message, show).then(answer => answer === show && log.show());
        return undefined;
      }
    };
    context.subscriptions.push(vscode.commands.registerCommand(id, guarded));
  };
}
