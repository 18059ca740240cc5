import * as vscode from 'vscode';
import { commandRegistrar } from './commandRegistrar';
import { commands, contextKeys } from './ids';
import { createInventory, newRunbook, openInventory } from './inventory/inventoryCommands';
import { InventoryFile } from './inventory/inventoryFile';
import { LanguageFeatures } from './language/languageFeatures';
import { PlanLenses } from './language/planLenses';
import { setHome } from './lazy.web';
import { PlanCommands, runbookUri } from './plan/planCommands';
import { PlanDocuments } from './plan/planDocuments';
import { registerReview } from './review/registerReview';

/** The extension in a browser: everything that reads. There are no processes and no connections, so nothing runs. */
export function activate(context: vscode.ExtensionContext): void {
  setHome(context.extensionUri);
  const log = vscode.window.createOutputChannel('Virtbook', { log: true });
  const features = new LanguageFeatures(log);
  const file = new InventoryFile(context.workspaceState, log);
  const documents = new PlanDocuments();
  const plans = new PlanCommands(features, documents, log, {
    offered: () => ({ hosts: [], vms: [] }),
    shown: () => [],
    ssh: () => ({}),
  });
  context.subscriptions.push(log, features, file, documents, new PlanLenses(features));
  void vscode.commands.executeCommand('setContext', contextKeys.inBrowser, true);

  const register = commandRegistrar(context, log);
  const possible = new Map<string, (...args: unknown[]) => unknown>([
    [commands.plan, argument => withRunbook(argument, uri => plans.plan(uri))],
    [commands.rehearse, argument => withRunbook(argument, uri => plans.rehearse(uri))],
    [commands.newRunbook, () => newRunbook(file)],
    [commands.createInventory, () => createInventory(file)],
    [commands.openInventory, () => openInventory(file)],
    [commands.showLog, () => log.show()],
  ]);
  registerReview(context, (id, handler) => possible.set(id, handler));
  for (const id of Object.values(commands)) register(id, possible.get(id) ?? tellWhere);
}

function withRunbook(argument: unknown, handler: (uri: vscode.Uri) => unknown): unknown {
  const uri = runbookUri(argument);
  return uri && handler(uri);
}

/** What needs a process or a connection. */
function tellWhere(): void {
  void vscode.window.showInformationMessage(
    vscode.l10n.t(
      'This is not possible in a browser. Open the folder in VS Code on a computer that reaches your hosts.',
    ),
  );
}
