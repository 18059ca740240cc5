/// <reference types="mocha" />
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import { eventually } from '../eventually';
import { newLab } from '../newLab';

// Runs inside the extension host of a real VS Code, on a copy of test/vscode/fixture with its simulated lab.

const extension = vscode.extensions.getExtension('virtbook.virtbook');
const folder = vscode.workspace.workspaceFolders?.[0]?.uri;

function file(name: string): vscode.Uri {
  assert.ok(folder, 'no folder is open');
  return vscode.Uri.joinPath(folder, name);
}

/** Answers modal dialogs and pickers, which nobody can click here. Gives what was shown. */
function answering(answers: { warning?: string; pick?: string; input?: string }) {
  const shown: string[] = [];
  const { window } = vscode;
  const original = {
    showWarningMessage: window.showWarningMessage,
    showQuickPick: window.showQuickPick,
    showInputBox: window.showInputBox,
    showInformationMessage: window.showInformationMessage,
    showErrorMessage: window.showErrorMessage,
  };
  const note =
    (answer: string | undefined) =>
    async (message: string, ...rest: unknown[]) => {
      const options = rest.find((item): item is { detail?: string } => typeof item === 'object' && item !== null);
      shown.push([message, options?.detail].filter(Boolean).join('\n'));
      return rest.includes(answer) ? answer : undefined;
    };
  Object.assign(window, {
    showWarningMessage: note(answers.warning),
    showInformationMessage: note(undefined),
    showErrorMessage: note(undefined),
    showQuickPick: async (items: (string | { label: string })[]) =>
      items.find(item => (typeof item === 'string' ? item : item.label) === answers.pick),
    showInputBox: async () => answers.input,
  });
  return { shown, restore: () => Object.assign(window, original) };
}

async function withAnswers<T>(
  answers: Parameters<typeof answering>[0],
  body: (shown: string[]) => Promise<T>,
): Promise<T> {
  const { shown, restore } = answering(answers);
  try {
    return await body(shown);
  } finally {
    restore();
  }
}

async function lensesOf(uri: vscode.Uri): Promise<vscode.CodeLens[]> {
  return (await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri)) ?? [];
}

async function lensTitles(uri: vscode.Uri): Promise<string[]> {
  return (await lensesOf(uri)).map(lens => lens.command?.title.replaceAll('\u00a0', ' ') ?? '');
}

async function rewrite(document: vscode.TextDocument, text: string): Promise<void> {
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, document.validateRange(new vscode.Range(0, 0, document.lineCount, 0)), text);
  await vscode.workspace.applyEdit(edit);
  await document.save();
}

/** The journal's last state once the run has ended. */
async function journalOf(runId: string): Promise<string> {
  return eventually(async () => {
    const uri = vscode.Uri.from({ scheme: 'virtbook-journal', path: `/${runId}.log` });
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.commands.executeCommand('virtbook.runs.refresh');
    const text = document.getText();
    return text.includes('■') && text;
  });
}

suite('activation', () => {
  test('every contributed command exists once the extension is active', async () => {
    assert.ok(extension, 'the extension is not installed');
    await extension.activate();
    const registered = new Set(await vscode.commands.getCommands(true));
    const contributed: { command: string }[] = extension.packageJSON.contributes.commands;
    assert.deepEqual(
      contributed.map(({ command }) => command).filter(command => !registered.has(command)),
      [],
    );
  });

  test('ssh and hypervisors are not loaded by it', () => {
    assert.ok(extension);
    const loaded = Object.keys(require.cache).filter(name =>
      name.startsWith(path.join(extension.extensionPath, 'dist')),
    );
    assert.deepEqual(
      loaded.map(name => path.basename(name)).filter(name => name === 'connect.js' || name === 'runner.js'),
      [],
    );
  });
});

