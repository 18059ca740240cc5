/// <reference types="mocha" />
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import { eventually } from '../eventually';

// Every language feature in a real VS Code, on documents of a file system that is none of VS Code's own, and on files.

const folder = vscode.workspace.workspaceFolders![0]!.uri;
const file = (name: string) => vscode.Uri.joinPath(folder, name);

async function asked<T>(command: string, ...args: unknown[]): Promise<T> {
  const answer = await vscode.commands.executeCommand<T>(command, ...args);
  assert.ok(answer, `${command} gives nothing`);
  return answer;
}

async function placeOf(uri: vscode.Uri, text: string, inside: number): Promise<vscode.Position> {
  const document = await vscode.workspace.openTextDocument(uri);
  const at = document.getText().indexOf(text);
  assert.ok(at >= 0, `${uri} has no ${text}`);
  return document.positionAt(at + inside);
}

/** The other side of a diff, as a source control provider shows it: the same path, and a query that says which version. */
class OtherSide implements vscode.TextDocumentContentProvider {
  provideTextDocumentContent(uri: vscode.Uri): string {
    return readFileSync(uri.fsPath, 'utf8').replace('name: spare', 'name: spare').replace('vm: spare', 'vm: spaer');
  }
}

suite('language features', () => {
  suiteSetup(async () => {
    await vscode.extensions.getExtension('virtbook.virtbook')!.activate();
  });

  test('go across files: definition, references, rename and workspace symbols', async () => {
    const calls = file('calls.runbook.yaml');
    const [target] = await asked<vscode.Location[]>(
      'vscode.executeDefinitionProvider',
      calls,
      await placeOf(calls, './called', 4),
    );
    assert.equal(target?.uri.path.split('/').at(-1), 'called.runbook.yaml');

    const inventory = file('lab.inventory.yaml');
    const group = await placeOf(inventory, '  web:', 3);
    const places = await asked<vscode.Location[]>('vscode.executeReferenceProvider', inventory, group);
    const names = new Set(places.map(({ uri }) => path.basename(uri.path)));
    assert.ok(names.has('lab.inventory.yaml') && names.has('snapshots.runbook.yaml'), [...names].join());

    const edit = await asked<vscode.WorkspaceEdit>('vscode.executeDocumentRenameProvider', inventory, group, 'front');
    const edited = edit.entries().map(([uri]) => path.basename(uri.path));
    assert.ok(edited.includes('snapshots.runbook.yaml'), edited.join());
    assert.match(JSON.stringify(edit.entries()), /front/);

    const symbols = await asked<vscode.SymbolInformation[]>('vscode.executeWorkspaceSymbolProvider', 'start-spare');
    assert.ok(symbols.length > 0, 'no symbols');
  });

  test('are there for the document itself: highlights, selection, folding, tokens, links, hints and formatting', async () => {
    const uri = file('snapshots.runbook.yaml');
    const at = await placeOf(uri, 'vm.snapshot', 4);
    const variable = await placeOf(uri, 'forEach: { vm', 12);
    assert.ok((await asked<unknown[]>('vscode.executeDocumentHighlights', uri, variable)).length >= 2);
    const [selection] = await asked<vscode.SelectionRange[]>('vscode.executeSelectionRangeProvider', uri, [at]);
    assert.ok(selection?.parent?.parent, 'selection does not grow');
    assert.ok((await asked<unknown[]>('vscode.executeFoldingRangeProvider', uri)).length > 0);
    assert.ok((await asked<vscode.SemanticTokens>('vscode.provideDocumentSemanticTokens', uri)).data.length > 0);
    const links = await asked<vscode.DocumentLink[]>('vscode.executeLinkProvider', uri);
    assert.equal(links[0]?.target?.path, file('lab.inventory.yaml').path);
    const all = new vscode.Range(0, 0, 100, 0);
    const hints = await asked<vscode.InlayHint[]>('vscode.executeInlayHintProvider', uri, all);
    assert.match(JSON.stringify(hints), /VMs/);
    const untidy = await vscode.workspace.openTextDocument({
      language: 'virt-runbook',
      content: 'version: 1\nname:   x\n',
    });
    const options = { tabSize: 2, insertSpaces: true };
    const edits = await asked<vscode.TextEdit[]>('vscode.executeFormatDocumentProvider', untidy.uri, options);
    assert.ok(edits.length > 0, 'nothing is formatted');
  });

  test('work in a document that was never saved, with the names of the inventory beside it', async () => {
    const content =
      'version: 1\nname: x\ninventory: ./lab.inventory.yaml\nsteps:\n  - uses: vm.start\n    with: { vm: }\n';
    const { uri } = await vscode.workspace.openTextDocument({ language: 'virt-runbook', content });
    const list = await asked<vscode.CompletionList>(
      'vscode.executeCompletionItemProvider',
      uri,
      new vscode.Position(5, 16),
    );
    const labels = list.items.map(({ label }) => (typeof label === 'string' ? label : label.label));
    assert.ok(labels.includes('spare'), labels.join());
  });

  for (const scheme of ['hg', 'svn', 'vscode-vfs']) {
    test(`work in a document of ${scheme}:`, async () => {
      // VS Code may have this one itself: a scheme of the same kind stands for it.
      const used = scheme === 'vscode-vfs' ? `${scheme}-test` : scheme;
      const provider = vscode.workspace.registerTextDocumentContentProvider(used, new OtherSide());
      try {
        const uri = file('snapshots.runbook.yaml').with({ scheme: used, query: '{"ref":"HEAD"}' });
        const document = await vscode.workspace.openTextDocument(uri);
        assert.equal(document.languageId, 'virt-runbook');
        const hover = await asked<vscode.Hover[]>(
          'vscode.executeHoverProvider',
          uri,
          await placeOf(uri, 'vm.snapshot', 4),
        );
        assert.ok(hover.length > 0, 'no hover');
        const found = await eventually(() => {
          const diagnostics = vscode.languages.getDiagnostics(uri);
          return diagnostics.length > 0 && diagnostics;
        });
        assert.match(found.map(({ message }) => message).join(), /spaer/);
        const lenses = await asked<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri);
        const titles = lenses.map(({ command }) => command?.title);
        assert.deepEqual(titles, ['Plan', 'Rehearse'], 'the other side of a diff is not run');
        const symbols = await asked<unknown[]>('vscode.executeDocumentSymbolProvider', uri);
        assert.ok(symbols.length > 0, 'no outline');
      } finally {
        provider.dispose();
      }
    });
  }
});

