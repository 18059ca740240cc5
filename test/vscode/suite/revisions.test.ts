/// <reference types="mocha" />
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import { eventually } from '../eventually';

// Both sides of diffs: those of VS Code's own git extension, and stand-ins that give what GitHub Pull Requests gives.

const folder = vscode.workspace.workspaceFolders![0]!.uri;
const file = (name: string) => vscode.Uri.joinPath(folder, name);
const onDisk = (name: string) => path.join(folder.fsPath, name);

function git(...args: string[]): string {
  const identity = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', [...identity, ...args], { cwd: folder.fsPath, encoding: 'utf8' }).trim();
}

function edit(name: string, from: string, to: string): void {
  const text = readFileSync(onDisk(name), 'utf8');
  assert.ok(text.includes(from), `${name} has no ${from}`);
  writeFileSync(onDisk(name), text.replaceAll(from, to));
}

/** As `toGitUri` of VS Code's git extension makes it. */
const gitUri = (name: string, ref: string) =>
  file(name).with({ scheme: 'git', query: JSON.stringify({ path: onDisk(name), ref }) });

/** What the VM is completed to inside `vm: ` of a document: the names of its inventory. */
async function offeredVms(uri: vscode.Uri): Promise<string[]> {
  const document = await vscode.workspace.openTextDocument(uri);
  assert.equal(document.languageId, 'virt-runbook');
  const at = document.getText().lastIndexOf('vm: ') + 4;
  const list = await vscode.commands.executeCommand<vscode.CompletionList>(
    'vscode.executeCompletionItemProvider',
    uri,
    document.positionAt(at),
  );
  // Words of open documents are offered by VS Code itself.
  const ours = list.items.filter(({ kind }) => kind !== vscode.CompletionItemKind.Text);
  return ours.map(({ label }) => (typeof label === 'string' ? label : label.label));
}

async function lensTitles(uri: vscode.Uri): Promise<string[]> {
  const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri);
  return lenses.map(({ command }) => command?.title ?? '');
}

/** Messages that are shown while `body` goes on; nobody can answer them here. */
async function told(body: () => Thenable<unknown>): Promise<string[]> {
  const { window } = vscode;
  const { showWarningMessage, showErrorMessage, showInformationMessage } = window;
  const shown: string[] = [];
  const note = async (message: string) => {
    shown.push(message);
    return undefined;
  };
  Object.assign(window, { showWarningMessage: note, showErrorMessage: note, showInformationMessage: note });
  try {
    await body();
  } finally {
    Object.assign(window, { showWarningMessage, showErrorMessage, showInformationMessage });
  }
  return shown;
}

/** A read-only file system that gives what `give` gives, and nothing at all for the rest, as GitHub Pull Requests does. */
class Versions implements vscode.FileSystemProvider {
  readonly asked: string[] = [];
  readonly onDidChangeFile = new vscode.EventEmitter<vscode.FileChangeEvent[]>().event;
  constructor(private readonly give: (query: Record<string, unknown>) => string) {}
  watch = () => new vscode.Disposable(() => {});
  stat = () => ({ type: vscode.FileType.File, ctime: 0, mtime: 0, size: 0 });
  readDirectory = () => [];
  createDirectory() {}
  readFile(uri: vscode.Uri): Uint8Array {
    this.asked.push(uri.toString());
    return new TextEncoder().encode(this.give(JSON.parse(uri.query)));
  }
  writeFile() {}
  delete() {}
  rename() {}
}