suite('language', () => {
  test('a mistake is underlined exactly where it is', async () => {
    const document = await vscode.workspace.openTextDocument(file('broken.runbook.yaml'));
    assert.equal(document.languageId, 'virt-runbook');
    const found = await eventually(() => {
      const list = vscode.languages.getDiagnostics(document.uri);
      return list.length === 2 && list;
    });
    assert.deepEqual(
      found.map(item => [item.code, item.source, document.getText(item.range)]),
      [
        ['unknown-action', 'virtbook', 'vm.snapshoot'],
        ['unknown-step', 'virtbook', 'nowhere'],
      ],
    );
  });

  test('a correct runbook has none, and a fix takes a mistake away', async () => {
    const good = await vscode.workspace.openTextDocument(file('snapshots.runbook.yaml'));
    const broken = await vscode.workspace.openTextDocument(file('broken.runbook.yaml'));
    const [first] = await eventually(() => {
      const list = vscode.languages.getDiagnostics(broken.uri);
      return list.length === 2 && list;
    });
    assert.deepEqual(vscode.languages.getDiagnostics(good.uri), []);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      'vscode.executeCodeActionProvider',
      broken.uri,
      first?.range,
    );
    const fix = actions.find(action => action.title.includes('vm.snapshot`'));
    assert.ok(fix?.edit, `no fix among ${actions.map(action => action.title).join(', ')}`);
    const before = broken.getText();
    await vscode.workspace.applyEdit(fix.edit);
    try {
      await eventually(() => !vscode.languages.getDiagnostics(broken.uri).some(item => item.code === 'unknown-action'));
    } finally {
      await rewrite(broken, before);
    }
  });

  test('completion offers actions, hover explains them', async () => {
    const document = await vscode.workspace.openTextDocument(file('snapshots.runbook.yaml'));
    const at = document.positionAt(document.getText().indexOf('vm.start') + 3);
    const { items } = await vscode.commands.executeCommand<vscode.CompletionList>(
      'vscode.executeCompletionItemProvider',
      document.uri,
      at,
    );
    const labels = items.map(item => (typeof item.label === 'string' ? item.label : item.label.label));
    assert.ok(labels.includes('vm.migrate'), labels.join(', '));
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      document.uri,
      at,
    );
    const text = hovers
      .flatMap(hover => hover.contents.map(content => (content as vscode.MarkdownString).value))
      .join();
    assert.match(text, /Starts/i);
  });

  test('a document of another scheme is checked the same way, and can be planned but not run', async () => {
    const provider = vscode.workspace.registerTextDocumentContentProvider('review-test', {
      provideTextDocumentContent: () => 'version: 1\nname: x\nsteps:\n  - uses: vm.stort\n    with: { vm: a }\n',
    });
    try {
      const uri = vscode.Uri.parse('review-test:/pull/7/x.runbook.yaml');
      const document = await vscode.workspace.openTextDocument(uri);
      assert.equal(document.languageId, 'virt-runbook');
      const [found] = await eventually(() => {
        const list = vscode.languages.getDiagnostics(uri);
        return list.length > 0 && list;
      });
      assert.equal(found?.code, 'unknown-action');
      assert.deepEqual(await lensTitles(uri), ['Plan', 'Rehearse']);
    } finally {
      provider.dispose();
    }
  });

  test('a called runbook is looked into, and its mistakes show where it is called as they are typed', async () => {
    const caller = await vscode.workspace.openTextDocument(file('calls.runbook.yaml'));
    const callee = await vscode.workspace.openTextDocument(file('called.runbook.yaml'));
    for (const { uri } of [caller, callee]) await eventually(() => vscode.languages.getDiagnostics(uri).length === 0);
    const at = callee.positionAt(callee.getText().indexOf('vm.start'));
    const typed = new vscode.WorkspaceEdit();
    typed.replace(callee.uri, new vscode.Range(at, at.translate(0, 'vm.start'.length)), 'vm.strat');
    const before = callee.getText();
    await vscode.workspace.applyEdit(typed);
    try {
      const [found] = await eventually(() => {
        const list = vscode.languages.getDiagnostics(caller.uri);
        return list.length > 0 && list;
      });
      assert.match(found?.message ?? '', /called\.runbook\.yaml:6/);
    } finally {
      await rewrite(callee, before);
    }
    await eventually(() => vscode.languages.getDiagnostics(caller.uri).length === 0);
  });

  test('half-typed, empty and odd files get an answer', async () => {
    for (const text of [
      '',
      '\t',
      'steps:\n  - uses: ',
      '---\na: 1\n---\nb: 2\n',
      '\ufeffversion: 1\r\nname: x\r\nsteps: [',
    ]) {
      const document = await vscode.workspace.openTextDocument({ language: 'virt-runbook', content: text });
      await eventually(() => vscode.languages.getDiagnostics(document.uri).length > 0);
    }
  });
});

