import * as vscode from 'vscode';
import { exampleInventory, exampleLab, exampleRunbook, exampleToFix } from './exampleFiles';
import { type InventoryFile, uriOf } from './inventoryFile';

export async function chooseInventory(file: InventoryFile): Promise<void> {
  const found = await file.find();
  const other = vscode.l10n.t('Another file…');
  const items = [
    ...found.map(uri => ({ label: vscode.workspace.asRelativePath(uri), uri })),
    { label: other, uri: undefined },
  ];
  const picked = await vscode.window.showQuickPick(items, { title: vscode.l10n.t('Inventory to show') });
  if (!picked) return;
  const uri =
    picked.uri ??
    (await vscode.window.showOpenDialog({ filters: { Inventory: ['yaml', 'yml'] }, canSelectMany: false }))?.[0];
  if (uri) await file.choose(uri);
}

export async function openInventory(file: InventoryFile): Promise<void> {
  const uri = uriOf(file.state) ?? uriOf(await file.reload());
  if (uri) await vscode.window.showTextDocument(uri);
  else await chooseInventory(file);
}

/** Writes an inventory with a small simulated lab beside it, and shows it. Overwrites nothing. */
export async function createInventory(file: InventoryFile): Promise<void> {
  const folder = await someFolder();
  if (!folder) return;
  const inventory = vscode.Uri.joinPath(folder, 'lab.inventory.yaml');
  await writeNew(vscode.Uri.joinPath(folder, 'lab.yaml'), exampleLab);
  await writeNew(inventory, exampleInventory);
  await file.choose(inventory);
  await vscode.window.showTextDocument(inventory);
}

/** Writes a simulated lab and a runbook with a mistake in it, for the walkthrough, and shows the runbook. Overwrites nothing. */
export async function openExample(file: InventoryFile): Promise<void> {
  const folder = await someFolder();
  if (!folder) return;
  const inventory = vscode.Uri.joinPath(folder, 'lab.inventory.yaml');
  await writeNew(vscode.Uri.joinPath(folder, 'lab.yaml'), exampleLab);
  await writeNew(inventory, exampleInventory);
  await file.choose(inventory);
  const runbook = vscode.Uri.joinPath(folder, 'example.runbook.yaml');
  await writeNew(runbook, exampleToFix);
  await vscode.window.showTextDocument(runbook);
}

/** Writes a runbook to start from, and shows it. Overwrites nothing. */
export async function newRunbook(file: InventoryFile): Promise<void> {
  const folder = await someFolder();
  if (!folder) return;
  const name = await vscode.window.showInputBox({
    title: vscode.l10n.t('New runbook'),
    prompt: vscode.l10n.t('File name, without .runbook.yaml'),
    value: 'maintenance',
    validateInput: typed =>
      /^[\w][\w .-]*$/.test(typed) ? undefined : vscode.l10n.t('Letters, digits, dot, dash and space only.'),
  });
  if (!name) return;
  const uri = vscode.Uri.joinPath(folder, `${name}.runbook.yaml`);
  const inventory = uriOf(file.state) ?? uriOf(await file.reload());
  const relative = inventory && relativePath(folder, inventory);
  await writeNew(uri, exampleRunbook(name, relative));
  await vscode.window.showTextDocument(uri);
}

async function someFolder(): Promise<vscode.Uri | undefined> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (folders.length > 1) return (await vscode.window.showWorkspaceFolderPick())?.uri;
  if (!folders[0]) void vscode.window.showInformationMessage(vscode.l10n.t('Open a folder first.'));
  return folders[0]?.uri;
}

async function writeNew(uri: vscode.Uri, text: string): Promise<void> {
  const edit = new vscode.WorkspaceEdit();
  edit.createFile(uri, { ignoreIfExists: true, contents: new TextEncoder().encode(text) });
  if (!(await vscode.workspace.applyEdit(edit))) throw new Error(`${uri.fsPath} could not be written.`);
}

/** `./x` when it is beneath the folder, else the whole path. */
function relativePath(folder: vscode.Uri, file: vscode.Uri): string {
  const base = `${folder.path}/`;
  return file.path.startsWith(base) ? `./${file.path.slice(base.length)}` : file.fsPath;
}
