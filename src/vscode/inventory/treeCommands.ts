import * as vscode from 'vscode';
import { commands, languages } from '../ids';
import { inventoryUri } from '../language/inventoryOfRunbook';
import { readText } from '../language/readText';
import { language } from '../lazy';
import { stepLines } from '../vm/stepRunbook';
import { uniqueNames } from '../vm/vmCommands';
import { type InventoryFilter, isFiltering, noFilter } from './inventoryFilter';
import type { Grouping, InventoryNode } from './inventoryTree';
import type { InventoryView } from './inventoryView';

/** Time without typing after which a search is shown, in ms. */
const QUIET_MS = 150;
/** Runbooks that are searched for a name. */
const MOST_RUNBOOKS = 2_000;

/** What can be done with the inventory view itself, and between it and runbooks. Nothing here changes a VM. */
export class TreeCommands {
  constructor(private readonly view: InventoryView) {}

  /** Shows what is found while it is typed; Escape takes it back. */
  search = (): Promise<void> => {
    const before = this.view.filter;
    const input = vscode.window.createInputBox();
    input.title = vscode.l10n.t('Search VMs');
    input.prompt = vscode.l10n.t('Words of a name, host, owner or tag. Empty: all VMs.');
    input.value = before.text;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let accepted = false;
    const show = (text: string) => this.view.arrange({ filter: { ...before, text } });
    return new Promise(resolve => {
      input.onDidChangeValue(text => {
        clearTimeout(timer);
        timer = setTimeout(() => void show(text), QUIET_MS);
      });
      input.onDidAccept(() => {
        accepted = true;
        input.hide();
      });
      input.onDidHide(async () => {
        clearTimeout(timer);
        await show(accepted ? input.value : before.text);
        input.dispose();
        resolve();
      });
      input.show();
    });
  };

  filter = async (): Promise<void> => {
    const { filter } = this.view;
    const choices: { label: string; picked: boolean; change: (filter: InventoryFilter) => InventoryFilter }[] = [
      {
        label: vscode.l10n.t('Running'),
        picked: filter.states.includes('running'),
        change: one => ({ ...one, states: [...one.states, 'running'] }),
      },
      {
        label: vscode.l10n.t('Off'),
        picked: filter.states.includes('off'),
        change: one => ({ ...one, states: [...one.states, 'off'] }),
      },
      {
        label: vscode.l10n.t('With snapshots'),
        picked: filter.snapshots,
        change: one => ({ ...one, snapshots: true }),
      },
    ];
    const picked = await vscode.window.showQuickPick(choices, {
      canPickMany: true,
      title: vscode.l10n.t('Which VMs to show'),
      placeHolder: vscode.l10n.t('None chosen: all of them'),
    });
    if (!picked) return;
    const chosen = picked.reduce((one, { change }) => change(one), { ...noFilter, text: filter.text });
    await this.view.arrange({ filter: chosen });
  };

  clearFilter = async (): Promise<void> => {
    if (isFiltering(this.view.filter)) await this.view.arrange({ filter: noFilter });
  };

  group = async (): Promise<void> => {
    const choices: { label: string; description?: string; grouping: Grouping }[] = [
      { label: vscode.l10n.t('By host'), grouping: 'host' },
      { label: vscode.l10n.t('By tag'), description: vscode.l10n.t('as the inventory file has them'), grouping: 'tag' },
      {
        label: vscode.l10n.t('By owner'),
        description: vscode.l10n.t('as the inventory file has them'),
        grouping: 'owner',
      },
    ];
    const picked = await vscode.window.showQuickPick(choices, { title: vscode.l10n.t('How to group VMs') });
    if (picked) await this.view.arrange({ grouping: picked.grouping });
  };

  copyYaml = async (id: unknown, all: unknown): Promise<void> => {
    const nodes = this.view.targets(id, all).flatMap(one => this.view.node(one) ?? []);
    const text = language().nodesYaml(nodes);
    if (text === '') {
      void vscode.window.showInformationMessage(vscode.l10n.t('Choose hosts, VMs or what belongs to them first.'));
      return;
    }
    await vscode.env.clipboard.writeText(text);
    vscode.window.setStatusBarMessage(vscode.l10n.t('Copied as YAML'), 3_000);
  };