suite('runs', () => {
  setup(newLab);

  test('lenses stand on the file and on every step', async () => {
    await vscode.workspace.openTextDocument(file('fails.runbook.yaml'));
    const titles = await lensTitles(file('fails.runbook.yaml'));
    assert.deepEqual(titles, [
      '$(play) Run',
      '$(debug-alt) Debug',
      'Plan',
      'Rehearse',
      'Run step',
      'Run from here',
      'Run step',
      'Run from here',
    ]);
  });

  test('a plan is shown as a document', async () => {
    await withAnswers({}, () =>
      Promise.resolve(vscode.commands.executeCommand('virtbook.plan', file('snapshots.runbook.yaml'))),
    );
    const text = await eventually(() => {
      const shown = vscode.window.activeTextEditor?.document.getText() ?? '';
      return shown.startsWith('# Plan: Snapshot the web servers') && shown;
    });
    assert.match(text, /- vm `web1`\n- vm `web2`\n- vm `spare`/);
  });

  test('a rehearsal runs beside the extension host and is shown as a document', async () => {
    const ok = await withAnswers({}, () =>
      Promise.resolve(vscode.commands.executeCommand('virtbook.rehearse', file('snapshots.runbook.yaml'))),
    );
    assert.equal(typeof ok, 'boolean');
    const document = await eventually(() =>
      vscode.workspace.textDocuments.find(one => one.uri.path.endsWith('.rehearsal.md')),
    );
    assert.match(document.uri.path, /Snapshot the web servers\.rehearsal\.md$/);
    const labels = () => vscode.window.tabGroups.all.flatMap(group => group.tabs.map(tab => tab.label));
    await eventually(() => labels().some(label => /Preview.*rehearsal/.test(label)));
    assert.match(document.getText(), /^#+ Rehearsal of Snapshot the web servers/);
    assert.match(document.getText(), /\d+ failure points: all come back/);
  });

  test('a run asks for its secret, which is never shown, waits for approval, and goes on with it', async () => {
    const secret = 'swordfish-7';
    const { createInputBox } = vscode.window;
    const titles: string[] = [];
    Object.assign(vscode.window, {
      createInputBox: () => {
        const input = createInputBox();
        let accept = () => {};
        return {
          set title(title: string) {
            titles.push(title);
          },
          set password(hidden: boolean) {
            assert.equal(hidden, true);
          },
          get value() {
            return secret;
          },
          onDidTriggerButton: input.onDidTriggerButton,
          onDidHide: input.onDidHide,
          onDidAccept: (listener: () => void) => {
            accept = listener;
            return { dispose() {} };
          },
          show: () => accept(),
          hide: () => {},
          dispose: () => input.dispose(),
        };
      },
    });
    try {
      const runId = await withAnswers({ warning: 'Run' }, async shown => {
        const id = await vscode.commands.executeCommand<string>('virtbook.run', file('gated.runbook.yaml'));
        await eventually(() => shown.some(text => text === 'Asks first waits for approval: Tell the load balancer?'));
        return id;
      });
      assert.deepEqual(titles, ['Asks first: secret token']);
      await withAnswers({ warning: 'Approve' }, async shown => {
        await vscode.commands.executeCommand('virtbook.runs.approve', runId);
        assert.match(shown.join('\n'), /Approve "Tell the load balancer\?"\?\ngate of Asks first, started by /);
        assert.match(shown.join('\n'), /Needs 1 person\.\nPlan [0-9a-f]{12}/);
        const journal = await journalOf(runId);
        assert.match(journal, /✓ approved gate by /);
        assert.match(journal, /stdout="‹secret token›\\n"/);
        assert.match(journal, /■ done/);
        assert.doesNotMatch(journal, /swordfish/);
      });
    } finally {
      Object.assign(vscode.window, { createInputBox });
    }
  });

  test('nothing runs when the confirmation is not given', async () => {
    await withAnswers({}, async shown => {
      const runId = await vscode.commands.executeCommand('virtbook.run', file('snapshots.runbook.yaml'));
      assert.equal(runId, undefined);
      assert.match(shown.join('\n'), /Changes VMs web1, web2, spare \(simulated\)\.\n3 steps/);
      assert.match(shown.join('\n'), /Plan [0-9a-f]{12}/);
    });
  });

  test('nothing runs while the file has mistakes', async () => {
    await withAnswers({ warning: 'Run' }, async shown => {
      const runId = await vscode.commands.executeCommand('virtbook.run', file('broken.runbook.yaml'));
      assert.equal(runId, undefined);
      assert.match(shown.join('\n'), /broken\.runbook\.yaml/);
    });
  });

  test('a run to success: journal, notification, and the lens of each step says so', async () => {
    await withAnswers({ warning: 'Run' }, async shown => {
      const uri = file('snapshots.runbook.yaml');
      const runId = await vscode.commands.executeCommand<string>('virtbook.run', uri);
      const journal = await journalOf(runId);
      assert.match(journal, /■ done/);
      await eventually(() => shown.some(text => /Snapshot the web servers: done in/.test(text)));
      const titles = await eventually(async () => {
        const list = await lensTitles(uri);
        return list.filter(title => title.startsWith('$(pass)')).length === 4 && list;
      });
      assert.ok(
        titles.some(title => title.startsWith('$(pass) 2 done')),
        titles.join(' | '),
      );
    });
  });

  test('a step that fails takes everything before it back', async () => {
    await withAnswers({ warning: 'Run' }, async shown => {
      const uri = file('fails.runbook.yaml');
      const runId = await vscode.commands.executeCommand<string>('virtbook.run', uri);
      const journal = await journalOf(runId);
      assert.match(journal, /← rolling back/);
      assert.match(journal, /■ rolled-back/);
      await eventually(() => shown.some(text => /failed and rolled back/.test(text)));
      await eventually(async () => (await lensTitles(uri)).some(title => title.startsWith('$(error) failed')));
    });
  });

  test('one step alone runs that step only, and can be rolled back when it has ended', async () => {
    const runId = await withAnswers({ warning: 'Run' }, async () => {
      const id = await vscode.commands.executeCommand<string>(
        'virtbook.runStep',
        file('fails.runbook.yaml'),
        '/steps/0',
      );
      const journal = await journalOf(id);
      assert.match(journal, /■ done/);
      assert.doesNotMatch(journal, /false/);
      return id;
    });
    await withAnswers({ warning: 'Roll Back' }, async shown => {
      await vscode.commands.executeCommand('virtbook.runs.rollBack', runId);
      assert.match(shown.join('\n'), /Undone, in this order:/);
      await eventually(async () => /■ rolled-back/.test(await journalOf(runId)));
    });
  });

  test('the journal is on disk where the command line looks', async () => {
    const state = process.env.VIRTBOOK_STATE;
    assert.ok(state, 'VIRTBOOK_STATE is not set: these tests would write into your own runs');
    const runId = await withAnswers({ warning: 'Run' }, () =>
      Promise.resolve(
        vscode.commands.executeCommand<string>('virtbook.runStep', file('fails.runbook.yaml'), '/steps/1'),
      ),
    );
    await journalOf(runId);
    const lines = readFileSync(path.join(state, 'runs', runId, 'journal.jsonl'), 'utf8')
      .trim()
      .split('\n');
    assert.match(lines[0] ?? '', /run\.submitted/);
    assert.match(lines.at(-1) ?? '', /run\.ended/);
  });
});