suite('tools of a language model', () => {
  const invoke = async (name: string, input: object): Promise<string> => {
    const result = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined });
    return result.content.map(part => (part instanceof vscode.LanguageModelTextPart ? part.value : '')).join('');
  };

  test('are registered: four that read, and one that runs', () => {
    const names = vscode.lm.tools.map(({ name }) => name).filter(name => name.startsWith('virtbook_'));
    assert.deepEqual(names.sort(), [
      'virtbook_check',
      'virtbook_explain',
      'virtbook_plan',
      'virtbook_rehearse',
      'virtbook_run',
    ]);
  });

  test('check, explain and plan give what the editor knows', async () => {
    const checked = await invoke('virtbook_check', { files: ['broken.runbook.yaml', 'snapshots.runbook.yaml'] });
    assert.match(checked, /^broken\.runbook\.yaml:\d+:\d+: error /);
    const explained = await invoke('virtbook_explain', { file: 'snapshots.runbook.yaml' });
    assert.match(explained, /`vm\.snapshot` with/);
    const planned = await invoke('virtbook_plan', { file: 'snapshots.runbook.yaml' });
    assert.match(planned, /Plan hash: [0-9a-f]{64}/);
  });

  test('rehearse reports whether everything comes back', async () => {
    const text = await invoke('virtbook_rehearse', { file: 'snapshots.runbook.yaml', step: 'start-spare' });
    assert.match(text, /Rehearsal/);
  });
});
