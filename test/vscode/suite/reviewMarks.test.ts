/// <reference types="mocha" />
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import { eventually } from '../eventually';

// The marks of a review, gone to by keyboard: in the file, on both sides, and in documents of git.

const folder = vscode.workspace.workspaceFolders![0]!.uri;
const { executeCommand } = vscode.commands;

function git(...args: string[]): string {
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', [...who, ...args], { cwd: folder.fsPath, encoding: 'utf8' }).trim();
}

/** Reviews against main; what is asked and told on the way is answered here. */
async function reviewed(): Promise<void> {
  const { window } = vscode;
  const { showQuickPick, showInformationMessage, showWarningMessage } = window;
  const nothing = async () => undefined;
  Object.assign(window, {
    showQuickPick: async (offered: { label: string }[] | PromiseLike<{ label: string }[]>) =>
      (await offered).find(({ label }) => label.includes('Against main')),
    showInformationMessage: nothing,
    showWarningMessage: nothing,
  });
  try {
    assert.ok(await executeCommand('virtbook.reviewChanges'), 'there is no review');
  } finally {
    Object.assign(window, { showQuickPick, showInformationMessage, showWarningMessage });
  }
}

/** The lines that *next*, or *previous*, goes to, from the top, until the first comes again. */
async function visited(uri: vscode.Uri, command = 'nextChange'): Promise<string[]> {
  const document = await vscode.workspace.openTextDocument(uri);
  const editor = await vscode.window.showTextDocument(document, { preview: false });
  await eventually(() => vscode.window.activeTextEditor === editor);
  editor.selection = new vscode.Selection(0, 0, 0, 0);
  const lines: string[] = [];
  for (;;) {
    await executeCommand(`virtbook.review.${command}`);
    const line = document.lineAt(editor.selection.active.line).text.trim();
    if (lines.includes(line)) return lines;
    lines.push(line);
  }
}

suite('marks of a review', () => {
  const name = 'marks.runbook.yaml';
  const file = vscode.Uri.joinPath(folder, name);
  const onDisk = path.join(folder.fsPath, name);
  const steps = ['save', 'start', 'stay', 'last'];
  const step = (id: string, uses: string, vm: string) => `  - id: ${id}\n    uses: ${uses}\n    with: { vm: ${vm} }\n`;
  const head = 'version: 1\nname: Marks\ninventory: ./lab.inventory.yaml\nsteps:\n';
  let base: string;

  suiteSetup(async () => {
    await vscode.extensions.getExtension('virtbook.virtbook')!.activate();
    writeFileSync(onDisk, head + steps.map(id => step(id, 'vm.start', 'spare')).join(''));
    git('init', '--quiet', '--initial-branch=main');
    git('add', '.');
    git('commit', '--quiet', '--message=First');
    base = git('rev-parse', 'HEAD');
    const after = [
      step('save', 'vm.start', 'web1'),
      step('start', 'vm.start', 'spare'),
      step('new', 'vm.shutdown', 'web2'),
    ];
    writeFileSync(onDisk, head + [...after, step('last', 'vm.start', 'spare')].join(''));
    const extension = vscode.extensions.getExtension('vscode.git');
    await (await extension!.activate()).getAPI(1).openRepository(folder);
  });

  suiteTeardown(() => executeCommand('workbench.action.closeAllEditors'));

  async function toldOfNothing(): Promise<void> {
    const told: string[] = [];
    const { showInformationMessage } = vscode.window;
    Object.assign(vscode.window, { showInformationMessage: async (text: string) => void told.push(text) });
    try {
      await executeCommand('virtbook.review.nextChange');
      await executeCommand('virtbook.review.prepareComments');
      assert.equal(told.length, 2);
      for (const text of told) assert.match(text, /Nothing has been reviewed yet/);
    } finally {
      Object.assign(vscode.window, { showInformationMessage });
    }
  }

  test('say that nothing was reviewed', toldOfNothing);

  test('are gone to from one to the next and back, in the file', async () => {
    await reviewed();
    const forwards = await visited(file);
    assert.ok(forwards.includes('- id: save') && forwards.includes('- id: new'), forwards.join('\n'));
    assert.ok(!forwards.includes('- id: start') && !forwards.includes('- id: last'), forwards.join('\n'));
    const backwards = await visited(file, 'previousChange');
    assert.deepEqual(backwards, [...forwards].reverse());
  });

  test('go with the lines while the file is edited', async () => {
    const before = await visited(file);
    const edit = new vscode.WorkspaceEdit();
    edit.insert(file, new vscode.Position(0, 0), '# one\n# two\n');
    await vscode.workspace.applyEdit(edit);
    assert.deepEqual(await visited(file), before);
    await executeCommand('workbench.action.files.revert');
    assert.equal(readFileSync(onDisk, 'utf8').includes('# one'), false);
    assert.deepEqual(await visited(file), before);
  });

  test('are at the base what was changed and removed there, in git’s own document of that commit too', async () => {
    const ours = await visited(vscode.Uri.from({ scheme: 'virtbook-review', authority: 'base', path: file.path }));
    assert.ok(ours.includes('- id: save') && ours.includes('- id: stay'), ours.join('\n'));
    assert.ok(!ours.includes('- id: last'), ours.join('\n'));
    const query = JSON.stringify({ path: onDisk, ref: base });
    assert.deepEqual(await visited(file.with({ scheme: 'git', query })), ours);
  });

  test('go when the review is closed', async () => {
    await executeCommand('virtbook.review.close');
    await toldOfNothing();
  });
});
