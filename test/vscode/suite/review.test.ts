/// <reference types="mocha" />
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type { Review, ReviewedRunbook } from '../../../src/review/model';
import { eventually } from '../eventually';

// Reviews of a real git repository: a copy of test/vscode/fixture with a branch.

const folder = vscode.workspace.workspaceFolders![0]!.uri;
const file = (name: string) => vscode.Uri.joinPath(folder, name);
/** Of the repository at the base. Its path is that of the working file, so that a diff does not call it renamed. */
const base = (name: string) => file(name).with({ scheme: 'virtbook-review', authority: 'base' });
const { executeCommand } = vscode.commands;

function git(...args: string[]): string {
  const who = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', [...who, ...args], { cwd: folder.fsPath, encoding: 'utf8' });
}

function edit(name: string, change: (text: string) => string): void {
  const where = path.join(folder.fsPath, name);
  writeFileSync(where, change(readFileSync(where, 'utf8')));
}

/** Picks these labels, one after another, while `body` runs; gives what was offered and told. */
async function picking<T>(picks: string[], body: () => PromiseLike<T>): Promise<{ given: T; shown: string[] }> {
  const { window } = vscode;
  const names = ['showQuickPick', 'showInformationMessage', 'showWarningMessage', 'showErrorMessage'] as const;
  const before = Object.fromEntries(names.map(name => [name, Reflect.get(window, name)]));
  const shown: string[] = [];
  const left = [...picks];
  const message = async (text: string) => void shown.push(text);
  Object.assign(window, {
    showQuickPick: async (offered: { label: string }[] | PromiseLike<{ label: string }[]>) => {
      const items = await offered;
      shown.push(items.map(({ label }) => label).join(' | '));
      const wanted = left.shift();
      return items.find(({ label }) => wanted !== undefined && label.includes(wanted));
    },
    showInformationMessage: message,
    showWarningMessage: message,
    showErrorMessage: message,
  });
  try {
    const given = await body();
    assert.deepEqual(left, [], `never asked for; shown: ${shown.join('\n')}`);
    return { given, shown };
  } finally {
    Object.assign(window, before);
  }
}

const review = async (...picks: string[]) => {
  const { given, shown } = await picking(picks, () => executeCommand<Review | undefined>('virtbook.reviewChanges'));
  assert.ok(given, shown.join('\n'));
  return { review: given, shown };
};
const runbook = (found: Review, name: string) =>
  found.files.find((one): one is ReviewedRunbook => one.kind === 'runbook' && one.path === name);
const tabs = () => vscode.window.tabGroups.all.flatMap(group => group.tabs);
const textOf = async (uri: string) => (await vscode.workspace.openTextDocument(vscode.Uri.parse(uri))).getText();