  /** Writes a step for what is chosen into the runbook in front, behind the step where the cursor is. */
  insertStep = async (id: unknown, all: unknown): Promise<void> => {
    const target = this.view.targets(id, all).flatMap(one => this.view.node(one) ?? []);
    const vms = this.view.vmsOf(target.map(one => one.id));
    const host = target.find(node => node.kind === 'host');
    const on = vms.length > 0 ? uniqueNames(vms, this.view.vms) : host ? [host.host.name] : [];
    if (on.length === 0) {
      void vscode.window.showInformationMessage(vscode.l10n.t('Choose VMs or a host in the Inventory view first.'));
      return;
    }
    const editor = runbookInFront();
    if (!editor) {
      const make = vscode.l10n.t('New Runbook');
      const text = vscode.l10n.t('Open the runbook that the step is to be written into first.');
      if ((await vscode.window.showInformationMessage(text, make)) === make)
        await vscode.commands.executeCommand(commands.newRunbook);
      return;
    }
    const { insertable, insertPlace } = language();
    const picked = await vscode.window.showQuickPick(
      insertable(vms.length > 0 ? 'vm' : 'host').map(action => ({
        label: action.uses,
        description: action.title,
        detail: action.summary,
        action,
      })),
      { title: vscode.l10n.t('Step for {0}', on.join(', ')), matchOnDescription: true },
    );
    if (!picked) return;
    const { document } = editor;
    const place = insertPlace(document.getText(), document.offsetAt(editor.selection.active));
    if (typeof place === 'string') {
      void vscode.window.showWarningMessage(place);
      return;
    }
    const { uses, input, fill } = picked.action;
    const snippet = new vscode.SnippetString();
    const pad = ' '.repeat(place.indent);
    if (place.newLine) snippet.appendText('\n');
    for (const line of stepLines({ uses, input, on, fill })) {
      snippet.appendText(pad + line);
      if (line.endsWith(': ')) snippet.appendTabstop();
      snippet.appendText('\n');
    }
    const edit = new vscode.WorkspaceEdit();
    const at = document.positionAt(place.offset);
    const change = new vscode.SnippetTextEdit(new vscode.Range(at, at), snippet);
    // The lines have their indentation.
    Object.assign(change, { keepWhitespace: true });
    edit.set(document.uri, [change]);
    await vscode.window.showTextDocument(document, editor.viewColumn);
    await vscode.workspace.applyEdit(edit);
  };

  /** Where runbooks of the workspace name a VM or host; one is gone to, of several one is picked. */
  findInRunbooks = async (id: unknown): Promise<void> => {
    const [target] = this.view.targets(id, undefined);
    const node = target === undefined ? undefined : this.view.node(target);
    const name = nameOf(node);
    if (name === undefined) {
      void vscode.window.showInformationMessage(vscode.l10n.t('Choose a VM or host in the Inventory view first.'));
      return;
    }
    const found: { label: string; description: string; uri: vscode.Uri; start: number; end: number }[] = [];
    for (const uri of await vscode.workspace.findFiles(
      '**/*.runbook.{yaml,yml}',
      '**/node_modules/**',
      MOST_RUNBOOKS,
    )) {
      const text = await readText(uri).catch(() => '');
      for (const use of language().usesOfName(uri.toString(), text, name)) {
        found.push({ label: use.line, description: vscode.workspace.asRelativePath(uri), uri, ...use });
      }
    }
    if (found.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('No runbook of this workspace names {0}. Groups and tags may still lead to it.', name),
      );
      return;
    }
    const title = vscode.l10n.t('Where {0} is named', name);
    const picked = found.length === 1 ? found[0] : await vscode.window.showQuickPick(found, { title });
    if (!picked) return;
    const document = await vscode.workspace.openTextDocument(picked.uri);
    const selection = new vscode.Range(document.positionAt(picked.start), document.positionAt(picked.end));
    await vscode.window.showTextDocument(document, { selection });
  };

  /** Shows the VM or host that the cursor of a runbook or inventory is at. */
  reveal = async (): Promise<void> => {
    const editor = vscode.window.activeTextEditor;
    if (!editor) return;
    const { document } = editor;
    const offset = document.offsetAt(editor.selection.active);
    const name = language().nameAt(document.uri.toString(), document.languageId, document.getText(), offset);
    if (name === undefined) {
      void vscode.window.showInformationMessage(vscode.l10n.t('Put the cursor on the name of a VM or host.'));
      return;
    }
    if (await this.view.reveal(name)) return;
    const shown = this.view.inventory?.uri;
    const { inventory } = language().parseRunbook(document.getText()).draft;
    const other = inventory !== undefined && inventoryUri(document.uri, inventory).toString() !== shown?.toString();
    void vscode.window.showInformationMessage(
      other
        ? vscode.l10n.t(
            '{0} is not in the inventory that is shown. This runbook names another: choose it in the view.',
            name,
          )
        : vscode.l10n.t('{0} is not there, or its connection has not answered yet.', name),
    );
  };
}

/** The runbook that is being edited; also when the tree has the focus. */
function runbookInFront(): vscode.TextEditor | undefined {
  const isRunbook = (editor: vscode.TextEditor | undefined) => editor?.document.languageId === languages.runbook;
  const { activeTextEditor, visibleTextEditors } = vscode.window;
  return isRunbook(activeTextEditor) ? activeTextEditor : visibleTextEditors.find(isRunbook);
}

function nameOf(node: InventoryNode | undefined): string | undefined {
  if (node?.kind === 'host') return node.host.name;
  return node !== undefined && 'vm' in node ? node.vm.name : undefined;
}