suite('sides of a diff', () => {
  let before: string;
  let after: string;

  suiteSetup(async () => {
    await vscode.extensions.getExtension('virtbook.virtbook')!.activate();
    git('init', '--quiet', '--initial-branch=main');
    git('add', '.');
    git('commit', '--quiet', '-m', 'As it was');
    before = git('rev-parse', 'HEAD');
    // From now on the spare VM has another name, and what is called starts it.
    edit('lab.yaml', 'spare', 'reserve');
    edit('snapshots.runbook.yaml', 'spare', 'reserve');
    edit('calls.runbook.yaml', 'vm: web1', 'vm: reserve');
    git('commit', '--quiet', '-am', 'Another name');
    after = git('rev-parse', 'HEAD');
    const extension = vscode.extensions.getExtension('vscode.git');
    assert.ok(extension, 'VS Code has no git extension');
    const api = (await extension.activate()).getAPI(1);
    await api.openRepository(folder);
    assert.equal(api.repositories.length, 1);
  });

  test('of git have the names of the same version, and lead to it', async () => {
    for (const [ref, has, hasNot] of [
      [before, 'spare', 'reserve'],
      ['HEAD', 'reserve', 'spare'],
      ['HEAD~1', 'spare', 'reserve'],
    ] as const) {
      const names = await offeredVms(gitUri('snapshots.runbook.yaml', ref));
      assert.ok(names.includes(has) && !names.includes(hasNot), `${ref}: ${names.join()}`);
    }
    const calls = gitUri('calls.runbook.yaml', before);
    const document = await vscode.workspace.openTextDocument(calls);
    for (const [text, name] of [
      ['./called', 'called.runbook.yaml'],
      ['./lab.inventory', 'lab.inventory.yaml'],
    ] as const) {
      const [target] = await vscode.commands.executeCommand<vscode.Location[]>(
        'vscode.executeDefinitionProvider',
        calls,
        document.positionAt(document.getText().indexOf(text) + 4),
      );
      assert.equal(target?.uri.toString(), gitUri(name, before).toString());
    }
    assert.deepEqual(vscode.languages.getDiagnostics(calls), []);
  });

  test('have the index between the commit and the working tree', async () => {
    edit('lab.yaml', 'reserve', 'staged');
    git('add', 'lab.yaml');
    edit('lab.yaml', 'staged', 'unstaged');
    try {
      assert.ok((await offeredVms(gitUri('snapshots.runbook.yaml', ''))).includes('staged'));
      assert.ok((await offeredVms(gitUri('snapshots.runbook.yaml', 'HEAD'))).includes('reserve'));
      assert.ok((await offeredVms(file('snapshots.runbook.yaml'))).includes('unstaged'));
    } finally {
      git('checkout', '--quiet', 'HEAD', '--', 'lab.yaml');
    }
  });

  test('are planned and rehearsed as they are in that version', async () => {
    const uri = gitUri('calls.runbook.yaml', before);
    assert.deepEqual(await lensTitles(uri), ['Plan', 'Rehearse']);
    assert.deepEqual(await told(() => vscode.commands.executeCommand('virtbook.plan', uri)), []);
    const plan = await eventually(() =>
      vscode.workspace.textDocuments.find(({ uri: { path: name } }) => name.endsWith('Calls another.plan.md')),
    );
    assert.match(plan.getText(), /vm `web1`/);
    assert.equal(await vscode.commands.executeCommand('virtbook.rehearse', uri), true);
  });

  test('are never run, whoever asks', async () => {
    const uri = gitUri('snapshots.runbook.yaml', before);
    for (const command of ['virtbook.run', 'virtbook.debug', 'virtbook.runStep', 'virtbook.runFrom']) {
      const shown = await told(() => vscode.commands.executeCommand(command, uri, '/steps/0'));
      const name = `snapshots.runbook.yaml at ${before.slice(0, 12)}`;
      assert.deepEqual(shown, [`Only a file on disk can be run, not ${name}. Open the file itself.`], command);
    }
    assert.equal(vscode.debug.activeDebugSession, undefined);
  });

  test('are not changed: no renaming, no fixes, no formatting', async () => {
    const uri = gitUri('broken.runbook.yaml', before);
    const document = await vscode.workspace.openTextDocument(uri);
    const [problem] = await eventually(() => {
      const found = vscode.languages.getDiagnostics(uri);
      return found.length > 0 && found;
    });
    const fixes = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      'vscode.executeCodeActionProvider',
      uri,
      problem!.range,
    );
    assert.deepEqual(fixes, []);
    const options = { tabSize: 4, insertSpaces: true };
    assert.equal(
      await vscode.commands.executeCommand('vscode.executeFormatDocumentProvider', document.uri, options),
      undefined,
    );
    const snapshots = gitUri('snapshots.runbook.yaml', before);
    const text = (await vscode.workspace.openTextDocument(snapshots)).getText();
    const at = (await vscode.workspace.openTextDocument(snapshots)).positionAt(text.indexOf('each-vm') + 2);
    await assert.rejects(async () =>
      vscode.commands.executeCommand('vscode.executeDocumentRenameProvider', snapshots, at, 'all'),
    );
  });

  test('of a pull request have the names of their side; what it does not change comes from its commit', async () => {
    const changed = ['snapshots.runbook.yaml', 'lab.yaml'];
    const given = new Versions(({ fileName, isBase, baseCommit, headCommit }) =>
      changed.includes(String(fileName)) ? `${git('show', `${isBase ? baseCommit : headCommit}:${fileName}`)}\n` : '',
    );
    const provider = vscode.workspace.registerFileSystemProvider('pr', given, { isReadonly: true });
    try {
      for (const isBase of [true, false]) {
        const query = {
          baseCommit: before,
          headCommit: after,
          isBase,
          fileName: 'snapshots.runbook.yaml',
          prNumber: 7,
          status: 0,
          remoteName: 'origin',
        };
        const uri = file('snapshots.runbook.yaml').with({ scheme: 'pr', query: JSON.stringify(query) });
        const names = await offeredVms(uri);
        assert.ok(names.includes(isBase ? 'spare' : 'reserve') && !names.includes(isBase ? 'reserve' : 'spare'));
        assert.deepEqual(await lensTitles(uri), ['Plan', 'Rehearse']);
        assert.equal(await vscode.commands.executeCommand('virtbook.rehearse', uri), true);
        // The inventory is not of the pull request: it is opened where it is.
        const links = await vscode.commands.executeCommand<vscode.DocumentLink[]>('vscode.executeLinkProvider', uri);
        assert.equal(links[0]?.target?.toString(), gitUri('lab.inventory.yaml', isBase ? before : after).toString());
        const shown = await told(() => vscode.commands.executeCommand('virtbook.run', uri));
        assert.match(shown.join(), /not snapshots\.runbook\.yaml at the (base|head) of pull request 7\./);
      }
      assert.ok(given.asked.some(uri => uri.includes('lab.inventory.yaml')));
    } finally {
      provider.dispose();
    }
  });

  test('of a pull request whose commit is not here say nothing of names, and what is missing when they are planned', async () => {
    const given = new Versions(({ fileName }) =>
      fileName === 'snapshots.runbook.yaml' ? git('show', `${before}:${fileName}`).replace('spare', 'spaer') : '',
    );
    const provider = vscode.workspace.registerFileSystemProvider('pr', given, { isReadonly: true });
    try {
      const query = {
        baseCommit: before,
        headCommit: '1'.repeat(40),
        isBase: false,
        fileName: 'snapshots.runbook.yaml',
      };
      const uri = file('snapshots.runbook.yaml').with({
        scheme: 'pr',
        query: JSON.stringify({ ...query, prNumber: 8 }),
      });
      const document = await vscode.workspace.openTextDocument(uri);
      assert.ok(!(await offeredVms(uri)).includes('web1'));
      const hover = await vscode.commands.executeCommand<vscode.Hover[]>(
        'vscode.executeHoverProvider',
        uri,
        document.positionAt(document.getText().indexOf('vm.snapshot') + 4),
      );
      assert.ok(hover.length > 0, 'no hover');
      assert.deepEqual(vscode.languages.getDiagnostics(uri), []);
      const shown = await told(() => vscode.commands.executeCommand('virtbook.plan', uri));
      assert.match(
        shown.join(),
        /there is no lab\.inventory\.yaml at the head of pull request 8, or its commit has not/,
      );
    } finally {
      provider.dispose();
    }
  });

  test('of a pull request that is checked out have the names of the base', async () => {
    const given = new Versions(({ path: name, commit }) => `${git('show', `${commit}:${name}`)}\n`);
    const provider = vscode.workspace.registerFileSystemProvider('review', given, { isReadonly: true });
    try {
      const query = {
        path: 'snapshots.runbook.yaml',
        commit: before,
        base: true,
        isOutdated: false,
        rootPath: folder.path,
      };
      const uri = file('snapshots.runbook.yaml').with({ scheme: 'review', query: JSON.stringify(query) });
      const names = await offeredVms(uri);
      assert.ok(names.includes('spare') && !names.includes('reserve'), names.join());
      assert.deepEqual(await lensTitles(uri), ['Plan', 'Rehearse']);
      assert.equal(await vscode.commands.executeCommand('virtbook.rehearse', uri), true);
    } finally {
      provider.dispose();
    }
  });

  test('with a query that nobody understands are read as they are', async () => {
    class Anything implements vscode.TextDocumentContentProvider {
      provideTextDocumentContent = () => readFileSync(onDisk('snapshots.runbook.yaml'), 'utf8');
    }
    const provider = vscode.workspace.registerTextDocumentContentProvider('pr', new Anything());
    try {
      for (const query of ['', '{', 'null', '{"fileName":7}']) {
        const uri = file('snapshots.runbook.yaml').with({ scheme: 'pr', query });
        const symbols = await vscode.commands.executeCommand<unknown[]>('vscode.executeDocumentSymbolProvider', uri);
        assert.ok(symbols.length > 0, 'no outline');
        assert.ok(!(await offeredVms(uri)).includes('web1'));
        assert.deepEqual(await lensTitles(uri), ['Plan', 'Rehearse']);
      }
    } finally {
      provider.dispose();
    }
  });
});
