/// <reference types="mocha" />
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import { eventually } from '../eventually';
import { newLab } from '../newLab';

// Inventory, runs and runbooks, by their commands, on a copy of test/vscode/fixture with its simulated lab.

const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
const { executeCommand } = vscode.commands;

function file(name: string): vscode.Uri {
  assert.ok(folder, 'no folder is open');
  return vscode.Uri.joinPath(folder, name);
}

/** The node of a VM of the lab: its uuid is made from its name. */
function vmNode(name: string): string {
  const hex = createHash('sha256').update(`virtbook simulated vm ${name}`).digest('hex');
  const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  return `vm:lab/${uuid}`;
}

/** Answers dialogs and pickers while `body` runs, which nobody can click here; gives what was shown. */
async function withAnswers<T>(
  answers: { button?: string; pick?: string | string[]; input?: string },
  body: (shown: string[]) => PromiseLike<T>,
): Promise<T> {
  const shown: string[] = [];
  const { window } = vscode;
  const names = ['showWarningMessage', 'showInformationMessage', 'showErrorMessage', 'showQuickPick', 'showInputBox'];
  const before = Object.fromEntries(names.map(name => [name, Reflect.get(window, name)]));
  const message = async (text: string, ...rest: unknown[]) => {
    const detail = rest.find((one): one is { detail?: string } => typeof one === 'object' && one !== null)?.detail;
    shown.push(detail === undefined ? text : `${text}\n${detail}`);
    return rest.includes(answers.button) ? answers.button : undefined;
  };
  const showQuickPick = async (given: { label: string }[] | PromiseLike<{ label: string }[]>) => {
    const items = await given;
    shown.push(items.map(({ label }) => label).join(' | '));
    const { pick } = answers;
    return Array.isArray(pick)
      ? items.filter(({ label }) => pick.includes(label))
      : items.find(one => one.label === pick);
  };
  Object.assign(window, {
    showWarningMessage: message,
    showInformationMessage: message,
    showErrorMessage: message,
    showQuickPick,
    showInputBox: async () => answers.input,
  });
  try {
    return await body(shown);
  } finally {
    Object.assign(window, before);
  }
}

/** In front, also for who asks VS Code which one is. */
async function show(document: vscode.TextDocument | vscode.Uri): Promise<vscode.TextEditor> {
  const opened = document instanceof vscode.Uri ? await vscode.workspace.openTextDocument(document) : document;
  const editor = await vscode.window.showTextDocument(opened);
  await eventually(() => vscode.window.activeTextEditor === editor);
  return editor;
}

/** The journal once the run has ended. */
async function journalOf(runId: string): Promise<string> {
  return eventually(async () => {
    const uri = vscode.Uri.from({ scheme: 'virtbook-journal', path: `/${runId}.log` });
    const text = (await vscode.workspace.openTextDocument(uri)).getText();
    await executeCommand('virtbook.runs.refresh');
    return text.includes('■') && text;
  });
}

/** What *Copy as YAML* makes of these nodes; of the selection when none are given. */
async function copied(...ids: string[]): Promise<string> {
  await vscode.env.clipboard.writeText('');
  const [first] = ids;
  await withAnswers({}, () => executeCommand('virtbook.inventory.copyYaml', first, first && ids));
  return vscode.env.clipboard.readText();
}