suite('review of a repository', () => {
  suiteSetup(async () => {
    git('init', '--quiet', '--initial-branch=main');
    git('add', '.');
    git('commit', '--quiet', '--message=First');
    git('checkout', '--quiet', '-b', 'work');
    edit('snapshots.runbook.yaml', text => text.replace('name: before-work', 'name: before-patch'));
    edit('called.runbook.yaml', text => text.replace(/^name: .*$/m, 'name: Called, and renamed'));
    git('commit', '--quiet', '--all', '--message=Second');
  });

  suiteTeardown(() => executeCommand('workbench.action.closeAllEditors'));

  test('a branch against main: report, files and plans', async () => {
    const { review: found, shown } = await review('Against main');
    assert.equal(found.base.label, 'main');
    const changed = runbook(found, 'snapshots.runbook.yaml');
    assert.ok(changed, JSON.stringify(found.files.map(one => one.path)));
    assert.equal(changed.plan.same, false);
    assert.ok(changed.rehearsal.head!.points > 0, 'nothing was rehearsed');
    assert.equal(runbook(found, 'calls.runbook.yaml')?.change, 'affected');
    assert.match(shown.join('\n'), /risk/i);
    const report = await textOf('virtbook-review://report/Review against main.md');
    assert.ok(report.includes('snapshots.runbook.yaml'), report);
    await eventually(() => tabs().some(({ label }) => label.startsWith('Review: main ↔ the working tree')));
    await eventually(() => tabs().some(({ label }) => label.endsWith('Review against main.md')));
  });

  test('the base is a document that can be read but not written, with every feature', async () => {
    const uri = base('snapshots.runbook.yaml');
    const document = await vscode.workspace.openTextDocument(uri);
    assert.equal(document.languageId, 'virt-runbook');
    assert.equal(document.getText(), git('show', 'main:snapshots.runbook.yaml'));
    assert.equal(vscode.workspace.fs.isWritableFileSystem('virtbook-review'), false);
    const at = document.positionAt(document.getText().indexOf('vm.snapshot') + 2);
    const hovers = await executeCommand<vscode.Hover[]>('vscode.executeHoverProvider', uri, at);
    assert.ok(hovers.length > 0);
    // What it calls is looked for in the same revision.
    const calls = await vscode.workspace.openTextDocument(base('calls.runbook.yaml'));
    const place = calls.positionAt(calls.getText().indexOf('./called') + 3);
    const targets = await executeCommand<vscode.Location[]>('vscode.executeDefinitionProvider', calls.uri, place);
    assert.equal(targets[0]?.uri.toString(), base('called.runbook.yaml').toString());
    assert.doesNotMatch(await textOf(base('called.runbook.yaml').toString()), /and renamed/);
  });

  test('plans are compared side by side, and differ only where they do something else', async () => {
    await executeCommand('virtbook.review.comparePlans', file('snapshots.runbook.yaml'));
    const tab = await eventually(() =>
      tabs().find(({ input }) => input instanceof vscode.TabInputTextDiff && input.original.path.endsWith('.plan.txt')),
    );
    assert.match(tab.label, /Plan of Snapshot the web servers: main ↔ the working tree/);
    const { original, modified } = tab.input as vscode.TabInputTextDiff;
    const [before, after] = [
      (await textOf(original.toString())).split('\n'),
      (await textOf(modified.toString())).split('\n'),
    ];
    assert.equal(before.length, after.length);
    const other = after.filter((line, at) => line !== before[at]);
    assert.ok(other.length > 0);
    for (const line of other) assert.match(line, /before-patch/);
  });

  test('a runbook of the review offers the comparison above its first line', async () => {
    const uri = file('snapshots.runbook.yaml');
    await vscode.workspace.openTextDocument(uri);
    const lenses = await executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri);
    const titles = lenses.map(lens => lens.command?.title);
    assert.ok(titles.includes('Compare plan with main'), titles.join());
  });

  test('what is staged, what is not, and what is not even saved', async () => {
    edit('slow.runbook.yaml', text => text.replace(/^name: .*$/m, 'name: Slow, staged'));
    git('add', 'slow.runbook.yaml');
    edit('fails.runbook.yaml', text => text.replace(/^name: .*$/m, 'name: Fails, not staged'));
    const staged = await review('What is staged');
    assert.deepEqual(
      staged.review.files.map(one => one.path),
      ['slow.runbook.yaml'],
    );
    const notStaged = await review('Against the index');
    assert.deepEqual(
      notStaged.review.files.map(one => one.path),
      ['fails.runbook.yaml'],
    );
    const document = await vscode.workspace.openTextDocument(file('gated.runbook.yaml'));
    const change = new vscode.WorkspaceEdit();
    change.insert(document.uri, document.lineAt(document.lineCount - 1).range.end, '\n# a remark\n');
    assert.ok(await vscode.workspace.applyEdit(change));
    try {
      const again = await executeCommand<Review>('virtbook.review.again');
      assert.deepEqual(again.files.map(one => one.path).sort(), ['fails.runbook.yaml', 'gated.runbook.yaml']);
      assert.match(again.head.label, /not saved/);
    } finally {
      await vscode.window.showTextDocument(document);
      await executeCommand('workbench.action.files.revert');
    }
    git('checkout', '--quiet', '--force', 'work');
  });

  test('a revision is picked among branches, tags and commits', async () => {
    git('tag', '--force', 'v1', 'main');
    const { shown } = await review('Against another', 'v1');
    const offered = shown.find(text => text.includes('v1'))!;
    assert.match(offered, /git-branch\)\u00a0main/);
    assert.match(offered, /git-commit\)\u00a0[0-9a-f]{7}/);
  });

  test('two files are compared without version control', async () => {
    writeFileSync(
      path.join(folder.fsPath, 'copy.runbook.yaml'),
      readFileSync(path.join(folder.fsPath, 'snapshots.runbook.yaml'), 'utf8').replace('before-patch', 'elsewhere'),
    );
    await vscode.workspace.openTextDocument(base('snapshots.runbook.yaml'));
    const { given, shown } = await picking(['snapshots.runbook.yaml'], () =>
      executeCommand<Review>('virtbook.review.against', file('copy.runbook.yaml')),
    );
    assert.equal(shown[0]?.match(/snapshots\.runbook/g)?.length, 1, 'a document of the review before is offered');
    const found = runbook(given, 'copy.runbook.yaml');
    assert.equal(found?.basePath, 'snapshots.runbook.yaml');
    assert.equal(found?.plan.same, false);
    assert.ok(given.unknowns.some(text => text.startsWith('Two files were compared')));
  });

  test('what is open in a diff editor is reviewed, whoever opened it', async () => {
    await executeCommand('workbench.action.closeAllEditors');
    const before = await vscode.workspace.openTextDocument({
      language: 'virt-runbook',
      content: readFileSync(path.join(folder.fsPath, 'snapshots.runbook.yaml'), 'utf8').replace('before-patch', 'old'),
    });
    try {
      await executeCommand('vscode.diff', before.uri, file('snapshots.runbook.yaml'), 'A diff');
      await eventually(() => tabs().some(({ input }) => input instanceof vscode.TabInputTextDiff));
      const { review: found } = await review('What is open in diff editors');
      assert.equal(found.files.length, 1);
      assert.equal(runbook(found, 'snapshots.runbook.yaml')?.plan.same, false);
    } finally {
      await vscode.window.showTextDocument(before);
      await executeCommand('workbench.action.revertAndCloseActiveEditor');
    }
  });

  test('a folder without a repository says so, and still compares files', async () => {
    const { shown } = await picking([''], () => executeCommand('virtbook.reviewChanges', vscode.Uri.file('/proc/1/x')));
    assert.ok(shown.length > 0);
  });
});
