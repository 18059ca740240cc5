/// <reference types="mocha" />
import * as vscode from 'vscode';
import type { Review } from '../../../src/review/model';
import { eventually } from '../eventually';

// Runs inside the web-worker extension host of VS Code for the web, on a copy of test/vscode/fixture in a virtual file system.

const folder = vscode.workspace.workspaceFolders![0]!.uri;
const file = (name: string) => vscode.Uri.joinPath(folder, name);

function ok(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

async function asked<T>(command: string, ...args: unknown[]): Promise<T> {
  const answer = await vscode.commands.executeCommand<T>(command, ...args);
  ok(answer, `${command} gives nothing`);
  return answer;
}

/** Opens a text that is stored nowhere. */
const untitled = (content: string) => vscode.workspace.openTextDocument({ language: 'virt-runbook', content });

suite('in a browser', () => {
  suiteSetup(async () => {
    const extension = vscode.extensions.getExtension('virtbook.virtbook');
    ok(extension, 'the extension is not there');
    ok(folder.scheme !== 'file', `${folder} is on a disk`);
    await extension.activate();
  });

  test('mistakes are found, also names that the inventory does not have', async () => {
    await vscode.window.showTextDocument(file('broken.runbook.yaml'));
    const found = await eventually(() => {
      const diagnostics = vscode.languages.getDiagnostics(file('broken.runbook.yaml'));
      return diagnostics.length > 0 && diagnostics;
    });
    ok(
      found.every(({ source }) => source === 'virtbook'),
      found.map(({ message }) => message).join('\n'),
    );
  });

  test('an empty document is completed, and VMs of the simulated lab are offered', async () => {
    const document = await untitled(
      'version: 1\nname: x\ninventory: ./lab.inventory.yaml\nsteps:\n  - uses: vm.start\n    with: { vm: }\n',
    );
    const list = await asked<vscode.CompletionList>(
      'vscode.executeCompletionItemProvider',
      document.uri,
      new vscode.Position(5, 16),
    );
    const labels = list.items.map(({ label }) => (typeof label === 'string' ? label : label.label));
    ok(labels.includes('web1'), labels.join(', '));
  });

  test('hover, outline, folding, tokens, links and definitions work', async () => {
    const uri = file('calls.runbook.yaml');
    const document = await vscode.workspace.openTextDocument(uri);
    const place = document.positionAt(document.getText().indexOf('./called') + 3);
    const targets = await asked<vscode.Location[]>('vscode.executeDefinitionProvider', uri, place);
    ok(targets[0]?.uri.path.endsWith('called.runbook.yaml'), JSON.stringify(targets));
    for (const command of [
      'vscode.executeDocumentSymbolProvider',
      'vscode.executeFoldingRangeProvider',
      'vscode.executeLinkProvider',
    ]) {
      ok((await asked<unknown[]>(command, uri)).length > 0, command);
    }
    const tokens = await asked<vscode.SemanticTokens>('vscode.provideDocumentSemanticTokens', uri);
    ok(tokens.data.length > 0, 'no tokens');
    const snapshots = file('snapshots.runbook.yaml');
    const text = (await vscode.workspace.openTextDocument(snapshots)).getText();
    const at = (await vscode.workspace.openTextDocument(snapshots)).positionAt(text.indexOf('vm.snapshot') + 2);
    ok((await asked<vscode.Hover[]>('vscode.executeHoverProvider', snapshots, at)).length > 0, 'no hover');
  });

  test('a document is formatted', async () => {
    const document = await untitled('version: 1\nname:   x\nsteps:\n    - uses: vm.start\n      with: { vm: web1 }\n');
    const edits = await asked<vscode.TextEdit[]>('vscode.executeFormatDocumentProvider', document.uri, {
      tabSize: 2,
      insertSpaces: true,
    });
    ok(edits.length > 0, 'no edits');
  });

  test('a runbook offers its plan and its rehearsal, and nothing that runs', async () => {
    const lenses = await asked<vscode.CodeLens[]>('vscode.executeCodeLensProvider', file('snapshots.runbook.yaml'));
    const titles = lenses.map(lens => lens.command?.title);
    ok(titles.join() === 'Plan,Rehearse', titles.join());
  });

  test('the plan is shown', async () => {
    await vscode.commands.executeCommand('virtbook.plan', file('snapshots.runbook.yaml'));
    const shown = await eventually(() =>
      vscode.workspace.textDocuments.find(({ uri }) => uri.path.endsWith('.plan.md')),
    );
    ok(shown.getText().includes('web1'), shown.getText());
  });

  test('a runbook is rehearsed on its simulated lab, in a worker', async () => {
    const whole = await vscode.commands.executeCommand('virtbook.rehearse', file('snapshots.runbook.yaml'));
    ok(whole === true, `it gave ${whole}`);
  });

  test('a runbook is reviewed against another document, its plans are compared, and both are rehearsed in workers', async () => {
    const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(file('snapshots.runbook.yaml')));
    const before = await untitled(text.replace('before-work', 'as-it-was'));
    await vscode.commands.executeCommand('vscode.diff', before.uri, file('snapshots.runbook.yaml'), 'A diff');
    // Nobody can click here.
    const { showQuickPick } = vscode.window;
    const offered: string[] = [];
    Object.assign(vscode.window, {
      showQuickPick: async (items: { label: string }[]) => {
        offered.push(...items.map(({ label }) => label));
        return items.find(({ label }) => label.includes('diff editors'));
      },
    });
    try {
      const review = await asked<Review>('virtbook.reviewChanges');
      ok(!offered.some(label => label.includes('main')), offered.join());
      const [found] = review.files;
      ok(found?.kind === 'runbook' && found.path === 'snapshots.runbook.yaml', JSON.stringify(review.files));
      ok(found.plan.same === false, 'the plans are the same');
      ok((found.rehearsal.head?.points ?? 0) > 0, JSON.stringify(found.rehearsal));
      await vscode.commands.executeCommand('virtbook.review.comparePlans', file('snapshots.runbook.yaml'));
      const tab = await eventually(() =>
        vscode.window.tabGroups.all
          .flatMap(({ tabs }) => tabs)
          .find(({ input }) => input instanceof vscode.TabInputTextDiff && input.original.scheme === 'virtbook-review'),
      );
      const plan = await vscode.workspace.openTextDocument((tab.input as vscode.TabInputTextDiff).original);
      ok(plan.getText().includes('as-it-was'), plan.getText());
    } finally {
      Object.assign(vscode.window, { showQuickPick });
    }
  });

  test('every command that is contributed is registered', async () => {
    const { contributes } = vscode.extensions.getExtension('virtbook.virtbook')!.packageJSON as {
      contributes: { commands: { command: string }[] };
    };
    const registered = new Set(await vscode.commands.getCommands(true));
    const missing = contributes.commands.map(({ command }) => command).filter(command => !registered.has(command));
    ok(missing.length === 0, missing.join(', '));
  });
});