suite('inventory view', () => {
  setup(newLab);
  suiteSetup(async () => {
    await executeCommand('virtbook.inventory.focus');
    await eventually(async () => (await copied(vmNode('web1'))).includes('name: web1'));
  });

  test('copies what is known of hosts and VMs as YAML', async () => {
    const text = await copied(vmNode('web1'), 'host:lab/hv1', 'datastore:lab/shared');
    assert.match(text, /^- uuid: .*\n {2}name: web1\n/);
    assert.match(text, /nics:\n +- mac: 52:54:00:/);
    assert.match(text, /\n- name: hv1\n/);
    assert.match(text, /\n- name: shared\n/);
  });

  test('several VMs are one runbook, confirmed once', async () => {
    const ids = [vmNode('web1'), vmNode('web2')];
    await withAnswers({ input: 'both', button: 'Run' }, async shown => {
      const runId = await executeCommand<string>('virtbook.vm.snapshot', ids[0], ids);
      const journal = await journalOf(runId);
      assert.match(journal, /Snapshot both of web1 and web2: submitted/);
      assert.match(journal, /■ done/);
      const asked = shown.filter(text => /^Run Snapshot both of web1 and web2\?/.test(text));
      assert.equal(asked.length, 1, shown.join('\n'));
      assert.match(asked[0] ?? '', /Changes VMs web1, web2 \(simulated\)/);
    });
    await eventually(async () => /snapshotCount: 1/.test(await copied(...ids)));
  });

  test('leaves out what can not be done to a VM as it is', async () => {
    const ids = [vmNode('web1'), vmNode('spare')];
    await withAnswers({}, async shown => {
      await executeCommand('virtbook.vm.start', ids[0], ids);
      assert.match(shown.join('\n'), /Left out, because it can not be done to them as they are now: web1\./);
      assert.match(shown.join('\n'), /Run Start spare\?/);
    });
  });

  test('writes a step into the runbook in front, behind the cursor', async () => {
    const document = await vscode.workspace.openTextDocument({
      language: 'virt-runbook',
      content: 'version: 1\nname: x\nsteps:\n  - uses: vm.start\n    with: { vm: spare }\n  - wait: 1s\n',
    });
    const editor = await show(document);
    try {
      editor.selection = new vscode.Selection(4, 8, 4, 8);
      const ids = [vmNode('web1'), vmNode('web2')];
      await withAnswers({ pick: 'vm.migrate' }, () => executeCommand('virtbook.inventory.insertStep', ids[0], ids));
      const lines = document.getText().split('\n').slice(5);
      assert.deepEqual(lines, [
        '  - forEach: { vm: [web1, web2], batch: 1, maxFailures: 0 }',
        '    steps:',
        '      - uses: vm.migrate',
        '        with:',
        '          vm: "${{ vm }}"',
        '          to: ',
        '  - wait: 1s',
        '',
      ]);
      // The cursor is where something has yet to be written.
      await eventually(() => editor.selection.active.isEqual(new vscode.Position(10, 14)));
    } finally {
      await executeCommand('workbench.action.revertAndCloseActiveEditor');
    }
  });

  test('goes to where a runbook names a VM, and back', async () => {
    await withAnswers({}, () => executeCommand('virtbook.inventory.findInRunbooks', vmNode('spare')));
    await eventually(() => {
      const editor = vscode.window.activeTextEditor;
      return editor?.document.getText(editor.selection) === 'spare';
    });
    await executeCommand('virtbook.inventory.reveal');
    await eventually(async () => (await copied()).includes('name: spare'));
  });

  test('shows a VM that a filter hides when it is asked for', async () => {
    await withAnswers({ pick: ['Off'] }, () => executeCommand('virtbook.inventory.filter'));
    const editor = await show(file('slow.runbook.yaml'));
    const at = editor.document.positionAt(editor.document.getText().indexOf('vm: web1') + 5);
    editor.selection = new vscode.Selection(at, at);
    await executeCommand('virtbook.inventory.reveal');
    await eventually(async () => (await copied()).includes('name: web1'));
  });

  test('finds a VM also in groups', async () => {
    await withAnswers({ pick: 'By owner' }, () => executeCommand('virtbook.inventory.group'));
    try {
      const editor = await show(file('slow.runbook.yaml'));
      const at = editor.document.positionAt(editor.document.getText().indexOf('vm: web1') + 5);
      editor.selection = new vscode.Selection(at, at);
      await executeCommand('virtbook.inventory.reveal');
      await eventually(async () => (await copied()).includes('name: web1'));
    } finally {
      await withAnswers({ pick: 'By host' }, () => executeCommand('virtbook.inventory.group'));
    }
  });
});

suite('runs view', () => {
  setup(newLab);

  test('removes a run from the history, once that is confirmed', async () => {
    const state = process.env.VIRTBOOK_STATE;
    assert.ok(state, 'VIRTBOOK_STATE is not set: these tests would write into your own runs');
    const runId = await withAnswers({ button: 'Run' }, async shown => {
      const id = await executeCommand<string>('virtbook.run', file('snapshots.runbook.yaml'));
      assert.ok(id, shown.join('\n'));
      return id;
    });
    await journalOf(runId);
    const journal = path.join(state, 'runs', runId, 'journal.jsonl');
    await withAnswers({}, shown =>
      executeCommand('virtbook.runs.remove', `run:${runId}`).then(() =>
        assert.match(shown.join('\n'), /Remove the run of .* from the history\?\nTheir journals are deleted/),
      ),
    );
    assert.ok(existsSync(journal));
    await withAnswers({ button: 'Remove' }, () => executeCommand('virtbook.runs.remove', `run:${runId}`));
    assert.ok(!existsSync(journal));
  });

  test('says so when nothing is under way', async () => {
    await withAnswers({}, async shown => {
      await executeCommand('virtbook.runs.pick');
      // How a run before ended may be told meanwhile.
      assert.ok(shown.includes('Nothing is under way.'), shown.join('\n'));
    });
  });
});

suite('runbooks view', () => {
  test('plans a runbook from its line', async () => {
    await executeCommand('virtbook.runbooks.focus');
    const id = `runbook:${file('snapshots.runbook.yaml').toString()}`;
    await withAnswers({}, () => executeCommand('virtbook.plan', id));
    await eventually(() =>
      vscode.window.activeTextEditor?.document.getText().startsWith('# Plan: Snapshot the web servers'),
    );
  });
});
